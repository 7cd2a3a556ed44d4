/** A log from the outside: what is appended is read again, at the right offsets, also after a restart of either kind. */
import { appendFile, readdir } from 'node:fs/promises'
import path from 'node:path'
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { verifyFolder } from '../../src/storage/verify.js'
import { append, readAll, startEngine, TOPIC_ID, values } from './support.js'

test('appended batches get offsets in the order of the calls and are read again', async (t) => {
  const engine = await startEngine(t)
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  const results = await Promise.all([
    append(engine, log, values(3, 'a')),
    append(engine, log, values(2, 'b')),
    append(engine, log, values(1, 'c'))
  ])
  t.deepEqual(
    results.map(({ errorCode, baseOffset, lastOffset }) => [errorCode, baseOffset, lastOffset]),
    [
      [0, 0, 2],
      [0, 3, 4],
      [0, 5, 5]
    ]
  )
  t.is(log.endOffset, 6)
  t.is(log.nextOffset, 6)
  t.is(log.latestEpoch, 0)
  t.deepEqual(
    (await readAll(log)).map((record) => [record.offset, record.value!.toString()]),
    [
      [0, 'a0'],
      [1, 'a1'],
      [2, 'a2'],
      [3, 'b0'],
      [4, 'b1'],
      [5, 'c0']
    ]
  )
})

test('a batch that a limit would tear is left out where batches are large, in memory and from the disk alike, and counts all the same', async (t) => {
  const engine = await startEngine(t)
  let log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (const prefix of ['a', 'b', 'c', 'd']) await append(engine, log, values(1, prefix, 30_000))
  for (let i = 0; i < 100; i++) await append(engine, log, values(1, 'e', 10))
  const size = (await log.read(0, 1, Infinity, true)).bytes
  const regions = async (): Promise<unknown[]> => {
    const seen: unknown[] = []
    for (const [offset, limit] of [
      [0, 65_536],
      [2, 65_536],
      [1, size],
      [1, size - 1],
      [0, 5 * size],
      [4, 1000]
    ] as const) {
      const { region, bytes } = await log.read(offset, limit, Infinity, true)
      seen.push([region?.position, region?.length, bytes])
    }
    return seen
  }
  const small = ((await log.read(4, 1, Infinity, true)).region?.length ?? 0) * 100
  const expected = [
    [0, 2 * size, 65_536],
    [2 * size, 65_536, 65_536],
    [size, size, size],
    [size, size, size],
    [0, 4 * size + small, 4 * size + small],
    [4 * size, 1000, 1000]
  ]
  t.deepEqual(await regions(), expected)
  await engine.stop()
  const second = await startEngine(t, { dir: engine.dir })
  log = (await second.manager.whenReady('t', 0))!
  t.deepEqual(await regions(), expected, 'by the headers in the file')
  t.deepEqual(await regions(), expected, 'by what is remembered of them')
  await second.stop()
})

test('a fetch gets regions of whole batches from the one that holds the offset', async (t) => {
  const engine = await startEngine(t)
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (const prefix of ['a', 'b', 'c']) await append(engine, log, values(2, prefix, 100))
  const whole = await log.read(0, 1 << 20, Infinity, true)
  t.is(whole.bytes, log.sizeBytes)
  const size = whole.bytes / 3
  const middle = await log.read(3, 1 << 20, Infinity, true)
  t.deepEqual([middle.region?.position, middle.bytes], [size, 2 * size])
  t.is((await log.read(3, 10, Infinity, true)).bytes, size, 'at least one batch')
  t.is((await log.read(3, 10, Infinity, false)).bytes, 10, 'no more than asked for')
  t.is((await log.read(0, 1 << 20, 4, true)).bytes, 2 * size, 'only what begins below the high watermark')
  t.is((await log.read(4, 1 << 20, 4, true)).region, null)
  t.is((await log.read(6, 1 << 20, Infinity, true)).region, null, 'at the end')
  t.is((await log.read(7, 1 << 20, Infinity, true)).errorCode, ErrorCode.OFFSET_OUT_OF_RANGE)
  t.is((await log.read(-1, 1 << 20, Infinity, true)).errorCode, ErrorCode.OFFSET_OUT_OF_RANGE)
})

test('a full segment is followed by a new one, and reads go on across them', async (t) => {
  const engine = await startEngine(t, { topic: { 'internal.segment.bytes': '1000', 'index.interval.bytes': '100' } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let index = 0; index < 20; index++) await append(engine, log, values(2, `r${index}-`, 100))
  t.true(log.segmentCount >= 6)
  t.is((await readAll(log)).length, 40)
  await engine.stop()
  t.deepEqual(await verifyFolder(path.join(engine.dir, 't-0')), [])
})

test('a log is as it was after an orderly stop, and nothing is recovered', async (t) => {
  const topic = { 'internal.segment.bytes': '1000', 'index.interval.bytes': '100' }
  const first = await startEngine(t, { topic })
  const log = await first.manager.create('t', 0, TOPIC_ID, first.config())
  for (let index = 0; index < 9; index++) await append(first, log, values(3, `r${index}-`, 50), {}, index < 5 ? 0 : 4)
  const before = (await readAll(log)).map((record) => record.value!.toString())
  await first.stop()

  const second = await startEngine(t, { dir: first.dir, topic })
  t.true(second.manager.cleanStart)
  const again = (await second.manager.whenReady('t', 0))!
  t.is(again.topicId, TOPIC_ID)
  t.deepEqual([again.endOffset, again.latestEpoch, again.recoveryPoint], [27, 4, 27])
  t.deepEqual(again.epochEndOffset(0), { epoch: 0, endOffset: 15 })
  t.deepEqual(
    (await readAll(again)).map((record) => record.value!.toString()),
    before
  )
  t.is((await append(second, again, values(1))).baseOffset, 27)
  t.deepEqual(second.lines, [])
})

test('after a crash everything that was written is there, and a torn tail is cut off', async (t) => {
  const topic = { 'internal.segment.bytes': '1000', 'index.interval.bytes': '100' }
  const first = await startEngine(t, { topic })
  const log = await first.manager.create('t', 0, TOPIC_ID, first.config())
  for (let index = 0; index < 9; index++) await append(first, log, values(3, `r${index}-`, 50), {}, index < 5 ? 0 : 4)
  await first.drop()
  const folder = path.join(first.dir, 't-0')
  const last = (await readdir(folder))
    .filter((name) => name.endsWith('.log'))
    .toSorted()
    .at(-1)!
  await appendFile(path.join(folder, last), Buffer.alloc(77, 7))

  const second = await startEngine(t, { dir: first.dir, topic })
  t.false(second.manager.cleanStart)
  const again = (await second.manager.whenReady('t', 0))!
  t.deepEqual([again.endOffset, again.latestEpoch], [27, 4])
  t.is((await readAll(again)).length, 27)
  t.regex(second.lines.join('\n'), /t-0 ends in 77 bytes that are no whole batch, at offset 27/)
  t.is((await append(second, again, values(1))).baseOffset, 27)
  await second.stop()
  t.deepEqual(await verifyFolder(folder), [])
})
