/** The command as a process: the ready line, signals, the pid file, and what it says when it can not serve. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))
const READY = /^ready bootstrap=(\S+):(\d+) pid=(\d+)$/m

interface Run {
  readonly child: ChildProcess
  /** All of standard output, once it matches. */
  outputWith(pattern: RegExp): Promise<string>
  readonly ended: Promise<{ code: number | null; out: string; error: string }>
}

function sluice(t: ExecutionContext, ...args: string[]): Run {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let out = ''
  let error = ''
  const waiting = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    for (const check of waiting) check()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (error += text))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, error }))
  const outputWith = (pattern: RegExp): Promise<string> => {
    const seen = new Promise<string>((resolve) => {
      const check = (): void => {
        if (pattern.test(out)) resolve(out)
      }
      waiting.add(check)
      check()
    })
    const gone = ended.then(() => Promise.reject(new Error(`ended without ${pattern}: ${out}${error}`)))
    return Promise.race([seen, gone])
  }
  return { child, outputWith, ended }
}

function folder(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-cli-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

test('it tells where the data is, then that it is ready; SIGTERM stops it with code 0', async (t) => {
  const dir = folder(t)
  const pidFile = join(dir, 'pid')
  const run = sluice(t, 'start', '--port', '0', '--dir', join(dir, 'data'), '--pid-file', pidFile, '--topic', 'orders:3')
  const out = await run.outputWith(READY)
  const [, host, port, pid] = READY.exec(out) ?? []
  t.is(host, '127.0.0.1')
  t.true(Number(port) > 0)
  t.is(Number(pid), run.child.pid ?? -1)
  const before = out.slice(0, out.search(READY))
  t.true(before.includes(join(dir, 'data')), before)
  t.regex(before, /flush/i)
  t.regex(before, /transfer/i)
  t.is(readFileSync(pidFile, 'utf8'), `${run.child.pid}\n`)
  run.child.kill('SIGTERM')
  const { code, error } = await run.ended
  t.is(code, 0)
  t.is(error, '')
  t.false(existsSync(pidFile))
})

test('SIGINT stops it with code 0', async (t) => {
  const run = sluice(t, 'start', '--port', '0', '--dir', folder(t))
  await run.outputWith(READY)
  run.child.kill('SIGINT')
  t.is((await run.ended).code, 0)
})

test('a port in use is named', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const { code, out, error } = await sluice(t, 'start', '--port', String(port), '--dir', folder(t)).ended
  t.is(code, 1)
  t.regex(error, new RegExp(`^sluice: .*port ${port}.*in use`, 'm'))
  t.notRegex(out, READY)
})

test('a data folder that another broker uses is named', async (t) => {
  const dir = folder(t)
  const first = sluice(t, 'start', '--port', '0', '--dir', dir)
  await first.outputWith(READY)
  const { code, error } = await sluice(t, 'start', '--port', '0', '--dir', dir).ended
  t.is(code, 1)
  t.true(error.startsWith(`sluice: ${dir} is in use by another broker`), error)
  first.child.kill('SIGTERM')
  await first.ended
})

test('a data folder that is a file is named', async (t) => {
  const file = join(folder(t), 'file')
  writeFileSync(file, '')
  const { code, error } = await sluice(t, 'start', '--port', '0', '--dir', file).ended
  t.is(code, 1)
  t.true(error.includes(file), error)
})

test('a wrong setting: its name, its value, what is allowed, what it does', async (t) => {
  const { code, error } = await sluice(t, 'start', '--port', '0', '--dir', folder(t), '--set', 'num.network.threads=none').ended
  t.is(code, 1)
  t.regex(
    error,
    /^sluice: Invalid value "none" for num\.network\.threads: it must be a whole number, at least 1\n {2}num\.network\.threads: /
  )
})

test('version', async (t) => {
  const { code, out } = await sluice(t, 'version').ended
  t.is(code, 0)
  t.regex(out, /^\d+\.\d+\.\d+\n$/)
})
