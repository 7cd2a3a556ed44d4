/** Single files for which a full disk, or a process without a free descriptor, has nothing left: what was asked for fails, and nothing else. */
import { constants } from 'node:fs'
import fsp, { readdir, readFile, rename } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { buildBatch, endTransactionBatch } from '../../src/record/index.js'
import type { Log } from '../../src/storage/log.js'
import { verifyFolder } from '../../src/storage/verify.js'
import { append, appendBytes, ManualClock, readAll, startEngine, temporaryFolder, TOPIC_ID, values, type Engine } from './support.js'

/** By path: the error that opening it gives, and how often. */
const refusals: { path: RegExp; code: string; left: number }[] = []
const { open } = fsp
fsp.open = async (...[file, flags, mode]: Parameters<typeof open>) => {
  const reads = flags === 'r' || (typeof flags === 'number' && (flags & (constants.O_WRONLY | constants.O_RDWR)) === 0)
  const refusal = refusals.find((one) => one.left > 0 && one.path.test(String(file)) && !(reads && one.code === 'ENOSPC'))
  if (refusal) {
    refusal.left--
    throw Object.assign(new Error(`${refusal.code}: ${String(file)}`), { code: refusal.code })
  }
  return open(file, flags, mode)
}
syncBuiltinESMExports()

test.afterEach.always(() => void refusals.splice(0))

const topic = { 'internal.segment.bytes': '1500', 'index.interval.bytes': '200', 'retention.ms': '-1', 'file.delete.delay.ms': '0' }

