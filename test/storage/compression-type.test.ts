/** `compression.type` of a topic: batches are stored with its codec, and nothing else about them changes. */
import { createHash } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import {
  batch,
  buildBatch,
  Compression,
  COMPRESSION_NAMES,
  endTransactionBatch,
  RecordBatchBuilder,
  type BatchOptions,
  type RecordInput
} from '../../src/record/index.js'
import type { Log } from '../../src/storage/log.js'
import { append, appendBytes, ManualClock, readAll, startEngine, TOPIC_ID, values, type Engine } from './support.js'

const NOW = 1_700_000_000_000
const CODECS = Object.values(Compression)
const SETTING = ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'] as const

async function open(t: ExecutionContext, topic: Record<string, string> = {}): Promise<{ engine: Engine; log: Log }> {
  const engine = await startEngine(t, { topic, clock: new ManualClock(NOW) })
  return { engine, log: await engine.manager.create('t', 0, TOPIC_ID, engine.config()) }
}

/** Keys, headers, nulls, and timestamps that do not rise. */
const records: RecordInput[] = Array.from({ length: 40 }, (_, index) => ({
  key: index % 3 === 0 ? null : Buffer.from(`k${index % 7}`),
  value: index % 5 === 0 ? null : Buffer.from(`value ${index} `.repeat(20 + index)),
  headers: index % 2 === 0 ? [] : [{ key: `h${index}`, value: index % 4 === 1 ? null : Buffer.from([index]) }],
  timestamp: NOW - ((index * 37) % 1000)
}))

function packed(codec: number, inputs: readonly RecordInput[] = records, options: BatchOptions = {}): Promise<Buffer> {
  const builder = new RecordBatchBuilder({ timestamp: NOW, ...options })
  for (const record of inputs) builder.append(record)
  return builder.buildCompressed(codec)
}

async function stored(log: Log, offset: number): Promise<Buffer> {
  const bytes = await log.readBytes(offset, 1)
  return bytes.subarray(0, batch.sizeInBytes(bytes, 0))
}

for (const target of CODECS) {
  test(`compression.type=${SETTING[target]}: whatever comes, is stored so, with the same records`, async (t) => {
    const { engine, log } = await open(t, { 'compression.type': SETTING[target]! })
    const plain = await open(t)
    let sequence = 0
    for (const source of CODECS) {
      const options = { producerId: 9, producerEpoch: 3, baseSequence: sequence }
      const bytes = await packed(source, records, options)
      await appendBytes(plain.engine, plain.log, Buffer.from(bytes))
      const result = await appendBytes(engine, log, bytes, 'client', 5)
      const what = `from ${COMPRESSION_NAMES[source]}`
      t.deepEqual([result.errorCode, result.baseOffset, result.lastOffset], [0, sequence, sequence + 39], what)
      const found = await stored(log, sequence)
      t.is(batch.compressionType(found, 0), target, what)
      t.is(batch.computeCrc(found, 0), batch.crc(found, 0), what)
      t.is(batch.maxTimestamp(found, 0), NOW, what)
      t.is(batch.partitionLeaderEpoch(found, 0), 5)
      t.deepEqual([batch.producerId(found, 0), batch.producerEpoch(found, 0), batch.baseSequence(found, 0)], [9, 3, sequence], what)
      if (source === target) t.deepEqual(found.subarray(batch.At.crc), bytes.subarray(batch.At.crc), 'as it came')
      t.is((await appendBytes(engine, log, await packed(source, records, options))).baseOffset, sequence, `a retry ${what}`)
      sequence += 40
    }
    t.deepEqual(await readAll(log), await readAll(plain.log))
    t.is(log.endOffset, sequence)
  })
}

test('compression.type=producer, the default: a batch is stored as it came', async (t) => {
  const { engine, log } = await open(t)
  for (const source of CODECS) {
    const bytes = await packed(source)
    const { baseOffset } = await appendBytes(engine, log, bytes)
    t.deepEqual((await stored(log, baseOffset)).subarray(batch.At.crc), bytes.subarray(batch.At.crc))
  }
})

test('LogAppendTime and another codec at once', async (t) => {
  const { engine, log } = await open(t, { 'compression.type': 'zstd', 'message.timestamp.type': 'LogAppendTime' })
  for (const source of [Compression.none, Compression.gzip]) {
    const result = await appendBytes(engine, log, await packed(source, records, { timestamp: 5 }))
    t.is(result.logAppendTimeMs, NOW)
    const found = await stored(log, result.baseOffset)
    t.true(batch.isLogAppendTime(found, 0))
    t.is(batch.computeCrc(found, 0), batch.crc(found, 0))
  }
  t.true((await readAll(log)).every((record) => record.timestamp === NOW))
})

test('a largest timestamp that the records contradict is put right in the new form', async (t) => {
  const { engine, log } = await open(t, { 'compression.type': 'gzip' })
  const bytes = buildBatch(values(3), { timestamp: NOW })
  batch.writeInt64(bytes, NOW + 77, batch.At.maxTimestamp)
  bytes.writeUInt32BE(batch.computeCrc(bytes, 0), batch.At.crc)
  await appendBytes(engine, log, bytes)
  t.is(batch.maxTimestamp(await stored(log, 0), 0), NOW)
})

