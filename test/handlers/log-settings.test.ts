/** Settings of topics that decide what is taken, how it is stored and how long it stays, changed over the wire while records come. */
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.js'
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { deleteRecords } from '../../src/protocol/messages/21-delete-records.js'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.js'
import { batch, buildBatch, Compression, RecordBatchBuilder } from '../../src/record/index.js'
import { foreignBroker, startBroker, type TestBroker } from '../support/broker.js'
import { uniqueName } from '../support/names.js'
import { RawClient } from '../support/raw-client.js'
import { ownedTempDir } from '../support/temp-dir.js'
import { fetchBody, fetchRecords } from '../support/traffic.js'

const TOPIC = 2
const BROKER = 4
const EARLIEST = -2
const LATEST = -1
const MAX_FETCH = 8 << 20

/** About our own folder, or settings that the broker was started with. */
const ownTest = foreignBroker ? test.serial.skip : test.serial
let folder: Awaited<ReturnType<typeof ownedTempDir>>
let broker: TestBroker
let client: RawClient

const SETTINGS = { 'log.retention.check.interval.ms': '20', 'log.initial.task.delay.ms': '0', 'log.segment.delete.delay.ms': '0' }

test.before(async () => {
  folder = await ownedTempDir()
  await start()
})
test.after.always(async () => {
  client.close()
  await broker.stop()
  await folder.remove()
})

async function start(): Promise<void> {
  broker = await startBroker({ dir: folder.dir, settings: SETTINGS })
  client = await RawClient.connect(broker)
}

async function create(prefix: string, settings: Record<string, string> = {}): Promise<string> {
  const name = uniqueName(prefix)
  const configs = Object.entries(settings).map(([key, value]) => ({ name: key, value }))
  const topics = [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs }]
  const answer = await client.request(createTopics, 7, { topics, timeoutMs: 10_000, validateOnly: false })
  if (answer.topics[0]?.errorCode !== 0) throw new Error(`create: ${answer.topics[0]?.errorMessage}`)
  return name
}

async function alter(resourceName: string, name: string, value: string, resourceType = TOPIC): Promise<void> {
  const resources = [{ resourceType, resourceName, configs: [{ name, configOperation: 0, value }] }]
  const { responses } = await client.request(incrementalAlterConfigs, 1, { resources, validateOnly: false })
  if (responses[0]?.errorCode !== 0) throw new Error(`alter: ${responses[0]?.errorMessage}`)
  // Kafka answers before its brokers know.
  if (foreignBroker) await delay(500)
}

async function send(name: string, records: Buffer) {
  const topicData = [{ name, partitionData: [{ index: 0, records }] }]
  const { responses } = await client.request(produce, 9, { transactionalId: null, acks: -1, timeoutMs: 10_000, topicData })
  return responses[0]!.partitionResponses[0]!
}

const plain = (bytes = 100, timestamp = Date.now()) =>
  buildBatch([{ key: Buffer.from('k'), value: Buffer.alloc(bytes, 'v') }], { timestamp })

async function offsetAt(name: string, timestamp: number): Promise<number> {
  const topics = [{ name, partitions: [{ partitionIndex: 0, timestamp }] }]
  const answer = await client.request(listOffsets, 7, { replicaId: -1, isolationLevel: 0, topics })
  return answer.topics[0]!.partitions[0]!.offset
}

async function deleteBefore(name: string, offset: number) {
  const topics = [{ name, partitions: [{ partitionIndex: 0, offset }] }]
  const answer = await client.request(deleteRecords, 2, { topics, timeoutMs: 10_000 })
  const { errorCode, lowWatermark } = answer.topics[0]!.partitions[0]!
  return [errorCode, lowWatermark]
}