async function filled(t: ExecutionContext, more: Readonly<Record<string, string>> = {}): Promise<{ engine: Engine; log: Log }> {
  const engine = await startEngine(t, { topic: { ...topic, ...more } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let round = 0; round < 20; round++) await append(engine, log, values(4, `${round}-`, 50))
  return { engine, log }
}

const noRoom = (file: RegExp, left = Infinity) => refusals.push({ path: file, code: 'ENOSPC', left })

async function saved(engine: Engine, name: string): Promise<string> {
  return readFile(path.join(engine.dir, name), 'utf8').catch(() => '')
}

test.serial('a log start that could not be saved is not acknowledged, however often it is asked for', async (t) => {
  const { engine, log } = await filled(t)
  noRoom(/log-start-offset-checkpoint/)
  for (let times = 0; times < 2; times++) t.is((await log.deleteRecordsBefore(10)).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
  t.true(engine.manager.dirs[0]!.online)
  refusals.splice(0)
  t.deepEqual(await log.deleteRecordsBefore(10), { errorCode: ErrorCode.NONE, logStartOffset: 10 })
  t.regex(await saved(engine, 'log-start-offset-checkpoint'), /^t 0 10$/m)
})

test.serial('records below a log start that was not saved have their epochs when a crash brings them back', async (t) => {
  const engine = await startEngine(t, { topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let round = 0; round < 20; round++) await append(engine, log, values(4, `${round}-`, 50), {}, round)
  // What is flushed is not read for its epochs.
  await log.flush()
  await engine.manager.dirs[0]!.saveRecoveryPoints()
  noRoom(/log-start-offset-checkpoint/)
  t.is((await log.deleteRecordsBefore(50)).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
  t.true((await log.applyRetention()) > 0)
  await engine.drop()
  refusals.splice(0)
  const again = await startEngine(t, { dir: engine.dir, topic })
  const reopened = (await again.manager.whenReady('t', 0))!
  t.true(reopened.logStartOffset > 0 && reopened.logStartOffset < 50, `${reopened.logStartOffset}`)
  t.is(reopened.epochOf(reopened.logStartOffset), reopened.logStartOffset / 4)
})

test.serial('retention frees a disk that has no room for the checkpoint of the log start', async (t) => {
  const { engine, log } = await filled(t, { 'retention.bytes': '3000' })
  noRoom(/log-start-offset-checkpoint/)
  t.true((await log.applyRetention()) > 0)
  const start = log.logStartOffset
  t.true(start > 0 && log.sizeBytes <= 4500)
  await engine.drop()
  t.true((await readdir(log.folder)).filter((name) => name.endsWith('.log')).length <= 3)
  refusals.splice(0)
  const again = await startEngine(t, { dir: engine.dir, topic })
  t.is((await again.manager.whenReady('t', 0))!.logStartOffset, start)
})

test.serial('a stop that has no room for producer states is not taken for an orderly one', async (t) => {
  const engine = await startEngine(t, { topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(1), { producerId: 7, producerEpoch: 0, baseSequence: 0 })
  await log.flush()
  noRoom(/\.snapshot$/)
  await engine.stop()
  refusals.splice(0)
  const again = await startEngine(t, { dir: engine.dir, topic })
  t.is((await again.manager.whenReady('t', 0))?.producer(7)?.batches.at(-1)?.lastSequence, 0)
})

for (const name of ['recovery-point-offset-checkpoint', 'log-start-offset-checkpoint']) {
  test.serial(`a truncation that has no room for the ${name} changes nothing, also the second time`, async (t) => {
    const { engine, log } = await filled(t)
    await log.flush()
    await log.deleteRecordsBefore(30)
    await engine.manager.dirs[0]!.saveRecoveryPoints()
    noRoom(new RegExp(name))
    for (let times = 0; times < 2; times++) await t.throwsAsync(log.truncateTo(20), { name: 'StorageError', code: 'ENOSPC' })
    t.true(engine.manager.dirs[0]!.online, engine.lines.join('\n'))
    t.deepEqual([log.logStartOffset, log.endOffset, log.startToSave], [30, 80, 30])
    t.is((await readAll(log)).length, 50)
    t.is((await append(engine, log, values(1))).baseOffset, 80)
    refusals.splice(0)
    t.true(await log.truncateTo(20))
    t.deepEqual([log.logStartOffset, log.endOffset, log.recoveryPoint], [20, 20, 20])
    t.regex(await saved(engine, 'recovery-point-offset-checkpoint'), /^t 0 20$/m)
    t.regex(await saved(engine, 'log-start-offset-checkpoint'), /^t 0 20$/m)
    await engine.stop()
    t.deepEqual(await verifyFolder(log.folder), [])
  })
}

test.serial('a truncation that takes away what there was no room for needs none', async (t) => {
  const { engine, log } = await filled(t)
  noRoom(/txnindex/)
  const timestamp = engine.clock.now()
  const producer = { producerId: 7, producerEpoch: 0 }
  const ends: number[] = []
  for (let round = 0; round < 2; round++) {
    await appendBytes(engine, log, buildBatch(values(1), { timestamp, ...producer, baseSequence: round, transactional: true }))
    const marker = endTransactionBatch({ ...producer, commit: false, coordinatorEpoch: 0, timestamp })
    ends.push((await appendBytes(engine, log, marker, 'coordinator')).baseOffset)
  }
  t.true(await log.truncateTo(ends[1]!))
  t.true(engine.manager.dirs[0]!.online, engine.lines.join('\n'))
  t.deepEqual(
    (await log.abortedTransactions(0, log.endOffset)).map(({ lastOffset }) => lastOffset),
    [ends[0]]
  )
  refusals.splice(0)
  await engine.stop()
  t.deepEqual(await verifyFolder(log.folder), [])
})

test.serial('a copy that has no room leaves no folder behind', async (t) => {
  const base = await temporaryFolder(t)
  const dirs = [path.join(base, 'one'), path.join(base, 'two')]
  const engine = await startEngine(t, { dirs, topic: { 'file.delete.delay.ms': '0' } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(3))
  noRoom(/-future\/partition\.metadata/)
  t.is(await engine.manager.moves.start('t', 0, dirs[1]!), ErrorCode.KAFKA_STORAGE_ERROR)
  t.true(engine.manager.dirs.every((dir) => dir.online))
  t.deepEqual(
    (await readdir(dirs[1]!)).filter((name) => name.endsWith('-future')),
    []
  )
  refusals.splice(0)
  t.is(await engine.manager.moves.start('t', 0, dirs[1]!), ErrorCode.NONE)
  await engine.stop()
})

const noDescriptor = (file: RegExp, left: number) => refusals.push({ path: file, code: 'EMFILE', left })

test.serial('a flush that waited for one that failed fails as well', async (t) => {
  const { engine, log } = await filled(t)
  await log.flush()
  // The file is written anew: all that is left to flush is the folder.
  log.becomeLeader(5)
  await log.truncateTo(log.endOffset)
  refusals.push({ path: /t-0$/, code: 'EIO', left: 1 })
  const outcomes = await Promise.allSettled([log.flush(), log.flush()])
  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected']
  )
  t.false(engine.manager.dirs[0]!.online)
})

test.serial('a flush under which the folder gets another name flushes it under that one', async (t) => {
  const { engine, log } = await filled(t)
  await log.flush()
  log.becomeLeader(5)
  await log.truncateTo(log.endOffset)
  const renamed = path.join(engine.dir, 't-1')
  refusals.push({ path: /t-0$/, code: 'ENOENT', left: 1 }, { path: /t-1$/, code: 'EIO', left: 1 })
  const flushed = log.flush()
  await log.rename(renamed, () => rename(log.folder, renamed))
  await t.throwsAsync(flushed, { code: 'EIO' })
})

test.serial('a flush without a free descriptor waits for one, and an acknowledgement with it', async (t) => {
  const engine = await startEngine(t)
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(3))
  noDescriptor(/\/t-0$/, 2)
  await log.flush()
  t.is(log.recoveryPoint, 3)

  const durable = await engine.manager.create('durable', 0, TOPIC_ID, engine.config({ 'flush.messages': '1' }))
  noDescriptor(/\/durable-0$/, 2)
  const results = await Promise.all([append(engine, durable, values(1)), append(engine, durable, values(1))])
  t.deepEqual(
    results.map(({ errorCode, baseOffset }) => [errorCode, baseOffset]),
    [
      [ErrorCode.NONE, 0],
      [ErrorCode.NONE, 1]
    ]
  )
  t.true(refusals.every(({ left }) => left === 0))
  t.true(engine.manager.dirs[0]!.online)
})

test.serial('a log that is made waits for a descriptor, and takes nothing over of one of its name', async (t) => {
  const engine = await startEngine(t, { topic: { ...topic, 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let round = 0; round < 20; round++)
    await append(
      engine,
      log,
      values(4).map((value) => ({ ...value, key: Buffer.from('k') }))
    )
  await engine.manager.cleaner.cleanFilthiest()
  t.regex(await saved(engine, 'cleaner-offset-checkpoint'), /^t 0 [1-9]/m)
  // The deletion meets the first, and goes on; the rest is for whoever takes the name.
  for (const file of [/cleaner-offset-checkpoint/, /t-0\/partition\.metadata/]) noDescriptor(file, 3)
  await engine.manager.delete('t', 0)
  t.regex(await saved(engine, 'cleaner-offset-checkpoint'), /^t 0 [1-9]/m)
  const again = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  t.is(again.endOffset, 0)
  t.true(refusals.every(({ left }) => left === 0))
  t.notRegex(await saved(engine, 'cleaner-offset-checkpoint'), /^t 0/m)
})

test.serial('a stop does not wait for a log that waits for a descriptor', async (t) => {
  const engine = await startEngine(t)
  noDescriptor(/t-0\/partition\.metadata/, Infinity)
  const made = t.throwsAsync(engine.manager.create('t', 0, TOPIC_ID, engine.config()), { code: 'EMFILE' })
  const begun = performance.now()
  await engine.stop()
  await made
  t.true(performance.now() - begun < 10_000)
})

test.serial('what is half done without a free descriptor waits for one: truncation, compaction, deletion, a move', async (t) => {
  const base = await temporaryFolder(t)
  const dirs = [path.join(base, 'one'), path.join(base, 'two')]
  const engine = await startEngine(t, { dirs, topic: { ...topic, 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  const keyed = (from: number) => values(4).map((value, index) => ({ ...value, key: Buffer.from(`k${(from + index) % 3}`) }))
  for (let round = 0; round < 20; round++) await append(engine, log, keyed(round))
  const few = () => refusals.splice(0, Infinity, { path: /\/t-0[^/]*$|\/(one|two)$/, code: 'EMFILE', left: 3 })
  const wasMet = (what: string) => {
    t.true(
      engine.manager.dirs.every((dir) => dir.online),
      `${what}: ${engine.lines.join('\n')}`
    )
    t.true(refusals[0]!.left < 3, what)
  }
  few()
  await log.truncateTo(60)
  wasMet('truncation')
  log.roll()
  few()
  await engine.manager.cleaner.cleanFilthiest()
  wasMet('compaction')
  few()
  t.is(await engine.manager.moves.start('t', 0, dirs[1]!), ErrorCode.NONE)
  const moved = Date.now() + 20_000
  while (engine.manager.moves.isMoving('t', 0) && Date.now() < moved) await delay(5)
  wasMet('move')
  t.is(engine.manager.dirOf('t', 0)!.path, dirs[1]!, engine.lines.join('\n'))
  t.is((await append(engine, engine.manager.get('t', 0)!, keyed(0))).baseOffset, 60)
  few()
  await engine.manager.delete('t', 0)
  wasMet('deletion')
})

test.serial('a log whose bad end can not be kept for want of room opens when there is room, and loses nothing', async (t) => {
  const { engine, log } = await filled(t)
  await engine.drop()
  const file = path.join(log.folder, `${'0'.repeat(20)}.log`)
  const bytes = await fsp.readFile(file)
  bytes.fill(0xee, 700, 800)
  await fsp.writeFile(file, bytes)
  noRoom(/\.corrupt/)
  const clock = new ManualClock()
  const again = await startEngine(t, { dir: engine.dir, topic, clock })
  const ready = () => again.manager.whenReady('t', 0)
  await t.throwsAsync(ready(), { code: 'ENOSPC' })
  t.true(again.manager.dirs[0]!.online)
  t.deepEqual(await fsp.readFile(file), bytes)
  refusals.splice(0)
  await t.throwsAsync(ready(), { code: 'ENOSPC' }, 'not at once')
  clock.advance(60_000)
  const opened = (await ready())!
  t.true(opened.endOffset > 0 && opened.endOffset < 16)
  t.true((await readdir(log.folder)).some((name) => name.endsWith('.corrupt')))
  t.is(again.manager.get('t', 0), opened)
  t.is((await append(again, opened, values(1))).errorCode, ErrorCode.NONE)
})