test('levels: more work, fewer bytes', async (t) => {
  const { engine, log } = await open(t)
  const text = Array.from({ length: 3000 }, (_, index) => `${(index * 7919) % 1009} and ${(index * 104_729) % 997}`).join(', ')
  const sizeWith = async (settings: Record<string, string>): Promise<number> => {
    log.configure(engine.config(settings))
    const { baseOffset } = await append(engine, log, [{ value: Buffer.from(text) }])
    return (await stored(log, baseOffset)).length
  }
  const gzip = (level: string) => sizeWith({ 'compression.type': 'gzip', 'compression.gzip.level': level })
  const zstd = (level: string) => sizeWith({ 'compression.type': 'zstd', 'compression.zstd.level': level })
  t.true((await gzip('9')) < (await gzip('1')))
  t.is(await gzip('-1'), await gzip('6'))
  t.true((await zstd('19')) < (await zstd('-50')))
})

test('what is too large in its new form is refused, and its sequence is not used up', async (t) => {
  const { engine, log } = await open(t, { 'compression.type': 'uncompressed', 'max.message.bytes': '20000' })
  const producer = { producerId: 4, producerEpoch: 0, baseSequence: 0 }
  const bomb = await packed(Compression.zstd, [{ value: Buffer.alloc(20_000_000) }], producer)
  const refused = await appendBytes(engine, log, bomb)
  t.is(refused.errorCode, ErrorCode.MESSAGE_TOO_LARGE)
  t.regex(refused.errorMessage!, /20000\d\d\d bytes uncompressed, max\.message\.bytes is 20000/)
  t.is(log.nextOffset, 0)
  t.is((await appendBytes(engine, log, await packed(Compression.zstd, values(2), producer))).baseOffset, 0)
  log.configure(engine.config({ 'compression.type': 'lz4' }))
  const noise = Buffer.concat(Array.from({ length: 623 }, (_, index) => createHash('sha256').update(String(index)).digest())).subarray(
    0,
    19_920
  )
  t.is((await append(engine, log, [{ value: noise }])).errorCode, ErrorCode.MESSAGE_TOO_LARGE, 'noise grows a little')
})

test('checks still hold: records that are refused, broken bytes', async (t) => {
  const { engine, log } = await open(t, { 'compression.type': 'gzip', 'cleanup.policy': 'compact' })
  const keyless = await appendBytes(engine, log, await packed(Compression.lz4))
  t.is(keyless.errorCode, ErrorCode.INVALID_RECORD)
  t.is(keyless.batchIndexErrors?.[0]?.batchIndex, 0)
  const broken = await packed(Compression.snappy, [{ key: Buffer.from('k'), value: null }])
  broken[batch.BATCH_OVERHEAD + 20]! ^= 0xff
  broken.writeUInt32BE(batch.computeCrc(broken, 0), batch.At.crc)
  t.is((await appendBytes(engine, log, broken)).errorCode, ErrorCode.INVALID_RECORD)
  t.is(log.nextOffset, 0)
})

test('many at once keep the order of their calls, whatever takes how long; a change of the setting counts from the next batch on', async (t) => {
  const { engine, log } = await open(t, { 'compression.type': 'gzip' })
  const batches: Buffer[] = []
  for (let index = 0; index < 60; index++) {
    const bytes = index % 5 === 0 ? 200_000 : 10
    batches.push(await packed([0, 1, 4][index % 3]!, values(2, `${index}-`, bytes)))
  }
  const results = batches.map((bytes, index) => {
    if (index === 30) log.configure(engine.config({ 'compression.type': 'zstd' }))
    return appendBytes(engine, log, bytes)
  })
  t.deepEqual(
    (await Promise.all(results)).map(({ baseOffset }) => baseOffset),
    batches.map((_, index) => index * 2)
  )
  t.deepEqual(
    (await readAll(log)).map((record) => record.value!.toString().replace(/\.+$/, '')),
    batches.flatMap((_, index) => [`${index}-0`, `${index}-1`])
  )
  t.is(batch.compressionType(await stored(log, 58), 0), Compression.gzip)
  t.is(batch.compressionType(await stored(log, 60), 0), Compression.zstd)
})

test('a log that is given up answers those too that are being compressed', async (t) => {
  const { engine, log } = await open(t, { 'compression.type': 'gzip' })
  const results = Array.from({ length: 40 }, () => append(engine, log, values(1, 'x', 50_000)))
  await log.abandon()
  for (const { errorCode } of await Promise.all(results)) t.is(errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
})

test('coordinators get the codec of their topic; control records and the batches of a leader stay as they are', async (t) => {
  const { engine, log } = await open(t, { 'compression.type': 'zstd' })
  await appendBytes(engine, log, buildBatch(values(5, 'v', 100), { timestamp: NOW }), 'coordinator')
  t.is(batch.compressionType(await stored(log, 0), 0), Compression.zstd)
  const marker = endTransactionBatch({ producerId: 9, producerEpoch: 1, commit: true, coordinatorEpoch: 0, timestamp: NOW })
  await appendBytes(engine, log, marker, 'coordinator')
  t.is(batch.compressionType(await stored(log, 5), 0), Compression.none)
  await appendBytes(engine, log, buildBatch(values(1), { baseOffset: 6, timestamp: NOW }), 'replication')
  t.is(batch.compressionType(await stored(log, 6), 0), Compression.none)
})
