/** Moving a partition to another log directory: under writes, cancelled, resumed, throttled, and with all that a log knows besides its batches. */
import { existsSync, readFileSync } from 'node:fs'
import { rename, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import type { AppendResult, Log } from '../../src/storage/log.js'
import { verifyFolder } from '../../src/storage/verify.js'
import { foldersOf, moved, placeOf, twoDirs, until } from './moving.js'
import { append, readAll, startEngine, temporaryFolder, TOPIC_ID, values, type Engine } from './support.js'

test('a partition moves while it is written: nothing is lost, doubled or out of order', async (t) => {
  const dirs = await twoDirs(t)
  const topic = { 'internal.segment.bytes': '200000', 'index.interval.bytes': '1000', 'file.delete.delay.ms': '0' }
  const engine = await startEngine(t, { dirs, topic })
  const first = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let round = 0; round < 40; round++) await append(engine, first, values(20, `a${round}-`, 500), {}, round < 20 ? 0 : 3)
  const { here, there } = placeOf(engine)
  const told: Log[] = []
  engine.manager.onReplaced = (log) => void told.push(log)

  // Ten at a time through whichever log is the partition's, as a broker does.
  const offsets: number[] = []
  let sequence = 0
  const enough = new AbortController()
  const writer = (async () => {
    while (!enough.signal.aborted) {
      const results = await Promise.all(
        Array.from({ length: 10 }, () => {
          const log = engine.manager.get('t', 0)!
          return append(engine, log, values(1, `b${sequence}-`, 300), { producerId: 9, producerEpoch: 0, baseSequence: sequence++ }, 3)
        })
      )
      for (const { errorCode, baseOffset } of results) {
        t.is(errorCode, ErrorCode.NONE)
        offsets.push(baseOffset)
      }
    }
  })()
  t.is(await engine.manager.moves.start('t', 0, there), ErrorCode.NONE)
  const second = await moved(engine, there)
  await delay(20)
  enough.abort()
  await writer
  t.deepEqual(told, [second])
  t.not(second, first)
  t.is(path.dirname(second.folder), there)
  t.deepEqual(
    offsets,
    offsets.map((_, index) => 800 + index)
  )
  const records = await readAll(second)
  t.is(records.length, 800 + offsets.length)
  t.deepEqual(
    records.slice(800).map(({ offset, value }) => `${offset} ${/^b\d+-/.exec(value!.toString())![0]}`),
    offsets.map((offset, index) => `${offset} b${index}-`)
  )
  t.deepEqual(second.epochEndOffset(0), first.epochEndOffset(0))
  t.is(second.latestEpoch, 3)
  await until(engine, () => !existsSync(first.folder))
  t.deepEqual(await foldersOf([here, there]), [`${path.basename(there)}/t-0`])
  await engine.stop()
  t.deepEqual(await verifyFolder(path.join(there, 't-0')), [])
  const again = await startEngine(t, { dirs, topic })
  t.is((await again.manager.whenReady('t', 0))!.endOffset, 800 + offsets.length)
})

test('a retry of what was written before the move is known after it, and records that were deleted stay deleted', async (t) => {
  const dirs = await twoDirs(t)
  const engine = await startEngine(t, { dirs, topic: { 'internal.segment.bytes': '2000' } })
  const first = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  const producer = { producerId: 5, producerEpoch: 1, baseSequence: 0 }
  t.is((await append(engine, first, values(3), producer)).baseOffset, 0)
  for (let round = 0; round < 6; round++) await append(engine, first, values(3, 'x', 400))
  // In the middle of a batch; the producer's batch is gone from the log then.
  await first.deleteRecordsBefore(10)
  await first.applyRetention()
  const { there } = placeOf(engine)
  t.is(await engine.manager.moves.start('t', 0, there), ErrorCode.NONE)
  const second = await moved(engine, there)
  t.deepEqual([second.logStartOffset, second.endOffset], [10, 21])
  t.is((await readAll(second))[0]!.offset, 10)
  t.like(await append(engine, second, values(3), producer), { errorCode: ErrorCode.NONE, baseOffset: 0 })
  t.is(second.endOffset, 21, 'it was known as a retry')
  t.is((await append(engine, second, values(1), { ...producer, baseSequence: 3 })).baseOffset, 21)
  await engine.stop()
  const again = await startEngine(t, { dirs, topic: { 'internal.segment.bytes': '2000' } })
  const third = (await again.manager.whenReady('t', 0))!
  t.deepEqual([third.logStartOffset, third.endOffset], [10, 22])
  t.like(await append(again, third, values(1), { ...producer, baseSequence: 3 }), { baseOffset: 21 })
})

