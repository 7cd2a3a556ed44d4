/** How far a log is known to be on the disk, and what a start after a kill does not read again. */
import { open, readFile, truncate, unlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { buildBatch, endTransactionBatch } from '../../src/record/index.js'
import { append, appendBytes, readAll, startEngine, TOPIC_ID, values, type Engine } from './support.js'
import type { Log } from '../../src/storage/log.js'

const EVERY = { 'flush.messages': '1', 'retention.ms': '-1' }
const FIRST = '00000000000000000000'

const transactional = (engine: Engine, log: Log, producerId: number, baseSequence: number) =>
  appendBytes(
    engine,
    log,
    buildBatch(values(2), { timestamp: engine.clock.now(), producerId, producerEpoch: 0, baseSequence, transactional: true })
  )
const abort = (engine: Engine, log: Log, producerId: number) =>
  appendBytes(
    engine,
    log,
    endTransactionBatch({ producerId, producerEpoch: 0, commit: false, coordinatorEpoch: 0, timestamp: engine.clock.now() }),
    'coordinator'
  )

async function flipByte(file: string, fromEnd: number): Promise<void> {
  const handle = await open(file, 'r+')
  const { size } = await handle.stat()
  const byte = Buffer.alloc(1)
  await handle.read(byte, 0, 1, size - fromEnd)
  byte[0]! ^= 0xff
  await handle.write(byte, 0, 1, size - fromEnd)
  await handle.close()
}

test('with flush.messages=1 the recovery point follows by 16 MiB, and with every other flush', async (t) => {
  const engine = await startEngine(t, { topic: EVERY })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let end = 2; end <= 10; end += 2) {
    await append(engine, log, values(2))
    await log.flush()
    t.deepEqual([log.endOffset, log.recoveryPoint], [end, end])
  }
  const bytes = 900_000
  for (let count = 0; count < 40; count++) {
    await append(engine, log, values(1, '', bytes))
    t.true((log.endOffset - log.recoveryPoint) * bytes <= 17 * 1024 * 1024, `${log.recoveryPoint} of ${log.endOffset}`)
  }
  await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const { errorCode } = await append(engine, log, values(1))
      t.is(errorCode, ErrorCode.NONE)
      if (index === 20) log.roll()
    })
  )
  await log.flush()
  t.is(log.recoveryPoint, 100)
})

test('index entries that a power cut took after a flush of records are made anew', async (t) => {
  const topic = { ...EVERY, 'index.interval.bytes': '100' }
  for (const rolled of [false, true]) {
    const engine = await startEngine(t, { topic })
    const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
    const indexes = ['.index', '.timeindex'].map((suffix) => path.join(engine.dir, 't-0', FIRST + suffix))
    const appendSome = async (): Promise<void> => {
      for (let round = 0; round < 20; round++) {
        await append(engine, log, values(1, `v${round}-`, 50), { timestamp: log.endOffset + 1 })
      }
    }
    await appendSome()
    await log.flush()
    const flushed = await Promise.all(indexes.map((file) => readFile(file)))
    await appendSome()
    t.is(log.recoveryPoint, 20)
    await engine.manager.dirs[0]!.saveRecoveryPoints()
    if (rolled) {
      log.roll()
      await append(engine, log, values(1))
    }
    await engine.drop()
    const before = await Promise.all(indexes.map((file) => readFile(file)))
    for (const [index, file] of indexes.entries()) await truncate(file, flushed[index]!.length)
    const again = await startEngine(t, { dir: engine.dir, topic })
    const reopened = (await again.manager.whenReady('t', 0))!
    const count = rolled ? 41 : 40
    t.deepEqual([reopened.endOffset, (await readAll(reopened)).length], [count, count])
    for (const [index, file] of indexes.entries()) {
      const now = await readFile(file)
      t.deepEqual(now.subarray(0, before[index]!.length), before[index]!, file)
    }
    await again.stop()
  }
})

test('after a kill nothing is read again that was flushed, and what is torn behind it goes', async (t) => {
  for (const torn of [0, 40]) {
    const engine = await startEngine(t, { topic: EVERY })
    const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
    for (let round = 0; round < 5; round++) await append(engine, log, values(2, `v${round}-`, 50))
    await log.flush()
    await engine.manager.dirs[0]!.saveRecoveryPoints()
    await engine.drop()
    const file = path.join(engine.dir, 't-0', `${FIRST}.log`)
    // Whoever reads it finds that it is broken, and would cut it off.
    await flipByte(file, 10)
    if (torn > 0) {
      const handle = await open(file, 'a')
      await handle.write(buildBatch(values(1), { timestamp: 1 }).subarray(0, torn))
      await handle.close()
    }
    const again = await startEngine(t, { dir: engine.dir, topic: EVERY })
    const reopened = (await again.manager.whenReady('t', 0))!
    t.is(reopened.endOffset, 10)
    await flipByte(file, 10)
    t.is((await readAll(reopened)).length, 10)
    t.is((await append(again, reopened, values(1))).baseOffset, 10)
    t.is((await readAll(reopened)).length, 11)
    await again.stop()
  }
})

