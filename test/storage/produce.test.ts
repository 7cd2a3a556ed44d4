/** What a log takes from clients and what it refuses, with the errors that Kafka gives; retries of idempotent producers; stamps. */
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { batch, buildBatch, Compression, endTransactionBatch, RecordBatchBuilder, type BatchOptions } from '../../src/record/index.js'
import type { Log } from '../../src/storage/log.js'
import { append, appendBytes, ManualClock, readAll, startEngine, TOPIC_ID, values, type Engine } from './support.js'

const NOW = 1_700_000_000_000

async function open(t: ExecutionContext, topic: Record<string, string> = {}): Promise<{ engine: Engine; log: Log }> {
  const engine = await startEngine(t, { topic, clock: new ManualClock(NOW) })
  return { engine, log: await engine.manager.create('t', 0, TOPIC_ID, engine.config()) }
}

/** A batch with some bytes changed, and its CRC right again unless told otherwise. */
function changed(change: (bytes: Buffer) => void, { fixCrc = true, options = {} as BatchOptions, count = 3 } = {}): Buffer {
  const bytes = buildBatch(values(count), { timestamp: NOW, ...options })
  change(bytes)
  if (fixCrc) bytes.writeUInt32BE(batch.computeCrc(bytes, 0), batch.At.crc)
  return bytes
}

const refused: [what: string, code: number, bytes: () => Buffer][] = [
  ['an empty record set', ErrorCode.INVALID_RECORD, () => Buffer.alloc(0)],
  ['a wrong CRC', ErrorCode.CORRUPT_MESSAGE, () => changed((bytes) => (bytes[70] = bytes[70]! ^ 1), { fixCrc: false })],
  ['magic 1', ErrorCode.INVALID_RECORD, () => changed((bytes) => bytes.writeInt8(1, batch.At.magic))],
  ['magic 9', ErrorCode.INVALID_RECORD, () => changed((bytes) => bytes.writeInt8(9, batch.At.magic))],
  ['two batches', ErrorCode.INVALID_RECORD, () => Buffer.concat([buildBatch(values(1)), buildBatch(values(1))])],
  ['half a batch', ErrorCode.INVALID_RECORD, () => buildBatch(values(3)).subarray(0, 80)],
  [
    'a length that no batch has',
    ErrorCode.CORRUPT_MESSAGE,
    () => changed((bytes) => bytes.writeInt32BE(5, batch.At.batchLength), { fixCrc: false })
  ],
  ['a count that does not fit', ErrorCode.INVALID_RECORD, () => changed((bytes) => bytes.writeInt32BE(2, batch.At.recordCount))],
  [
    'fewer records than counted',
    ErrorCode.INVALID_RECORD,
    () =>
      changed((bytes) => {
        bytes.writeInt32BE(4, batch.At.recordCount)
        bytes.writeInt32BE(3, batch.At.lastOffsetDelta)
      })
  ],
  [
    'more records than counted',
    ErrorCode.INVALID_RECORD,
    () =>
      changed((bytes) => {
        bytes.writeInt32BE(2, batch.At.recordCount)
        bytes.writeInt32BE(1, batch.At.lastOffsetDelta)
      })
  ],
  [
    'offsets with a gap',
    ErrorCode.INVALID_RECORD,
    () =>
      new RecordBatchBuilder({ timestamp: NOW, lastOffsetDelta: 1 })
        .append({ value: Buffer.from('a') }, 0)
        .append({ value: Buffer.from('b') }, 5)
        .build()
  ],
  [
    'a control batch',
    ErrorCode.INVALID_RECORD,
    () => endTransactionBatch({ producerId: 1, producerEpoch: 0, commit: true, coordinatorEpoch: 0, timestamp: NOW })
  ],
  [
    'a producer without a sequence',
    ErrorCode.INVALID_RECORD,
    () => buildBatch(values(1), { timestamp: NOW, producerId: 5, producerEpoch: 0 })
  ],
  ['a transaction without a producer', ErrorCode.INVALID_RECORD, () => buildBatch(values(1), { timestamp: NOW, transactional: true })],
  ['compression type 5', ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, () => changed((bytes) => bytes.writeInt16BE(5, batch.At.attributes))],
  ['gzip that is none', ErrorCode.INVALID_RECORD, () => changed((bytes) => bytes.writeInt16BE(Compression.gzip, batch.At.attributes))],
  ['snappy that is none', ErrorCode.INVALID_RECORD, () => changed((bytes) => bytes.writeInt16BE(Compression.snappy, batch.At.attributes))],
  ['lz4 that is none', ErrorCode.INVALID_RECORD, () => changed((bytes) => bytes.writeInt16BE(Compression.lz4, batch.At.attributes))],
  ['zstd that is none', ErrorCode.INVALID_RECORD, () => changed((bytes) => bytes.writeInt16BE(Compression.zstd, batch.At.attributes))],
  ['a record whose length leaves the batch', ErrorCode.INVALID_RECORD, () => changed((bytes) => (bytes[batch.BATCH_OVERHEAD] = 0x7e))],
  ['a record that claims many headers', ErrorCode.INVALID_RECORD, () => changed((bytes) => (bytes[bytes.length - 1] = 0x7e))],
  ['LogAppendTime set by the client', ErrorCode.INVALID_TIMESTAMP, () => buildBatch(values(1), { timestamp: NOW, logAppendTime: NOW })],
  ['a timestamp far in the future', ErrorCode.INVALID_TIMESTAMP, () => buildBatch(values(1), { timestamp: NOW + 3_600_001 })]
]

