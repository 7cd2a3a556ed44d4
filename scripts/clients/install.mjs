// Installs one client that npm does not bring, once, into the cache folder, and prints what to run:
//   node scripts/clients/install.mjs librdkafka      a Python interpreter with confluent-kafka (its wheel holds librdkafka)
//   node scripts/clients/install.mjs franz-go        the test driver of test/clients/franz-go, built
//   node scripts/clients/install.mjs strace          strace: a package of the system that this only looks for, and whether it may trace
// Exit code 3: Python, Go or strace is missing, or the packages cannot be had; standard error says which.
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached, digestOf, printProduct, run } from './cached.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const CONFLUENT_KAFKA = '2.16.1'

const clients = {
  async librdkafka() {
    const tag = run('python3', ['-c', 'import sys; print("%d%d" % sys.version_info[:2])']).trim()
    const folder = await cached(
      `confluent-kafka-${CONFLUENT_KAFKA}-py${tag}`,
      (venv) => {
        run('python3', ['-m', 'venv', venv])
        run(join(venv, 'bin/python'), ['-m', 'pip', 'install', '-q', '--only-binary', ':all:', `confluent-kafka==${CONFLUENT_KAFKA}`])
        run(join(venv, 'bin/python'), ['-c', 'import confluent_kafka'])
      },
      { inPlace: true }
    )
    return join(folder, 'bin/python')
  },
  async 'franz-go'() {
    const sources = join(root, 'test/clients/franz-go')
    const files = readdirSync(sources).sort()
    const folder = await cached(`franz-go-${digestOf(files.map((file) => join(sources, file)))}`, (out) => {
      run('go', ['build', '-mod=readonly', '-o', join(out, 'driver'), '.'], {
        cwd: sources,
        env: { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '' }
      })
    })
    return join(folder, 'driver')
  },
  async strace() {
    run('strace', ['-f', '--seccomp-bpf', '-qq', '-e', 'trace=none', 'true'])
    return 'strace'
  }
}

const client = clients[process.argv[2]]
if (!client) throw new Error(`usage: install.mjs ${Object.keys(clients).join(' | ')}`)
await printProduct(client)
