/** Log directories: whose they are, what is found in them, what is created, deleted and kept. */
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { ZERO_UUID } from '../../src/protocol/reader.js'
import { verifyFolder } from '../../src/storage/verify.js'
import { append, ManualClock, readAll, startEngine, temporaryFolder, TOPIC_ID, values } from './support.js'

const OTHER_ID = 'Qk7dwescTCKKXmWkHzGmZQ'

async function logFiles(folder: string, suffix = '.log'): Promise<number[]> {
  return (await readdir(folder))
    .filter((name) => name.endsWith(suffix))
    .map((name) => Number.parseInt(name, 10))
    .toSorted((a, b) => a - b)
}

test('a new directory gets its ids, which stay', async (t) => {
  const first = await startEngine(t)
  const { clusterId, dirs } = first.manager
  t.regex(clusterId, /^[A-Za-z0-9_-]{22}$/)
  t.true(first.manager.cleanStart)
  const text = await readFile(path.join(first.dir, 'meta.properties'), 'utf8')
  t.is(text, `version=1\ncluster.id=${clusterId}\nnode.id=1\ndirectory.id=${dirs[0]!.directoryId}\n`)
  await first.stop()
  t.true(existsSync(path.join(first.dir, '.kafka_cleanshutdown')))
  const second = await startEngine(t, { dir: first.dir })
  t.is(second.manager.clusterId, clusterId)
  t.is(second.manager.dirs[0]!.directoryId, dirs[0]!.directoryId)
  t.true(second.manager.cleanStart)
  t.false(existsSync(path.join(first.dir, '.kafka_cleanshutdown')), 'a crash must not find it')
})

test('a directory is used by one broker at a time', async (t) => {
  const first = await startEngine(t)
  const error = await t.throwsAsync(startEngine(t, { dir: first.dir }), { name: 'ConfigError' })
  t.true(error?.message.includes(first.dir) && error.message.includes('in use'))
  await first.stop()
  await startEngine(t, { dir: first.dir })
})

test('a directory of somebody else is refused by name, and left alone', async (t) => {
  const base = await temporaryFolder(t)
  const foreign = path.join(base, 'home')
  await mkdir(path.join(foreign, 'project-1'), { recursive: true })
  await t.throwsAsync(startEngine(t, { dir: foreign }), { name: 'ConfigError', message: /home is no data folder: it holds project-1/ })
  t.deepEqual((await readdir(foreign)).toSorted(), ['.lock', 'project-1'])

  const engine = await startEngine(t)
  await engine.stop()
  await t.throwsAsync(startEngine(t, { dir: engine.dir, more: { nodeId: 2 } }), {
    name: 'ConfigError',
    message: /belongs to the node 1, not to 2/
  })
  await t.throwsAsync(startEngine(t, { dir: engine.dir, more: { clusterId: 'x'.repeat(22) } }), {
    name: 'ConfigError',
    message: /belongs to the cluster/
  })
  await writeFile(path.join(engine.dir, 'meta.properties'), 'version=0\nbroker.id=1\n')
  await t.throwsAsync(startEngine(t, { dir: engine.dir }), { name: 'ConfigError', message: /cluster\.id is missing/ })

  const file = path.join(base, 'file')
  await writeFile(file, '')
  await t.throwsAsync(startEngine(t, { dir: file }), { name: 'ConfigError', message: /file can not be used/ })
})

test('a folder without permission is named', async (t) => {
  if (process.getuid?.() === 0) {
    t.pass('root may do everything')
    return
  }
  const base = await temporaryFolder(t)
  await chmod(base, 0o500)
  await t.throwsAsync(startEngine(t, { dir: path.join(base, 'data') }), { name: 'ConfigError', message: /EACCES/ })
})

test('a deleted topic is gone at once, its files after a while, and what is not ours stays', async (t) => {
  const clock = new ManualClock()
  const engine = await startEngine(t, { clock, topic: { 'file.delete.delay.ms': '1000' } })
  const { manager, dir } = engine
  const log = await manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(3))
  await writeFile(path.join(log.folder, 'notes.txt'), 'mine')
  await manager.delete('t', 0)
  t.is(manager.get('t', 0), undefined)
  t.is(await manager.whenReady('t', 0), undefined)
  t.is((await append(engine, log, values(1))).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
  const renamed = (await readdir(dir)).find((name) => /^t-0\.[0-9a-f]{32}-delete$/.test(name))!
  t.truthy(renamed)
  const anew = await manager.create('t', 0, OTHER_ID, engine.config())
  t.is((await append(engine, anew, values(1))).baseOffset, 0)
  clock.advance(1000)
  await engine.stop()
  t.deepEqual(await readdir(path.join(dir, renamed)), ['notes.txt'])
  t.deepEqual(await logFiles(path.join(dir, 't-0')), [0])
})

