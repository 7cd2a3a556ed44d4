/** kill -9 at every point of a move: one log is left, with all that was acknowledged, and the move can be completed. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import readline from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { verifyFolder } from '../../src/storage/verify.js'
import { readAll, startEngine, temporaryFolder, type EngineOptions } from './support.js'

/** In the order of a move. */
const POINTS = [
  'copying',
  'before-decision',
  'after-decision',
  'before-source',
  'after-source',
  'before-copy',
  'after-copy',
  'replaced',
  'later'
]
/** Rounds at each point: more with SLUICE_KILL_ROUNDS. */
const ROUNDS = Number(process.env['SLUICE_KILL_ROUNDS'] ?? '1')
const PATIENCE_MS = 20_000

/** Puts what was acknowledged into `acknowledged`, value by offset. Returns where it ended. */
async function runChild(base: string, point: string, acknowledged: Map<number, string>): Promise<string> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'move-forever.js'), base], {
    env: { ...process.env, SLUICE_KILL_AT: point },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  let last = ''
  const timer = setTimeout(() => child.kill('SIGTERM'), PATIENCE_MS)
  for await (const line of readline.createInterface({ input: child.stdout })) {
    const [, offset, value] = /^acked (\d+) (\S+)$/.exec(line) ?? []
    last = line
    if (value !== undefined) acknowledged.set(Number(offset), value)
  }
  clearTimeout(timer)
  await ended
  return last
}

for (const point of POINTS) {
  test(`killed at ${point}`, async (t) => {
    const base = await temporaryFolder(t)
    const dirs = ['one', 'two'].map((name) => path.join(base, name))
    const word = path.join(base, 'assigned')
    const more: EngineOptions['more'] = {
      assignedDir: () => (existsSync(word) ? readFileSync(word, 'utf8') : undefined),
      assignDir: async (_log, directoryId) => {
        await writeFile(word, directoryId)
        return true
      }
    }
    const acknowledged = new Map<number, string>()
    for (let round = 0; round < ROUNDS; round++) {
      t.is(await runChild(base, point, acknowledged), `killed at ${point}`)
      t.true(acknowledged.size >= 290)
      const engine = await startEngine(t, { dirs, topic: { 'internal.segment.bytes': '100000' }, more })
      const { endOffset } = (await engine.manager.whenReady('t', 0))!
      const end = Date.now() + PATIENCE_MS
      while (engine.manager.moves.isMoving('t', 0) && Date.now() < end) await delay(2)
      t.false(engine.manager.moves.isMoving('t', 0), engine.lines.join('\n'))
      const log = engine.manager.get('t', 0)!
      const values = (await readAll(log)).map(({ offset, value }) => [offset, value!.toString().replace(/\.+$/, '')] as const)
      t.deepEqual(
        values.map(([offset]) => offset),
        Array.from({ length: endOffset }, (_, offset) => offset)
      )
      t.deepEqual(
        values.filter(([offset]) => acknowledged.has(offset)),
        [...acknowledged].toSorted(([a], [b]) => a - b)
      )
      await engine.stop()
      const folders = await Promise.all(dirs.map(async (dir) => (await readdir(dir)).map((name) => path.join(dir, name))))
      t.deepEqual(
        folders.flat().filter((folder) => path.basename(folder).startsWith('t-0')),
        [log.folder]
      )
      t.deepEqual(await verifyFolder(log.folder), [])
    }
  })
}