test.serial('compression.type: of the topic, of the broker, changed while records come', async (t) => {
  const topic = await create('packed')
  const codecNow = async (): Promise<number> => {
    const { errorCode, baseOffset } = await send(topic, plain(2000))
    t.is(errorCode, 0)
    const records = await fetchRecords(client, topic, baseOffset, MAX_FETCH)
    t.is(batch.computeCrc(records, 0), batch.crc(records, 0))
    return batch.compressionType(records, 0)
  }
  t.is(await codecNow(), Compression.none)
  await alter(topic, 'compression.type', 'gzip')
  t.is(await codecNow(), Compression.gzip)
  await alter(topic, 'compression.type', 'producer')
  t.is(await codecNow(), Compression.none)
  const inherits = await create('inherits')
  await alter('', 'compression.type', 'lz4', BROKER)
  const { baseOffset } = await send(inherits, plain(2000))
  t.is(batch.compressionType(await fetchRecords(client, inherits, baseOffset, MAX_FETCH), 0), Compression.lz4)
  t.is(await codecNow(), Compression.none, 'its own setting is stronger')
  await alter('', 'compression.type', 'producer', BROKER)
})

// Kafka before 4.0 refused it.
test.serial('a topic with compression.type=zstd is given to consumers of every version', async (t) => {
  const topic = await create('zstd', { 'compression.type': 'zstd' })
  await send(topic, plain())
  for (const version of [4, 9, 10]) {
    const { responses } = await client.request(fetch, version, fetchBody(topic, 0, MAX_FETCH))
    t.is(responses[0]?.partitions[0]?.errorCode, 0, `version ${version}`)
  }
})

test.serial('max.message.bytes: what is taken changes at once, and holds for the new form of a batch too', async (t) => {
  const topic = await create('small')
  t.is((await send(topic, plain(5000))).errorCode, 0)
  await alter(topic, 'max.message.bytes', '4000')
  t.is((await send(topic, plain(5000))).errorCode, ErrorCode.MESSAGE_TOO_LARGE)
  const packed = await new RecordBatchBuilder({ timestamp: Date.now() })
    .append({ value: Buffer.alloc(5000) })
    .buildCompressed(Compression.gzip)
  t.is((await send(topic, Buffer.from(packed))).errorCode, 0)
  await alter(topic, 'compression.type', 'uncompressed')
  t.is((await send(topic, Buffer.from(packed))).errorCode, ErrorCode.MESSAGE_TOO_LARGE)
  await alter(topic, 'max.message.bytes', '6000')
  t.is((await send(topic, Buffer.from(packed))).errorCode, 0)
  t.is(await offsetAt(topic, LATEST), 3)
})

test.serial('message.timestamp.type and its bounds change at once', async (t) => {
  const topic = await create('times')
  const hourAgo = Date.now() - 3_600_000
  t.is((await send(topic, plain(10, hourAgo))).logAppendTimeMs, -1)
  await alter(topic, 'message.timestamp.before.max.ms', '60000')
  t.is((await send(topic, plain(10, hourAgo))).errorCode, ErrorCode.INVALID_TIMESTAMP)
  await alter(topic, 'message.timestamp.after.max.ms', '1000')
  t.is((await send(topic, plain(10, Date.now() + 60_000))).errorCode, ErrorCode.INVALID_TIMESTAMP)
  await alter(topic, 'message.timestamp.type', 'LogAppendTime')
  const stamped = await send(topic, plain(10, hourAgo))
  t.is(stamped.errorCode, 0)
  t.true(stamped.logAppendTimeMs > hourAgo + 3_000_000)
  const records = await fetchRecords(client, topic, stamped.baseOffset, MAX_FETCH)
  t.true(batch.isLogAppendTime(records, 0))
  t.is(batch.maxTimestamp(records, 0), stamped.logAppendTimeMs)
  await alter(topic, 'message.timestamp.type', 'CreateTime')
  t.is((await send(topic, plain(10, hourAgo))).errorCode, ErrorCode.INVALID_TIMESTAMP)
})

