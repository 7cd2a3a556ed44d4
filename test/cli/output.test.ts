/** Outputs that can not be written, and readers that take their time. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync, closeSync, watch, writeFileSync, existsSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { root } from '../support/processes.js'
import { tempDir } from '../support/temp-dir.js'

const MAIN = path.join(root, 'dist/src/cli/main.js')
const OUTPUT = path.join(root, 'dist/src/cli/output.js')

/** With the device that is always full as standard output. */
function sluiceOnFull(t: ExecutionContext, ...args: string[]) {
  const full = openSync('/dev/full', 'w')
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', full, 'pipe'] })
  closeSync(full)
  t.teardown(() => child.kill('SIGKILL'))
  const ended = Promise.all([once(child, 'exit'), text(child.stderr!)]).then(([[code], error]) => ({ code: code as number | null, error }))
  return { child, ended }
}

test('a broker whose log can not be written serves and stops', async (t) => {
  const dir = await tempDir(t)
  const pidFile = path.join(dir, 'pid')
  const { child, ended } = sluiceOnFull(t, 'start', '--port', '0', '--dir', path.join(dir, 'data'), '--pid-file', pidFile)
  const gone = ended.then(({ error }) => Promise.reject(new Error(`it ended: ${error}`)))
  const serving = new Promise<void>((resolve) => {
    const watcher = watch(dir, () => existsSync(pidFile) && resolve())
    t.teardown(() => watcher.close())
    if (existsSync(pidFile)) resolve()
  })
  await Promise.race([serving, gone])
  child.kill('SIGTERM')
  t.deepEqual(await ended, { code: 0, error: '' })
})

test('a report that can not be written is an error', async (t) => {
  const folder = path.join(await tempDir(t), 'orders-0')
  mkdirSync(folder)
  writeFileSync(path.join(folder, 'partition.metadata'), 'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAg\n')
  for (const action of ['verify', 'dump']) {
    const { code, error } = await sluiceOnFull(t, 'log', action, folder).ended
    t.is(code, 1)
    t.regex(error, /^sluice: .*ENOSPC/m)
  }
})

test('a reader that takes its time gets all of it, in order', async (t) => {
  // Node makes a pipe non-blocking as soon as it is asked for the stream.
  const program = `
    import { writeAll } from ${JSON.stringify(OUTPUT)}
    process.stdout.isTTY
    writeAll(1, 'x'.repeat(1 << 20))
    writeAll(1, 'the end')
    writeAll(2, 'written')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stderr, 'data')
  const out = await text(child.stdout)
  t.is(out.length, (1 << 20) + 'the end'.length)
  t.true(out.endsWith('xthe end'))
})

test('a reader of the log that has stopped does not take memory', async (t) => {
  const program = `
    import { writeLine } from ${JSON.stringify(OUTPUT)}
    process.stdout.isTTY
    for (let line = 0; line < 1000; line++) writeLine('x'.repeat(10_000))
    process.stderr.write(String(process.stdout.writableLength))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [kept] = (await once(child.stderr, 'data')) as [Buffer]
  t.true(Number(kept) > 0 && Number(kept) < 1_100_000, String(kept))
})