test('a folder that was to be deleted goes at the next start', async (t) => {
  const first = await startEngine(t)
  const log = await first.manager.create('t', 0, TOPIC_ID, first.config())
  await append(first, log, values(3))
  await first.manager.delete('t', 0)
  await first.drop()
  const second = await startEngine(t, { dir: first.dir })
  await second.stop()
  t.deepEqual(
    (await readdir(first.dir)).filter((name) => name.endsWith('-delete')),
    []
  )
})

test('a log of an earlier topic of the same name is not taken for the new one, and is kept', async (t) => {
  const first = await startEngine(t)
  await append(first, await first.manager.create('t', 0, TOPIC_ID, first.config()), values(3))
  await first.stop()
  const second = await startEngine(t, { dir: first.dir })
  t.is((await second.manager.whenReady('t', 0, TOPIC_ID))!.endOffset, 3)
  t.is(await second.manager.whenReady('t', 0, OTHER_ID), undefined)
  const log = await second.manager.create('t', 0, OTHER_ID, second.config())
  t.deepEqual([log.endOffset, log.topicId], [0, OTHER_ID])
  const kept = (await readdir(first.dir)).find((name) => /^t-0\.[0-9a-f]{32}-stray$/.test(name))!
  t.true((await readdir(path.join(first.dir, kept))).includes('00000000000000000000.log'))
})

test('a log that does not say of which topic it is becomes that of the topic, and says so then', async (t) => {
  const first = await startEngine(t)
  await append(first, await first.manager.create('t', 0, TOPIC_ID, first.config()), values(3))
  await first.stop()
  const file = path.join(first.dir, 't-0', 'partition.metadata')
  const before = await readFile(file, 'utf8')
  await rm(file)
  const second = await startEngine(t, { dir: first.dir })
  const log = (await second.manager.whenReady('t', 0, TOPIC_ID))!
  t.deepEqual([log.endOffset, log.topicId], [3, TOPIC_ID])
  t.is(await readFile(file, 'utf8'), before)
})

test('records that were deleted stay deleted, after either kind of restart', async (t) => {
  const topic = { 'internal.segment.bytes': '1000' }
  const first = await startEngine(t, { topic })
  const log = await first.manager.create('t', 0, TOPIC_ID, first.config())
  for (let index = 0; index < 10; index++) await append(first, log, values(2, 'x', 150), {}, 1)
  t.is((await log.deleteRecordsBefore(21)).errorCode, ErrorCode.OFFSET_OUT_OF_RANGE)
  t.deepEqual(await log.deleteRecordsBefore(7), { errorCode: ErrorCode.NONE, logStartOffset: 7 })
  t.deepEqual(await log.deleteRecordsBefore(3), { errorCode: ErrorCode.NONE, logStartOffset: 7 })
  t.is((await log.read(6, 100, Infinity, true)).errorCode, ErrorCode.OFFSET_OUT_OF_RANGE)
  await first.drop()

  const second = await startEngine(t, { dir: first.dir, topic })
  const again = (await second.manager.whenReady('t', 0))!
  t.deepEqual([again.logStartOffset, again.endOffset], [7, 20])
  t.is((await readAll(again))[0]!.offset, 7)
  t.is(again.epochOf(7), 1)
  t.true((await again.applyRetention()) > 0)
  t.deepEqual(await again.deleteRecordsBefore(20), { errorCode: ErrorCode.NONE, logStartOffset: 20 })
  await second.stop()
  const third = await startEngine(t, { dir: first.dir, topic })
  const last = (await third.manager.whenReady('t', 0))!
  t.deepEqual([last.logStartOffset, last.endOffset], [20, 20])
  t.is((await append(third, last, values(1))).baseOffset, 20)
})