for (const [what, code, bytes] of refused) {
  test(`${what} is refused, and nothing is stored`, async (t) => {
    const { engine, log } = await open(t)
    const result = await appendBytes(engine, log, bytes())
    t.is(result.errorCode, code, result.errorMessage ?? '')
    t.is(result.baseOffset, -1)
    t.truthy(result.errorMessage)
    t.is(log.nextOffset, 0)
    t.is((await append(engine, log, values(1))).baseOffset, 0, 'the log goes on')
  })
}

test('every codec is taken as it is and read again', async (t) => {
  const { engine, log } = await open(t)
  for (const codec of [1, 2, 3, 4]) {
    const builder = new RecordBatchBuilder({ timestamp: NOW })
    for (const record of values(50, `codec${codec}-`, 60)) builder.append(record)
    t.is((await appendBytes(engine, log, await builder.buildCompressed(codec))).errorCode, ErrorCode.NONE, `codec ${codec}`)
  }
  const read = await readAll(log)
  t.deepEqual(
    read.map((record) => record.offset),
    Array.from({ length: 200 }, (_, index) => index)
  )
  t.regex(read[199]!.value!.toString(), /^codec4-49/)
})

test('compressed and plain batches keep the order of their calls', async (t) => {
  const { engine, log } = await open(t)
  const packed = await Promise.all(
    [1, 4, 2].map((codec) =>
      new RecordBatchBuilder({ timestamp: NOW }).append({ value: Buffer.alloc(20_000, codec) }).buildCompressed(codec)
    )
  )
  const plain = buildBatch(values(1), { timestamp: NOW })
  const results = await Promise.all(
    [packed[0]!, plain, packed[1]!, plain, packed[2]!, plain].map((bytes) => appendBytes(engine, log, Buffer.from(bytes)))
  )
  t.deepEqual(
    results.map((result) => result.baseOffset),
    [0, 1, 2, 3, 4, 5]
  )
})

test('too large is too large', async (t) => {
  const { engine, log } = await open(t, { 'max.message.bytes': '1000', 'internal.segment.bytes': '900' })
  t.is((await append(engine, log, values(1, 'x', 1000))).errorCode, ErrorCode.MESSAGE_TOO_LARGE)
  t.is((await append(engine, log, values(1, 'x', 850))).errorCode, ErrorCode.RECORD_LIST_TOO_LARGE)
  t.is((await append(engine, log, values(1, 'x', 500))).errorCode, ErrorCode.NONE)
})

test('a compacted topic wants keys, and says which records have none', async (t) => {
  const { engine, log } = await open(t, { 'cleanup.policy': 'compact' })
  const key = Buffer.from('k')
  const result = await append(engine, log, [{ key, value: key }, { value: key }, { key, value: null }, { value: null }])
  t.is(result.errorCode, ErrorCode.INVALID_RECORD)
  t.deepEqual(
    result.batchIndexErrors?.map((error) => error.batchIndex),
    [1, 3]
  )
  t.is((await append(engine, log, [{ key, value: null }])).errorCode, ErrorCode.NONE)
})