test('who holds the old log goes on in the new one', async (t) => {
  const dirs = await twoDirs(t)
  const engine = await startEngine(t, { dirs })
  const first = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, first, values(5))
  const { there } = placeOf(engine)
  await engine.manager.moves.start('t', 0, there)
  const second = await moved(engine, there)
  t.is((await append(engine, first, values(1))).baseOffset, 5)
  t.is(second.endOffset, 6)
  t.deepEqual(await first.deleteRecordsBefore(2), { errorCode: ErrorCode.NONE, logStartOffset: 2 })
  t.is(second.logStartOffset, 2)
  t.is((await readAll(first, 0)).length, 5, 'answers on their way are still read')
})

test('an empty log, and one that was emptied, move as well', async (t) => {
  const dirs = await twoDirs(t)
  const engine = await startEngine(t, { dirs })
  const first = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  const { here, there } = placeOf(engine)
  await engine.manager.moves.start('t', 0, there)
  const second = await moved(engine, there)
  t.not(second, first)
  t.is((await append(engine, second, values(4))).baseOffset, 0)
  await second.deleteRecordsBefore(4)
  await engine.manager.moves.start('t', 0, here)
  const third = await moved(engine, here)
  t.deepEqual([third.logStartOffset, third.endOffset], [4, 4])
  t.is((await append(engine, third, values(1))).baseOffset, 4)
})

const SLOW = { 'replica.alter.log.dirs.io.max.bytes.per.second': '20000' }

async function slowMove(t: ExecutionContext, dirs: readonly string[]): Promise<Engine> {
  const engine = await startEngine(t, { dirs, settings: SLOW })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let round = 0; round < 20; round++) await append(engine, log, values(10, 'x', 1000))
  t.is(await engine.manager.moves.start('t', 0, placeOf(engine).there), ErrorCode.NONE)
  await until(engine, () => (engine.manager.moves.future('t', 0)?.endOffset ?? 0) > 0)
  return engine
}

test('a move is throttled, and ends when it is asked for where the partition is', async (t) => {
  const dirs = await twoDirs(t)
  const engine = await slowMove(t, dirs)
  const { here, there } = placeOf(engine)
  const future = engine.manager.moves.future('t', 0)!
  t.true(future.sizeBytes <= 60_000, `${future.sizeBytes} of 200,000 bytes at 20,000 a second`)
  const described = (await engine.manager.describe()).flatMap(({ path: dir, partitions }) =>
    partitions.map(({ sizeBytes, endOffset, future: isFuture }) => ({ dir, isFuture, behind: 200 - endOffset, some: sizeBytes > 0 }))
  )
  t.deepEqual(
    described.toSorted((a, b) => Number(a.isFuture) - Number(b.isFuture)).map(({ dir, isFuture, some }) => ({ dir, isFuture, some })),
    [
      { dir: here, isFuture: false, some: true },
      { dir: there, isFuture: true, some: true }
    ]
  )
  t.is(engine.manager.dirs.map((dir) => dir.partitionCount).join(), '1,1')
  t.is(await engine.manager.moves.start('t', 0, here), ErrorCode.NONE)
  t.false(engine.manager.moves.isMoving('t', 0))
  await until(engine, async () => (await foldersOf(dirs)).length === 1)
  t.deepEqual(await foldersOf(dirs), [`${path.basename(here)}/t-0`])
  t.is(
    engine.manager.dirs.reduce((sum, dir) => sum + dir.partitionCount, 0),
    1
  )
  t.is((await append(engine, engine.manager.get('t', 0)!, values(1))).baseOffset, 200)
})