test('an abort below the recovery point stands in the transaction index on the disk', async (t) => {
  const engine = await startEngine(t, { topic: EVERY })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  const found = []
  for (let producer = 1; producer <= 3; producer++) {
    await transactional(engine, log, producer, 0)
    await abort(engine, log, producer)
    await log.flush()
    const first = 3 * (producer - 1)
    found.push({ producerId: producer, firstOffset: first, lastOffset: first + 2, lastStableOffset: first + 3 })
    t.is(log.recoveryPoint, first + 3)
    t.is((await readFile(path.join(log.folder, `${FIRST}.txnindex`))).length, 34 * producer)
  }
  await engine.manager.dirs[0]!.saveRecoveryPoints()
  await engine.drop()
  const again = await startEngine(t, { dir: engine.dir, topic: EVERY })
  const reopened = (await again.manager.whenReady('t', 0))!
  t.deepEqual(await reopened.abortedTransactions(0, 9), found)
  t.is(reopened.lastStableOffset, 9)
})

test('producers are found again in batches of which only the headers are read', async (t) => {
  const engine = await startEngine(t)
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  const timestamp = engine.clock.now()
  for (let sequence = 0; sequence < 10; sequence++) {
    const bytes = sequence % 3 === 0 ? 50 : 50_000
    const records = values(1, String(sequence), bytes)
    await appendBytes(engine, log, buildBatch(records, { timestamp, producerId: 7, producerEpoch: 0, baseSequence: sequence }))
  }
  await engine.drop()
  const again = await startEngine(t, { dir: engine.dir })
  const [producer] = [...(await again.manager.whenReady('t', 0))!.producers()]
  t.deepEqual(
    producer?.batches.map(({ lastSequence, lastOffset }) => [lastSequence, lastOffset]),
    [5, 6, 7, 8, 9].map((sequence) => [sequence, sequence])
  )
})

test('indexes below the recovery point are made anew only when the checkpoint does not vouch for them any more', async (t) => {
  const topic = { 'index.interval.bytes': '50', 'retention.ms': '-1' }
  const engine = await startEngine(t, { topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await transactional(engine, log, 7, 0)
  await abort(engine, log, 7)
  for (let round = 0; round < 10; round++) await append(engine, log, values(2))
  await log.flush()
  await engine.manager.dirs[0]!.saveRecoveryPoints()
  await append(engine, log, values(2))
  await engine.drop()
  const checkpoint = path.join(engine.dir, 'recovery-point-offset-checkpoint')
  t.regex(await readFile(checkpoint, 'utf8'), /^t 0 23$/m)
  await writeFile(path.join(log.folder, `${FIRST}.index`), Buffer.alloc(64))

  const again = await startEngine(t, { dir: engine.dir, topic })
  const reopened = (await again.manager.whenReady('t', 0))!
  t.regex(await readFile(checkpoint, 'utf8'), /^t 0 0$/m, 'before anything was flushed')
  t.is(reopened.recoveryPoint, 0)
  t.is((await reopened.abortedTransactions(0, 25)).length, 1)
  await reopened.flush()
  t.is(reopened.recoveryPoint, 25)
})

const pointOnDisk = async (engine: Engine): Promise<number> =>
  Number(/^t 0 (\d+)$/m.exec(await readFile(path.join(engine.dir, 'recovery-point-offset-checkpoint'), 'utf8'))?.[1] ?? 0)

async function killedBehind(t: ExecutionContext, records: number): Promise<Engine> {
  const engine = await startEngine(t)
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let offset = 0; offset < records; offset++) await append(engine, log, values(1, 'v', 50))
  await log.flush()
  await engine.manager.dirs[0]!.saveRecoveryPoints()
  await engine.drop()
  t.is(await pointOnDisk(engine), records)
  return engine
}

test('where a log ends before its recovery point the checkpoint is lowered before anything is written there', async (t) => {
  const engine = await killedBehind(t, 10)
  const file = path.join(engine.dir, 't-0', `${FIRST}.log`)
  await truncate(file, ((await readFile(file)).length / 10) * 7)
  const again = await startEngine(t, { dir: engine.dir })
  t.is((await again.manager.whenReady('t', 0))!.endOffset, 7)
  t.true((await pointOnDisk(again)) <= 7)
})

test('a missing index that an orderly start makes anew is below the recovery point only when it is flushed', async (t) => {
  const engine = await startEngine(t)
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let count = 0; count < 2; count++) {
    await append(engine, log, values(1))
    log.roll()
  }
  await engine.stop()
  await unlink(path.join(engine.dir, 't-0', `${FIRST}.index`))
  const again = await startEngine(t, { dir: engine.dir })
  const reopened = (await again.manager.whenReady('t', 0))!
  t.true(again.manager.cleanStart)
  const [dir] = again.manager.dirs
  await dir!.saveRecoveryPoints()
  t.is(await pointOnDisk(again), 0)
  await reopened.flush()
  await dir!.saveRecoveryPoints()
  t.is(await pointOnDisk(again), 2)
})

test('where nothing is left of a log its recovery point goes, too', async (t) => {
  const engine = await killedBehind(t, 10)
  for (const suffix of ['.index', '.timeindex']) await unlink(path.join(engine.dir, 't-0', `${FIRST}${suffix}`))
  await truncate(path.join(engine.dir, 't-0', `${FIRST}.log`), 0)
  const again = await startEngine(t, { dir: engine.dir })
  t.is((await again.manager.whenReady('t', 0))!.endOffset, 0)
  t.is(await pointOnDisk(again), 0)
})

test('a truncation after a kill lowers the checkpoint, also where the start went back further than that', async (t) => {
  const engine = await killedBehind(t, 10)
  const again = await startEngine(t, { dir: engine.dir })
  const log = (await again.manager.whenReady('t', 0))!
  t.is(await pointOnDisk(again), 10)
  await log.truncateTo(6)
  t.true((await pointOnDisk(again)) <= 6)
  await append(again, log, values(1))
  t.is(log.endOffset, 7)
})