test('timestamps out of bounds are refused, record by record', async (t) => {
  const { engine, log } = await open(t, { 'message.timestamp.before.max.ms': '1000', 'message.timestamp.after.max.ms': '500' })
  const at = (timestamp: number) => ({ value: Buffer.from('v'), timestamp })
  const result = await append(engine, log, [at(NOW), at(NOW - 1001), at(NOW + 500), at(NOW + 501)])
  t.is(result.errorCode, ErrorCode.INVALID_TIMESTAMP)
  t.deepEqual(
    result.batchIndexErrors?.map((error) => error.batchIndex),
    [1, 3]
  )
  t.is((await append(engine, log, [at(NOW - 1000), at(NOW + 500)])).errorCode, ErrorCode.NONE)
  t.is((await append(engine, log, [at(-1)])).errorCode, ErrorCode.NONE, 'no timestamp at all')
  const mixed = await append(engine, log, [at(-1), at(NOW - 1001), at(NOW)])
  t.deepEqual([mixed.errorCode, mixed.batchIndexErrors?.map((error) => error.batchIndex)], [ErrorCode.INVALID_TIMESTAMP, [1]])
  t.is((await append(engine, log, [at(-1), at(NOW - 1000)])).errorCode, ErrorCode.NONE)
})

test('a largest timestamp that the records contradict is put right', async (t) => {
  const { engine, log } = await open(t)
  t.is(
    (
      await appendBytes(
        engine,
        log,
        changed((bytes) => batch.writeInt64(bytes, NOW + 999_999, batch.At.maxTimestamp))
      )
    ).errorCode,
    0
  )
  const stored = await log.readBytes(0, 1)
  t.is(batch.maxTimestamp(stored, 0), NOW)
  t.is(batch.computeCrc(stored, 0), batch.crc(stored, 0))
})

test('LogAppendTime stamps the time of the broker', async (t) => {
  const { engine, log } = await open(t, { 'message.timestamp.type': 'LogAppendTime' })
  const result = await append(engine, log, values(2), { timestamp: 5 })
  t.deepEqual([result.errorCode, result.logAppendTimeMs], [0, NOW])
  const stored = await log.readBytes(0, 1)
  t.true(batch.isLogAppendTime(stored, 0))
  t.is(batch.computeCrc(stored, 0), batch.crc(stored, 0))
  t.deepEqual(
    (await readAll(log)).map((record) => record.timestamp),
    [NOW, NOW]
  )
})

test('a retry gets the offset of the original, also while that is still on its way', async (t) => {
  const { engine, log } = await open(t)
  const idempotent = (baseSequence: number) => ({ producerId: 9, producerEpoch: 0, baseSequence })
  const results = await Promise.all([
    append(engine, log, values(3), idempotent(0)),
    append(engine, log, values(3), idempotent(0)),
    append(engine, log, values(2), idempotent(3)),
    append(engine, log, values(2), idempotent(7))
  ])
  t.deepEqual(
    results.map(({ errorCode, baseOffset, lastOffset }) => [errorCode, baseOffset, lastOffset]),
    [
      [0, 0, 2],
      [0, 0, 2],
      [0, 3, 4],
      [ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1, -1]
    ]
  )
  t.is((await append(engine, log, values(3), idempotent(0))).baseOffset, 0)
  t.is(log.endOffset, 5)
})

test('transactions hold back the last stable offset until their marker is written', async (t) => {
  const { engine, log } = await open(t)
  await append(engine, log, values(2))
  const transactional = { producerId: 9, producerEpoch: 1, transactional: true }
  await append(engine, log, values(2), { ...transactional, baseSequence: 0 })
  await append(engine, log, values(1))
  t.deepEqual([log.lastStableOffset, log.endOffset], [2, 5])
  const marker = endTransactionBatch({ producerId: 9, producerEpoch: 1, commit: true, coordinatorEpoch: 0, timestamp: NOW })
  t.is((await appendBytes(engine, log, marker, 'coordinator')).baseOffset, 5)
  t.deepEqual([log.lastStableOffset, log.endOffset], [6, 6])
})

test('batches of a leader keep their offsets and epochs', async (t) => {
  const { engine, log } = await open(t)
  const bytes = Buffer.concat([
    buildBatch(values(2), { baseOffset: 0, partitionLeaderEpoch: 3 }),
    buildBatch(values(1), { baseOffset: 7, partitionLeaderEpoch: 5 })
  ])
  t.like(await appendBytes(engine, log, bytes, 'replication'), { errorCode: 0, baseOffset: 7, lastOffset: 7 })
  t.deepEqual([log.endOffset, log.latestEpoch, log.epochOf(1)], [8, 5, 3])
  t.is((await appendBytes(engine, log, bytes, 'replication')).errorCode, ErrorCode.CORRUPT_MESSAGE)
})

test('watchers are told once for all that completed together', async (t) => {
  const { engine, log } = await open(t)
  let told = 0
  log.onEndOffset = () => void told++
  await Promise.all([1, 2, 3, 4].map(() => append(engine, log, values(1))))
  await new Promise(setImmediate)
  t.true(told >= 1 && told <= 4)
  t.is(log.endOffset, 4)
})