test('a move goes on after a restart, of either kind, and after a change of the target', async (t) => {
  const base = await temporaryFolder(t)
  const dirs = ['one', 'two', 'three'].map((name) => path.join(base, name))
  const first = await slowMove(t, dirs)
  const { here } = placeOf(first)
  const other = dirs.find((dir) => dir !== here && dir !== path.dirname(first.manager.moves.future('t', 0)!.folder))!
  t.is(await first.manager.moves.start('t', 0, other), ErrorCode.NONE)
  t.is(path.dirname(first.manager.moves.future('t', 0)!.folder), other)
  await until(first, async () => (await foldersOf(dirs)).length === 2)
  await until(first, () => (first.manager.moves.future('t', 0)?.endOffset ?? 0) > 0)
  const copied = first.manager.moves.future('t', 0)!.endOffset
  await first.stop()
  t.true((await foldersOf([other]))[0]!.endsWith('-future'))

  const second = await startEngine(t, { dirs })
  t.true(second.manager.cleanStart)
  const log = await moved(second, other)
  t.is((await readAll(log)).length, 200)
  t.true(copied > 0 && copied < 200, String(copied))
})

test('a copy that has what the log lost is made anew', async (t) => {
  const dirs = await twoDirs(t)
  const first = await slowMove(t, dirs)
  const { here, there } = placeOf(first)
  await first.stop()
  // As after a power cut: the log ends before the copy does, and goes on with other records.
  await writeFile(path.join(here, 't-0', '00000000000000000000.log'), '')
  await writeFile(path.join(here, 'recovery-point-offset-checkpoint'), '0\n0\n')
  const second = await startEngine(t, { dirs, settings: SLOW })
  await append(second, (await second.manager.whenReady('t', 0))!, values(3, 'other'), {}, 1)
  await second.stop()
  const third = await startEngine(t, { dirs })
  const log = await moved(third, there)
  t.deepEqual(
    (await readAll(log)).map(({ value }) => value!.toString()),
    ['other0', 'other1', 'other2']
  )
})

test('a copy does not bring back what the log lost before its end', async (t) => {
  const dirs = await twoDirs(t)
  const first = await slowMove(t, dirs)
  const { here, there } = placeOf(first)
  const copied = first.manager.moves.future('t', 0)!.endOffset
  t.true(copied >= 10 && copied < 200)
  await first.manager.moves.close()
  await first.drop()
  // As after a power cut: of the log the first segment is lost, but the name of the next one is there; the copy was flushed.
  const folder = path.join(here, 't-0')
  await truncate(path.join(folder, `${'0'.repeat(20)}.log`), 0)
  await writeFile(path.join(folder, `${'200'.padStart(20, '0')}.log`), '')
  for (const [dir, point] of [
    [here, 0],
    [there, copied]
  ] as const)
    await writeFile(path.join(dir, 'recovery-point-offset-checkpoint'), `0\n1\nt 0 ${point}\n`)
  const second = await startEngine(t, { dirs })
  const log = await moved(second, there)
  t.deepEqual([log.endOffset, (await readAll(log)).length], [200, 0])
  t.is((await append(second, log, values(1))).baseOffset, 200)
})

test('a log that is truncated under a move is copied anew', async (t) => {
  const engine = await slowMove(t, await twoDirs(t))
  const { there } = placeOf(engine)
  const log = engine.manager.get('t', 0)!
  await until(engine, () => engine.manager.moves.future('t', 0)!.endOffset > 10)
  t.true(await log.truncateTo(10))
  // As far as the copy had come, and further: only the records tell.
  for (let round = 0; round < 30; round++) await append(engine, log, values(10, `other${round}-`))
  const second = await moved(engine, there)
  t.deepEqual(
    (await readAll(second)).slice(10).map(({ value }) => value!.toString()),
    Array.from({ length: 300 }, (_, index) => `other${Math.floor(index / 10)}-${index % 10}`)
  )
  t.is(second.endOffset, 310)
})

