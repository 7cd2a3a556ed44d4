// A real Apache Kafka broker (and its controller) on 127.0.0.1, in the foreground, for comparisons:
//   node scripts/kafka/broker.mjs --port 19092 --dir D [--set name=value ...]
// Formats D/data when it is empty. Prints `ready bootstrap=127.0.0.1:P pid=N` when it serves; ends on SIGTERM or SIGINT. D/broker.log is its log.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { finished } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { run } from '../clients/cached.mjs'
import { installKafka, javaArguments } from './install.mjs'

const START_TIMEOUT_MS = 120_000
const GC = ['-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-XX:InitiatingHeapOccupancyPercent=35']
/** For tests of what it does rather than how fast: a start costs about half the CPU time. */
const LEAN = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

/**
 * What a start needs: D/server.properties, and D/data formatted when it is empty. Resolves with the arguments of `java` that run the broker
 * in the foreground; its log goes to standard error. Throws Unavailable where Apache Kafka cannot be had.
 */
export async function prepareKafka({ port, dir, settings = {}, lean = false }) {
  const jars = await installKafka()
  const folder = resolve(dir)
  mkdirSync(folder, { recursive: true })
  const properties = join(folder, 'server.properties')
  writeFileSync(properties, serverProperties(port, folder, settings))
  if (!existsSync(join(folder, 'data/meta.properties'))) {
    // Its first letter must not be a dash, which the tool takes for an option.
    const id = Buffer.concat([Buffer.of(1), randomBytes(15)]).toString('base64url')
    run('java', [...javaArguments(jars, { heap: '256m' }), 'kafka.tools.StorageTool', 'format', '-t', id, '-c', properties, '--standalone'])
  }
  return [...javaArguments(jars, { heap: '1g', logLevel: 'INFO', options: lean ? LEAN : GC }), 'kafka.Kafka', properties]
}

/** Starts a broker. Resolves when it serves: `{ bootstrap, pid, exited, stop() }`; `stop` resolves when it has ended and its log is written. */
export async function startKafka({ port, dir, settings = {}, lean = false }) {
  const folder = resolve(dir)
  const child = spawn('java', await prepareKafka({ port, dir, settings, lean }), { stdio: ['ignore', 'inherit', 'pipe'] })
  const log = createWriteStream(join(folder, 'broker.log'))
  const logged = finished(child.stderr.pipe(log))
  const exited = new Promise((done) => child.once('exit', done))
  await started(child, exited, join(folder, 'broker.log'))
  const stop = async () => {
    child.kill('SIGTERM')
    await logged
    return exited
  }
  return { bootstrap: `127.0.0.1:${port}`, pid: child.pid, exited, stop }
}

function serverProperties(port, folder, settings) {
  const all = {
    'node.id': 1,
    'process.roles': 'broker,controller',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.bootstrap.servers': `127.0.0.1:${port + 1}`,
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    ...settings
  }
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

function started(child, exited, log) {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      fail(new Error(`Apache Kafka was not ready in time; its log is ${log}`))
    }, START_TIMEOUT_MS)
    let tail = ''
    const watch = (chunk) => {
      tail = (tail + chunk).slice(-4096)
      if (!tail.includes('Kafka Server started')) return
      clearTimeout(timer)
      child.stderr.off('data', watch)
      done()
    }
    child.stderr.on('data', watch)
    void exited.then(() => {
      clearTimeout(timer)
      fail(new Error(`Apache Kafka ended; its log is ${log}`))
    })
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { port: { type: 'string' }, dir: { type: 'string' }, set: { type: 'string', multiple: true, default: [] } }
  })
  if (!values.port || !values.dir) throw new Error('usage: broker.mjs --port P --dir D [--set name=value ...]')
  const settings = Object.fromEntries(values.set.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
  const broker = await startKafka({ port: Number(values.port), dir: values.dir, settings })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void broker.stop())
  process.stdout.write(`ready bootstrap=${broker.bootstrap} pid=${broker.pid}\n`)
  process.exitCode = (await broker.exited) === 0 || (await broker.exited) === 143 ? 0 : 1
}