ownTest('segment.bytes and retention.bytes: smaller segments from now on, and the oldest go at the next check', async (t) => {
  const topic = await create('sized')
  for (let index = 0; index < 3; index++) t.is((await send(topic, plain(700_000))).errorCode, 0)
  const logs = () => readdirSync(path.join(folder.dir, `${topic}-0`)).filter((name) => name.endsWith('.log'))
  t.is(logs().length, 1)
  await alter(topic, 'segment.bytes', '1048576')
  for (let index = 0; index < 3; index++) await send(topic, plain(700_000))
  t.is(logs().length, 4)
  await alter(topic, 'retention.bytes', '1500000')
  const until = performance.now() + 10_000
  while ((await offsetAt(topic, EARLIEST)) < 3 && performance.now() < until) await new Promise(setImmediate)
  t.is(await offsetAt(topic, EARLIEST), 3)
  t.is(await offsetAt(topic, LATEST), 6)
})

ownTest('retention.ms of a topic with compact,delete', async (t) => {
  const topic = await create('aged', { 'cleanup.policy': 'compact,delete', 'message.timestamp.before.max.ms': '9000000000' })
  await send(topic, plain(10, Date.now() - 60_000))
  await send(topic, plain(10, Date.now() - 60_000))
  t.is(await offsetAt(topic, EARLIEST), 0)
  await alter(topic, 'retention.ms', '1000')
  const until = performance.now() + 10_000
  while ((await offsetAt(topic, EARLIEST)) < 2 && performance.now() < until) await new Promise(setImmediate)
  t.is(await offsetAt(topic, EARLIEST), 2)
  t.is((await send(topic, plain())).baseOffset, 2)
})

test.serial('DeleteRecords: to an offset, to the high watermark, not beyond; it stays so when the broker comes back', async (t) => {
  const topic = await create('deleted')
  for (let index = 0; index < 5; index++) await send(topic, plain())
  t.deepEqual(await deleteBefore(topic, 2), [0, 2])
  t.deepEqual(await deleteBefore(topic, 1), [0, 2], 'what is gone is gone')
  t.deepEqual(await deleteBefore(topic, 6), [ErrorCode.OFFSET_OUT_OF_RANGE, -1])
  t.deepEqual(await deleteBefore(topic, -2), [ErrorCode.OFFSET_OUT_OF_RANGE, -1])
  const { responses } = await client.request(fetch, 12, fetchBody(topic, 1, MAX_FETCH))
  t.is(responses[0]?.partitions[0]?.errorCode, ErrorCode.OFFSET_OUT_OF_RANGE)
  t.is(await offsetAt(topic, EARLIEST), 2)
  t.deepEqual(await deleteBefore(topic, -1), [0, 5])
  t.deepEqual([await offsetAt(topic, EARLIEST), await offsetAt(topic, LATEST)], [5, 5])
  client.close()
  await broker.stop()
  await start()
  while ((await offsetAt(topic, LATEST)) < 0) await new Promise(setImmediate)
  t.deepEqual([await offsetAt(topic, EARLIEST), await offsetAt(topic, LATEST)], [5, 5])
  t.is((await send(topic, plain())).baseOffset, 5)
  t.is((await fetchRecords(client, topic, 5, MAX_FETCH)).length, plain().length)
})

ownTest('log.dirs is stronger than log.dir, which holds where it is alone', async (t) => {
  const { dir, remove } = await ownedTempDir()
  t.teardown(remove)
  const at = (name: string) => path.join(dir, name)
  const holds = (name: string) => readdirSync(at(name)).filter((entry) => /^spread-\d$/.test(entry)).length
  const both = await startBroker({ topics: { spread: 4 }, settings: { 'log.dirs': `${at('one')}, ${at('two')}`, 'log.dir': at('three') } })
  await both.stop()
  t.deepEqual([holds('one'), holds('two'), existsSync(at('three'))], [2, 2, false])
  const alone = await startBroker({ topics: { spread: 4 }, settings: { 'log.dir': at('three') } })
  await alone.stop()
  t.is(holds('three'), 4)
})