test('what waits for the end of a move is written before what comes behind it', async (t) => {
  const dirs = await twoDirs(t)
  const waited: Promise<AppendResult>[] = []
  const assignDir = async (log: Log) => {
    waited.push(append(engine, log, values(1, 'before')))
    return true
  }
  const engine = await startEngine(t, { dirs, more: { assignDir } })
  engine.manager.onReplaced = (log) => void waited.push(append(engine, log, values(1, 'after')))
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(5))
  const { there } = placeOf(engine)
  await engine.manager.moves.start('t', 0, there)
  await moved(engine, there)
  t.deepEqual(
    (await Promise.all(waited)).map(({ baseOffset }) => baseOffset),
    [5, 6]
  )
  // And nothing is left of it in the other directory.
  t.deepEqual(
    (await engine.manager.describe()).map(({ path: dir, partitions }) => [dir, partitions.length]),
    dirs.map((dir) => [dir, dir === there ? 1 : 0])
  )
})

test('what may not be: each with the code of Apache Kafka', async (t) => {
  const dirs = await twoDirs(t)
  const engine = await startEngine(t, { dirs, settings: { 'cordoned.log.dirs': dirs[1]! } })
  const { moves } = engine.manager
  t.is(moves.refusal('t', 0, '/nowhere'), ErrorCode.LOG_DIR_NOT_FOUND)
  t.is(moves.refusal('x'.repeat(240), 0, dirs[0]!), ErrorCode.INVALID_TOPIC_EXCEPTION)
  t.is(moves.refusal('t', 0, dirs[1]!), ErrorCode.INVALID_REPLICA_ASSIGNMENT)
  t.is(moves.refusal('t', 0, dirs[0]!), ErrorCode.NONE)
  t.deepEqual(
    (await engine.manager.describe()).map(({ cordoned }) => cordoned),
    [false, true]
  )
  for (let partition = 0; partition < 4; partition++) await engine.manager.create('t', partition, TOPIC_ID, engine.config())
  t.deepEqual(
    engine.manager.dirs.map((dir) => dir.partitionCount),
    [4, 0]
  )
  moves.prefer('u', 0, dirs[1]!)
  t.is(path.dirname((await engine.manager.create('u', 0, TOPIC_ID, engine.config())).folder), dirs[1]!)
})

test('a damaged batch is not copied: the move ends, the log stays', async (t) => {
  const dirs = await twoDirs(t)
  const first = await startEngine(t, { dirs })
  const log = await first.manager.create('t', 0, TOPIC_ID, first.config())
  for (let round = 0; round < 5; round++) await append(first, log, values(1, 'x', 500))
  await first.stop()
  const file = path.join(log.folder, '00000000000000000000.log')
  const bytes = readFileSync(file)
  bytes[bytes.length >> 1] = bytes[bytes.length >> 1]! ^ 0xff
  await writeFile(file, bytes)
  const second = await startEngine(t, { dirs })
  await second.manager.whenReady('t', 0)
  const { here, there } = placeOf(second)
  t.is(await second.manager.moves.start('t', 0, there), ErrorCode.NONE)
  await until(second, () => !second.manager.moves.isMoving('t', 0))
  t.regex(second.lines.join('\n'), /is not moved to .*damaged batch/)
  t.is(second.manager.dirOf('t', 0)!.path, here)
})

test('a directory that fails under a move leaves the partition in the other one', async (t) => {
  const dirs = await twoDirs(t)
  const engine = await startEngine(t, { dirs, topic: { 'internal.segment.bytes': '3000' }, settings: SLOW })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let round = 0; round < 40; round++) await append(engine, log, values(1, 'x', 2000))
  const { there } = placeOf(engine)
  await engine.manager.moves.start('t', 0, there)
  await until(engine, () => (engine.manager.moves.future('t', 0)?.endOffset ?? 0) > 0)
  await rename(there, `${there}.gone`)
  await until(engine, () => !engine.manager.moves.isMoving('t', 0))
  t.false(engine.manager.dirs.find((dir) => dir.path === there)!.online)
  t.is((await append(engine, log, values(1))).baseOffset, 40)
  t.is(engine.manager.moves.refusal('t', 0, there), ErrorCode.KAFKA_STORAGE_ERROR)
})
