/** The metadata's word on where a partition is: waited for, refused, and taken back. */
import fsp from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import path from 'node:path'
import test from 'ava'
import { StorageError } from '../../src/errors.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import type { Log } from '../../src/storage/log.js'
import { foldersOf, moved, placeOf, twoDirs, until } from './moving.js'
import { append, readAll, startEngine, TOPIC_ID, values } from './support.js'

/** Paths to which nothing can be renamed. */
const unnameable = new Set<string>()
const { rename } = fsp
fsp.rename = async (from, to) => {
  if (unnameable.has(String(to))) throw Object.assign(new Error('EIO: i/o error, rename'), { code: 'EIO' })
  await rename(from, to)
}
syncBuiltinESMExports()

test('deleting a topic ends its move, also while the metadata is busy with the deletion', async (t) => {
  const dirs = await twoDirs(t)
  let asked: (() => void) | undefined
  const asking = new Promise<void>((resolve) => (asked = resolve))
  const assignDir = () => {
    asked!()
    return new Promise<boolean>(() => undefined)
  }
  const engine = await startEngine(t, { dirs, topic: { 'file.delete.delay.ms': '0' }, more: { assignDir } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(5))
  await engine.manager.moves.start('t', 0, placeOf(engine).there)
  await asking
  const waiting = append(engine, log, values(1))
  await engine.manager.delete('t', 0)
  t.is((await waiting).errorCode, ErrorCode.NONE, 'what waited was written before the log went')
  await until(engine, async () => (await foldersOf(dirs)).length === 0)
})

test('a word of the metadata that can not be had leaves the partition where it is', async (t) => {
  const dirs = await twoDirs(t)
  let refusals = 3
  const assigned: string[] = []
  const assignDir = async (_log: Log, directoryId: string) => {
    if (refusals-- > 0) return false
    assigned.push(directoryId)
    return true
  }
  const engine = await startEngine(t, { dirs, more: { assignDir } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(5))
  const { there } = placeOf(engine)
  await engine.manager.moves.start('t', 0, there)
  await until(engine, () => refusals <= 1)
  t.is((await append(engine, log, values(1))).baseOffset, 5)
  const second = await moved(engine, there)
  t.is(second.endOffset, 6)
  t.is(assigned.at(-1), engine.manager.dirOf('t', 0)!.directoryId)
})

test('a directory that fails while the metadata is told of it does not get the partition', async (t) => {
  const dirs = await twoDirs(t)
  const assigned: string[] = []
  const assignDir = async (_log: Log, directoryId: string) => {
    const target = engine.manager.dirs.find((dir) => dir.directoryId === directoryId)!
    if (assigned.push(directoryId) === 1) target.onFailure!(new StorageError('EIO', target.path))
    return true
  }
  const engine = await startEngine(t, { dirs, more: { assignDir } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(5))
  const { here, there } = placeOf(engine)
  await engine.manager.moves.start('t', 0, there)
  await until(engine, () => !engine.manager.moves.isMoving('t', 0))
  t.is(engine.manager.dirOf('t', 0)!.path, here)
  t.is((await append(engine, log, values(1))).baseOffset, 5)
  t.deepEqual(
    assigned,
    [there, here].map((dir) => engine.manager.dirs.find((each) => each.path === dir)!.directoryId)
  )
})

test('a copy that can not get its name leaves everything as it was, the word of the metadata too', async (t) => {
  const dirs = await twoDirs(t)
  const assigned: string[] = []
  const assignDir = async (_log: Log, directoryId: string) => assigned.push(directoryId) > 0
  const engine = await startEngine(t, { dirs, more: { assignDir } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(5))
  const { here, there } = placeOf(engine)
  unnameable.add(path.join(there, 't-0'))
  await engine.manager.moves.start('t', 0, there)
  await until(engine, () => !engine.manager.moves.isMoving('t', 0))
  t.is(engine.manager.dirOf('t', 0)!.path, here)
  t.false(engine.manager.dirs.find((dir) => dir.path === there)!.online)
  t.is((await append(engine, log, values(1))).baseOffset, 5)
  t.is((await readAll(log)).length, 6)
  t.deepEqual(await foldersOf([here]), [`${path.basename(here)}/t-0`])
  t.is(assigned.at(-1), engine.manager.dirOf('t', 0)!.directoryId)
  await engine.stop()
  unnameable.clear()
  const again = await startEngine(t, { dirs })
  t.is((await moved(again, there)).endOffset, 6)
})
