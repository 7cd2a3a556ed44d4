/** A compaction for whose last names the disk has no room: the log goes on as it was, and whatever ends it meanwhile ends it as ever. */
import fsp, { readdir } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { StorageError } from '../../../src/errors.js'
import { temporaryFolder, TOPIC_ID, type EngineOptions, type ManualClock } from '../support.js'
import { assertSound, compact, endTransaction, latest, put, seen, startCompacting, type Compacting, type Seen } from './support.js'

const RETRY_MS = 1000
const ALL = /\.swap$/
/** From it nothing is renamed. */
let full: RegExp | undefined
const { rename } = fsp
fsp.rename = async (from, to) => {
  if (full?.test(String(from))) throw Object.assign(new Error('no room'), { code: 'ENOSPC' })
  return rename(from, to)
}
syncBuiltinESMExports()

test.afterEach.always(() => void (full = undefined))

async function fill(one: Compacting): Promise<Seen[]> {
  for (let round = 0; round < 40; round++) {
    await put(
      one,
      [0, 1, 2].map((index) => [`k${(round + index) % 9}`, `value ${round}`.padEnd(60, '.')])
    )
  }
  one.log.roll()
  await one.log.whenIdle()
  return seen(one.log)
}

/** A log that waits, and what its readers see. */
async function waiting(
  t: ExecutionContext,
  { names = ALL, ...options }: EngineOptions & { clock?: ManualClock; names?: RegExp } = {}
): Promise<{ one: Compacting; records: Seen[] }> {
  const one = await startCompacting(t, options)
  const records = await fill(one)
  full = names
  t.true(await one.engine.manager.cleaner.cleanFilthiest(), 'others have their turn')
  await assertUnchanged(t, one, records)
  return { one, records }
}

async function assertUnchanged(t: ExecutionContext, { engine, log }: Compacting, records: readonly Seen[]): Promise<void> {
  t.true(engine.manager.dirs.every(({ online }) => online))
  t.deepEqual((await seen(log)).slice(0, records.length), records)
}

async function until(fits: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await fits())) await delay(2)
}

async function leftOver(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => /\.(cleaned|swap)$/.test(name))
}

test.serial('the log is written and read, and the segments are put in their place when there is room', async (t) => {
  const { one, records } = await waiting(t)
  const { engine, clock, log } = one
  t.is((await put(one, [['late', '1']])).errorCode, 0)
  t.is(await log.applyRetention(), 0)
  const before = engine.lines.length
  for (let again = 0; again < 3; again++) {
    clock.advance(RETRY_MS)
    await delay(5)
  }
  t.is(engine.lines.length, before, 'told once')
  await assertUnchanged(t, one, records)
  const kept = latest(await seen(log))
  full = undefined
  clock.advance(RETRY_MS)
  await until(async () => (await seen(log)).length < records.length)
  while (await engine.manager.cleaner.cleanFilthiest());
  t.deepEqual(latest(await seen(log)), kept)
  t.deepEqual(await leftOver(log.folder), [])
  await assertSound(t, engine)
  await engine.stop()
})

test.serial('what has lost its name is read all the same where files are closed to spare descriptors', async (t) => {
  const { one } = await waiting(t, { openSegments: 1 })
  full = undefined
  await one.engine.stop()
})

test.serial('other logs are compacted meanwhile', async (t) => {
  const { one, records } = await waiting(t, { names: /\/t-0\/.*\.swap$/ })
  const { manager } = one.engine
  const other = { ...one, log: await manager.create('other', 0, TOPIC_ID, one.engine.config()) }
  const before = await fill(other)
  t.true(await manager.cleaner.cleanFilthiest())
  t.true((await seen(other.log)).length < before.length / 2)
  await assertUnchanged(t, one, records)
  await one.engine.stop()
})

