/** Where a partition `t-0` of two directories is, and when its move is over. */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import type { Log } from '../../src/storage/log.js'
import { temporaryFolder, type Engine } from './support.js'

const PATIENCE_MS = 20_000

export async function twoDirs(t: ExecutionContext): Promise<string[]> {
  const base = await temporaryFolder(t)
  return [path.join(base, 'one'), path.join(base, 'two')]
}

/** The directory of the partition, and the others. */
export function placeOf(engine: Engine): { here: string; there: string } {
  const here = engine.manager.dirOf('t', 0)!.path
  return { here, there: engine.manager.dirs.find((dir) => dir.path !== here)!.path }
}

export async function until(engine: Engine, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`it did not come to pass:\n${engine.lines.join('\n')}`)
    await delay(2)
  }
}

export async function moved(engine: Engine, to: string): Promise<Log> {
  await until(engine, () => engine.manager.dirOf('t', 0)!.path === to && !engine.manager.moves.isMoving('t', 0))
  return engine.manager.get('t', 0)!
}

export async function foldersOf(dirs: readonly string[]): Promise<string[]> {
  const names = await Promise.all(dirs.map(async (dir) => (await readdir(dir)).map((name) => `${path.basename(dir)}/${name}`)))
  return names.flat().filter((name) => /\/t-0/.test(name))
}