test('retention by time deletes whole segments, and the log goes on at its offset when all are gone', async (t) => {
  const clock = new ManualClock()
  const topic = { 'internal.segment.bytes': '1000', 'retention.ms': '10000', 'file.delete.delay.ms': '500' }
  const engine = await startEngine(t, { clock, topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let index = 0; index < 10; index++) {
    await append(engine, log, values(2, 'x', 150))
    clock.advance(1000)
  }
  t.is(await log.applyRetention(), 0)
  clock.advance(4000)
  const first = await log.applyRetention()
  t.true(first > 0 && log.logStartOffset > 0)
  t.is((await readAll(log))[0]!.offset, log.logStartOffset)
  t.true((await logFiles(log.folder, '.deleted')).length > 0)
  clock.advance(20_000)
  await log.applyRetention()
  t.deepEqual([log.logStartOffset, log.endOffset, log.sizeBytes], [20, 20, 0])
  await engine.drop()

  const again = await startEngine(t, { dir: engine.dir, topic, clock })
  const reopened = (await again.manager.whenReady('t', 0))!
  t.deepEqual([reopened.logStartOffset, reopened.endOffset], [20, 20])
  t.is((await append(again, reopened, values(1))).baseOffset, 20)
  await again.stop()
  t.deepEqual(await logFiles(reopened.folder), [20])
  t.deepEqual(await logFiles(reopened.folder, '.deleted'), [])
})

test('retention by size keeps the newest segments', async (t) => {
  const engine = await startEngine(t, { topic: { 'internal.segment.bytes': '1000', 'retention.bytes': '2000' } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let index = 0; index < 20; index++) await append(engine, log, values(2, 'x', 150))
  await log.applyRetention()
  t.true(log.sizeBytes >= 2000 && log.sizeBytes < 3000, String(log.sizeBytes))
  await engine.stop()
  t.deepEqual(await verifyFolder(log.folder), [])
})

test('a segment ends when it is old enough', async (t) => {
  const clock = new ManualClock()
  const engine = await startEngine(t, { clock, topic: { 'segment.ms': '5000' } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (const pause of [0, 4000, 1000, 1, 6000]) {
    clock.advance(pause)
    await append(engine, log, values(1))
  }
  t.is(log.segmentCount, 3)
})

test('flush.messages: what is answered is on the disk', async (t) => {
  const engine = await startEngine(t, { topic: { 'flush.messages': '3' } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await append(engine, log, values(2))
  t.is(log.recoveryPoint, 0)
  const results = await Promise.all([append(engine, log, values(1)), append(engine, log, values(4)), append(engine, log, values(1))])
  t.deepEqual(
    results.map((result) => result.baseOffset),
    [2, 3, 7]
  )
  t.true(log.endOffset === 8)
  await log.flush()
  t.is(log.recoveryPoint, 8)
})

test('flush.messages: batches that are written in the turn of one that needs no flush are answered as well', async (t) => {
  const engine = await startEngine(t, { topic: { 'flush.messages': '5' } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let round = 0; round < 20; round++) {
    const results = await Promise.all([1, 2, 1, 3, 1].map((count) => append(engine, log, values(count))))
    t.deepEqual(
      results.map((result) => result.lastOffset + 1 - 8 * round),
      [1, 3, 4, 7, 8]
    )
  }
})

test('idempotence holds across restarts of either kind', async (t) => {
  const first = await startEngine(t, { topic: { 'internal.segment.bytes': '1000' } })
  const log = await first.manager.create('t', 0, TOPIC_ID, first.config())
  const from = (baseSequence: number) => ({ producerId: 3, producerEpoch: 1, baseSequence })
  for (let index = 0; index < 10; index++) await append(first, log, values(2, 'x', 150), from(index * 2))
  await first.drop()
  const second = await startEngine(t, { dir: first.dir })
  const again = (await second.manager.whenReady('t', 0))!
  t.is((await append(second, again, values(2, 'x', 150), from(18))).baseOffset, 18, 'a retry')
  t.is((await append(second, again, values(1), from(22))).errorCode, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  t.is((await append(second, again, values(1), from(20))).baseOffset, 20)
  await second.stop()
  const third = await startEngine(t, { dir: first.dir })
  const last = (await third.manager.whenReady('t', 0))!
  t.is((await append(third, last, values(1), from(20))).baseOffset, 20)
  t.is((await append(third, last, values(1), { ...from(21), producerEpoch: 0 })).errorCode, ErrorCode.INVALID_PRODUCER_EPOCH)
})

test('indexes that are lost or broken are made anew', async (t) => {
  const topic = { 'internal.segment.bytes': '2000', 'index.interval.bytes': '100' }
  const first = await startEngine(t, { topic })
  const log = await first.manager.create('t', 0, TOPIC_ID, first.config())
  for (let index = 0; index < 30; index++) await append(first, log, values(1, 'x', 150))
  await first.drop()
  const bases = await logFiles(log.folder)
  await rm(path.join(log.folder, String(bases[0]!).padStart(20, '0') + '.index'))
  await writeFile(path.join(log.folder, String(bases[1]!).padStart(20, '0') + '.index'), Buffer.alloc(800, 0xee))
  await writeFile(path.join(log.folder, String(bases.at(-1)!).padStart(20, '0') + '.timeindex'), Buffer.alloc(5))
  const second = await startEngine(t, { dir: first.dir, topic })
  const again = (await second.manager.whenReady('t', 0))!
  t.is((await readAll(again)).length, 30)
  await second.stop()
  t.deepEqual(await verifyFolder(log.folder), [])
})

test('hundreds of partitions open again, and are described', async (t) => {
  const first = await startEngine(t)
  const count = 300
  await Promise.all(
    Array.from({ length: count }, async (_, partition) => {
      const log = await first.manager.create('many', partition, ZERO_UUID, first.config())
      if (partition % 3 === 0) await append(first, log, values(1))
    })
  )
  await first.stop()
  const second = await startEngine(t, { dir: first.dir })
  const logs = await Promise.all(Array.from({ length: count }, (_, partition) => second.manager.whenReady('many', partition)))
  t.deepEqual(
    logs.map((log) => log!.endOffset),
    Array.from({ length: count }, (_, partition) => (partition % 3 === 0 ? 1 : 0))
  )
  const [described] = await second.manager.describe()
  t.is(described!.partitions.length, count)
  t.true(described!.usableBytes > 0 && described!.totalBytes >= described!.usableBytes)
})
