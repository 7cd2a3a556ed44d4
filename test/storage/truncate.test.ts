/** Truncation of a log: what readers, appends, checkpoints and the next start see of it. */
import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { batch, buildBatch, endTransactionBatch } from '../../src/record/index.js'
import { verifyFolder } from '../../src/storage/verify.js'
import { append, appendBytes, readAll, startEngine, TOPIC_ID, values } from './support.js'

const topic = { 'internal.segment.bytes': '1500', 'index.interval.bytes': '200', 'retention.ms': '-1', 'file.delete.delay.ms': '0' }

async function checkpoint(dir: string, name: string, key: string): Promise<number | undefined> {
  const text = await readFile(path.join(dir, name), 'utf8').catch(() => '')
  const found = new RegExp(`^${key} (\\d+)$`, 'm').exec(text)
  return found ? Number(found[1]) : undefined
}

test('across segments: files, indexes and the recovery point are as of the cut, and appends go on there', async (t) => {
  const engine = await startEngine(t, { topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let round = 0; round < 40; round++) await append(engine, log, values(4, `old-${round}-`, 50), {}, round < 20 ? 1 : 3)
  await log.flush()
  await engine.manager.dirs[0]!.saveRecoveryPoints()
  t.is(log.recoveryPoint, 160)
  const segments = log.segmentCount
  t.true(segments > 5)
  t.true(await log.truncateTo(58))
  t.is(log.endOffset, 56, 'a batch is cut whole')
  t.is(log.nextOffset, 56)
  t.is(log.recoveryPoint, 56)
  t.is(await checkpoint(engine.dir, 'recovery-point-offset-checkpoint', 't 0'), 56, 'durable before anything was cut')
  t.is(log.latestEpoch, 1)
  t.deepEqual(log.epochEndOffset(1), { epoch: 1, endOffset: 56 })
  t.deepEqual(log.epochEndOffset(3), { epoch: -1, endOffset: -1 })
  t.true(log.segmentCount < segments)
  t.is((await log.read(56, 1000, 1000, true)).errorCode, ErrorCode.NONE)
  t.is((await log.read(57, 1000, 1000, true)).errorCode, ErrorCode.OFFSET_OUT_OF_RANGE)
  const result = await append(engine, log, values(2, 'new-'), {}, 4)
  t.is(result.baseOffset, 56)
  t.deepEqual(log.epochEndOffset(3), { epoch: 1, endOffset: 56 })
  const records = await readAll(log)
  t.is(records.length, 58)
  t.is(String(records[56]!.value), 'new-0')
  await engine.drop()
  t.deepEqual(await verifyFolder(path.join(engine.dir, 't-0')), [])
  const again = await startEngine(t, { dir: engine.dir, topic })
  const reopened = (await again.manager.whenReady('t', 0))!
  t.is(reopened.endOffset, 58)
  t.is(reopened.latestEpoch, 4)
  t.is((await readAll(reopened)).length, 58)
})

test('a truncation at the end or behind it cuts nothing but an epoch that begins there', async (t) => {
  const engine = await startEngine(t, { topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(4), {}, 1)
  log.becomeLeader(5)
  t.is(log.latestEpoch, 5)
  t.false(await log.truncateTo(4))
  t.false(await log.truncateTo(100))
  t.is(log.endOffset, 4)
  t.is(log.latestEpoch, 1)
  await t.throwsAsync(log.truncateTo(-1), { instanceOf: RangeError })
})

test('a batch that waited while a new epoch began is of that epoch', async (t) => {
  const engine = await startEngine(t, { topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(4), {}, 3)
  await log.beginHandover()
  const waiting = append(engine, log, values(2), {}, 3)
  log.becomeLeader(4)
  log.endHandover()
  t.is((await waiting).baseOffset, 4)
  t.is(log.epochOf(4), 4)
  t.is(batch.partitionLeaderEpoch(await log.readBytes(4, 1000), 0), 4)
})

test('appends that come during a truncation wait and go behind the cut; readers are told', async (t) => {
  const engine = await startEngine(t, { topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let round = 0; round < 20; round++) await append(engine, log, values(4, 'v', 50))
  const before = append(engine, log, values(1, 'before'))
  let told = 0
  log.onEndOffset = () => void told++
  const truncated = log.truncateTo(40)
  // Until its turn has come: but no event of a disk in between.
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  const during = [append(engine, log, values(3, 'during')), append(engine, log, values(2, 'during'))]
  log.roll()
  t.is((await before).baseOffset, 80)
  t.true(await truncated)
  t.true(told > 0)
  t.deepEqual(
    (await Promise.all(during)).map((one) => one.baseOffset),
    [40, 43]
  )
  t.is(log.endOffset, 45)
  const reads = (await readAll(log)).map((record) => record.offset)
  t.deepEqual(
    reads,
    Array.from({ length: 45 }, (_, index) => index)
  )
})

test('below its first segment the log begins anew at the offset', async (t) => {
  const engine = await startEngine(t, { topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let round = 0; round < 40; round++) await append(engine, log, values(4, 'v', 50))
  await log.deleteRecordsBefore(100)
  await log.applyRetention()
  t.true(await log.truncateTo(10))
  t.deepEqual([log.logStartOffset, log.endOffset, log.segmentCount], [10, 10, 1])
  t.is((await append(engine, log, values(2))).baseOffset, 10)
  await log.truncateFullyAndStartAt(500)
  t.deepEqual([log.logStartOffset, log.endOffset, log.segmentCount], [500, 500, 1])
  t.is(log.latestEpoch, -1)
  t.is(await checkpoint(engine.dir, 'log-start-offset-checkpoint', 't 0'), 500)
  t.is((await append(engine, log, values(2))).baseOffset, 500)
  await engine.drop()
  const again = await startEngine(t, { dir: engine.dir, topic })
  const reopened = (await again.manager.whenReady('t', 0))!
  t.deepEqual([reopened.logStartOffset, reopened.endOffset], [500, 502])
  const names = await readdir(path.join(engine.dir, 't-0'))
  t.deepEqual(
    names.filter((name) => name.endsWith('.log')),
    ['00000000000000000500.log']
  )
})

test('a transaction whose end is cut off is open again, and a batch that is cut off is no duplicate', async (t) => {
  const engine = await startEngine(t, { topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  const send = (baseSequence: number) =>
    appendBytes(
      engine,
      log,
      buildBatch(values(2), { timestamp: engine.clock.now(), producerId: 7, producerEpoch: 0, baseSequence, transactional: true })
    )
  const end = (commit: boolean) =>
    appendBytes(
      engine,
      log,
      endTransactionBatch({ producerId: 7, producerEpoch: 0, commit, coordinatorEpoch: 0, timestamp: engine.clock.now() }),
      'coordinator'
    )
  await send(0)
  await end(false)
  await send(2)
  await send(4)
  await end(false)
  t.is(log.lastStableOffset, 8)
  t.is((await log.abortedTransactions(0, 8)).length, 2)
  log.roll()
  await append(engine, log, values(30, 'v', 40))
  t.true(await log.truncateTo(7))
  t.deepEqual([log.endOffset, log.lastStableOffset], [7, 3])
  t.deepEqual(await log.abortedTransactions(0, 7), [{ producerId: 7, firstOffset: 0, lastOffset: 2, lastStableOffset: 3 }])
  t.true(await log.truncateTo(5))
  const again = await send(4)
  t.deepEqual([again.errorCode, again.baseOffset], [ErrorCode.NONE, 5], 'its first writing is gone')
  t.is((await send(4)).baseOffset, 5, 'and this one is known')
  await end(false)
  t.deepEqual((await log.abortedTransactions(4, 8)).at(-1), { producerId: 7, firstOffset: 3, lastOffset: 7, lastStableOffset: 8 })
})

test('what a transaction writes in the place of what was cut is known after a stop', async (t) => {
  const engine = await startEngine(t, { topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(7))
  log.roll()
  await log.truncateTo(0)
  const options = { timestamp: engine.clock.now(), producerId: 7, producerEpoch: 0, baseSequence: 0, transactional: true }
  await appendBytes(engine, log, buildBatch(values(4), options))
  t.deepEqual([log.lastStableOffset, log.endOffset], [0, 4])
  await engine.stop()
  const again = await startEngine(t, { dir: engine.dir, topic })
  const reopened = (await again.manager.whenReady('t', 0))!
  t.deepEqual([reopened.lastStableOffset, reopened.endOffset], [0, 4])
})

test('the last stable offset stays behind until the end of a transaction is replicated', async (t) => {
  const engine = await startEngine(t, { topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  log.setHighWatermark(0)
  await append(engine, log, values(3))
  const options = { timestamp: engine.clock.now(), producerId: 7, producerEpoch: 0, baseSequence: 0, transactional: true }
  await appendBytes(engine, log, buildBatch(values(2), options))
  await appendBytes(
    engine,
    log,
    endTransactionBatch({ producerId: 7, producerEpoch: 0, commit: true, coordinatorEpoch: 0, timestamp: engine.clock.now() }),
    'coordinator'
  )
  t.deepEqual([log.endOffset, log.highWatermark, log.lastStableOffset], [6, 0, 0])
  log.setHighWatermark(5)
  t.deepEqual([log.highWatermark, log.lastStableOffset], [5, 3])
  log.setHighWatermark(6)
  t.deepEqual([log.highWatermark, log.lastStableOffset], [6, 6])
  log.setHighWatermark(undefined)
  await append(engine, log, values(1))
  t.is(log.lastStableOffset, 7)
})

test('what a producer writes into a log that was emptied is known after a stop', async (t) => {
  const producer = { producerId: 7, producerEpoch: 0 }
  const first = await startEngine(t, { topic })
  const log = await first.manager.create('t', 0, TOPIC_ID, first.config())
  await append(first, log, values(10), { ...producer, baseSequence: 0 })
  // It leaves a snapshot of the producers at the end, beyond which the next log will not come.
  await first.stop()
  const second = await startEngine(t, { dir: first.dir, topic })
  const emptied = (await second.manager.whenReady('t', 0))!
  await emptied.truncateFullyAndStartAt(0)
  await append(second, emptied, values(2), { ...producer, baseSequence: 0 })
  await second.stop()
  const third = await startEngine(t, { dir: first.dir, topic })
  const reopened = (await third.manager.whenReady('t', 0))!
  t.is((await append(third, reopened, values(2), { ...producer, baseSequence: 0 })).baseOffset, 0, 'a retry')
  t.is(reopened.endOffset, 2)
})

test('an emptied log is where it was, also where nothing but the name of its first segment had told that', async (t) => {
  const first = await startEngine(t, { topic })
  const log = await first.manager.create('t', 0, TOPIC_ID, first.config())
  for (let round = 0; round < 10; round++) await append(first, log, values(4, 'v', 50))
  await log.deleteRecordsBefore(40)
  log.roll()
  await log.applyRetention()
  await first.stop()
  await rm(path.join(first.dir, 'log-start-offset-checkpoint'))
  const second = await startEngine(t, { dir: first.dir, topic })
  const emptied = (await second.manager.whenReady('t', 0))!
  t.is(emptied.logStartOffset, 40)
  await emptied.truncateFullyAndStartAt(40)
  await second.drop()
  const third = await startEngine(t, { dir: first.dir, topic })
  const reopened = (await third.manager.whenReady('t', 0))!
  t.deepEqual([reopened.logStartOffset, reopened.endOffset], [40, 40])
})