test.serial('who asks for the compaction is told of the full disk, and has it when there is room', async (t) => {
  const { one, records } = await waiting(t)
  const { cleaner } = one.engine.manager
  await t.throwsAsync(cleaner.cleanNow(one.log), { instanceOf: StorageError, code: 'ENOSPC' })
  await assertUnchanged(t, one, records)
  full = undefined
  t.truthy(await cleaner.cleanNow(one.log))
  t.is((await seen(one.log)).length, 9)
  await one.engine.stop()
})

for (const names of [ALL, /\.index\.swap$/]) {
  test.serial(`an orderly stop is one, and the next start gives the names: ${names.source}`, async (t) => {
    const { one, records } = await waiting(t, { names })
    await put(one, [['late', '1']])
    const { endOffset } = one.log
    const kept = latest(await seen(one.log))
    await one.engine.stop()
    t.true(one.engine.manager.dirs[0]!.online)
    full = undefined
    const again = await startCompacting(t, { dir: one.engine.dir })
    t.true(again.engine.manager.cleanStart)
    t.is(again.log.endOffset, endOffset)
    t.true((await seen(again.log)).length < records.length)
    t.deepEqual(latest(await seen(again.log)), kept)
    t.deepEqual(await leftOver(again.log.folder), [])
    await assertSound(t, again.engine)
    await again.engine.stop()
  })
}

test.serial('a truncation changes nothing while there is no room, and cuts what is compacted when there is', async (t) => {
  const { one, records } = await waiting(t)
  const { log } = one
  for (const offset of [60, 0]) await t.throwsAsync(log.truncateTo(offset), { instanceOf: StorageError, code: 'ENOSPC' })
  await t.throwsAsync(log.truncateFullyAndStartAt(500), { instanceOf: StorageError, code: 'ENOSPC' })
  await assertUnchanged(t, one, records)
  t.is((await put(one, [['late', '1']])).baseOffset, 120)
  full = undefined
  t.true(await log.truncateTo(60))
  t.true(log.endOffset <= 60 && log.endOffset > 55)
  const left = await seen(log)
  t.true(left.every(({ offset }) => offset < 60))
  await assertSound(t, one.engine)
  await one.engine.drop()
  const again = await startCompacting(t, { dir: one.engine.dir })
  t.deepEqual(await seen(again.log), left)
  t.is(again.log.endOffset, log.endOffset)
  await again.engine.stop()
})

test.serial('the log is deleted', async (t) => {
  const { one } = await waiting(t)
  await one.engine.manager.delete('t', 0)
  t.true(one.engine.manager.dirs[0]!.online)
  await one.engine.stop()
  t.deepEqual(
    (await readdir(one.engine.dir)).filter((name) => name.startsWith('t-')),
    []
  )
})

test.serial('the log is moved to another directory', async (t) => {
  const base = await temporaryFolder(t)
  const dirs = ['one', 'two'].map((name) => path.join(base, name))
  const { one, records } = await waiting(t, { dirs })
  const { manager } = one.engine
  const target = dirs.find((dir) => dir !== manager.dirOf('t', 0)!.path)!
  t.is(await manager.moves.start('t', 0, target), 0)
  await until(() => !manager.moves.isMoving('t', 0))
  t.is(manager.dirOf('t', 0)!.path, target)
  await assertUnchanged(t, { ...one, log: manager.get('t', 0)! }, records)
  full = undefined
  await compact({ ...one, log: manager.get('t', 0)! })
  t.is((await seen(manager.get('t', 0)!)).length, 9)
  await one.engine.stop()
  await assertSound(t, { ...one.engine, dir: target })
})

test.serial('readers of committed records still learn what was aborted', async (t) => {
  const one = await startCompacting(t)
  const transaction = { producerId: 7, producerEpoch: 0, transactional: true }
  await put(one, [['k0', 'aborted']], { ...transaction, baseSequence: 0 })
  await endTransaction(one, 7, false)
  const records = await fill(one)
  full = ALL
  await one.engine.manager.cleaner.cleanFilthiest()
  await assertUnchanged(t, one, records)
  t.is((await one.log.abortedTransactions(0, 10)).length, 1)
  await one.engine.stop()
})
