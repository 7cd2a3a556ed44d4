/** A broker with several log directories: AlterReplicaLogDirs and DescribeLogDirs, moves under load, and a directory that fails. */
import { rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { Broker } from '../../src/index.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.js'
import { metadata } from '../../src/protocol/messages/03-metadata.js'
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { alterReplicaLogDirs } from '../../src/protocol/messages/34-alter-replica-log-dirs.js'
import { describeLogDirs } from '../../src/protocol/messages/35-describe-log-dirs.js'
import { describeTopicPartitions } from '../../src/protocol/messages/75-describe-topic-partitions.js'
import { buildBatch } from '../../src/record/builder.js'
import { decodeRecords } from '../../src/record/decode.js'
import { startChildBroker } from '../support/broker.js'
import { RawClient } from '../support/raw-client.js'
import { tempDir } from '../support/temp-dir.js'

const PATIENCE_MS = 20_000

interface Place {
  readonly dir: string
  readonly size: number
  readonly lag: number
  readonly future: boolean
}

async function start(t: ExecutionContext, dirs: readonly string[], settings: Readonly<Record<string, string>> = {}) {
  const broker = await Broker.start({ port: 0, settings: { 'log.dirs': dirs.join(','), ...settings } })
  t.teardown(() => broker.stop())
  const client = await RawClient.connect(broker)
  t.teardown(() => client.close())
  return { broker, client }
}

async function makeTopic(client: RawClient, name: string, numPartitions = 1): Promise<void> {
  const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }]
  await client.request(createTopics, 7, { topics, timeoutMs: 5000, validateOnly: false })
}

async function send(client: RawClient, topic: string, index: number, value: string): Promise<{ errorCode: number; baseOffset: number }> {
  const records = buildBatch([{ value: Buffer.from(value) }], { timestamp: Date.now() })
  const topicData = [{ name: topic, partitionData: [{ index, records }] }]
  const { responses } = await client.request(produce, 9, { transactionalId: null, acks: -1, timeoutMs: 5000, topicData })
  return responses[0]!.partitionResponses[0]!
}

async function read(client: RawClient, topic: string, index: number, fetchOffset: number, maxWaitMs = 0) {
  const { responses } = await client.request(fetch, 12, {
    replicaId: -1,
    maxWaitMs,
    minBytes: 1,
    maxBytes: 1 << 24,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        topic,
        partitions: [{ partition: index, currentLeaderEpoch: -1, fetchOffset, logStartOffset: -1, partitionMaxBytes: 1 << 20 }]
      }
    ],
    forgottenTopicsData: [],
    rackId: ''
  })
  const { errorCode, records, highWatermark } = responses[0]!.partitions[0]!
  const bytes = Buffer.from((records as Uint8Array | null) ?? [])
  return { errorCode, highWatermark, records: [...decodeRecords(wholeBatches(bytes))] }
}

function wholeBatches(bytes: Buffer): Buffer {
  let end = 0
  while (bytes.length - end >= 12 && end + 12 + bytes.readInt32BE(end + 8) <= bytes.length) end += 12 + bytes.readInt32BE(end + 8)
  return bytes.subarray(0, end)
}

async function places(client: RawClient, topic: string, index: number): Promise<Place[]> {
  const { results } = await client.request(describeLogDirs, 4, { topics: [{ topic, partitions: [index] }] })
  return results.flatMap(({ logDir, topics }) =>
    topics.flatMap(({ partitions }) =>
      partitions.map(({ partitionSize, offsetLag, isFutureKey }) => ({
        dir: logDir,
        size: partitionSize,
        lag: offsetLag,
        future: isFutureKey
      }))
    )
  )
}

async function alter(client: RawClient, dir: string, topic: string, partitions: number[], version = 2): Promise<number[]> {
  const { results } = await client.request(alterReplicaLogDirs, version, { dirs: [{ path: dir, topics: [{ name: topic, partitions }] }] })
  t0(results.length === 1 && results[0]!.topicName === topic)
  return results[0]!.partitions.map(({ errorCode }) => errorCode)
}

function t0(holds: boolean): void {
  if (!holds) throw new Error('an answer of another form')
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not come to pass')
    await delay(3)
  }
}

test('a partition moves under constant produce, and a consumer misses nothing', async (t) => {
  const base = await tempDir(t)
  const dirs = ['one', 'two'].map((name) => path.join(base, name))
  const { broker, client } = await start(t, dirs)
  await makeTopic(client, 'load')
  const producer = await RawClient.connect(broker)
  const consumer = await RawClient.connect(broker)
  t.teardown(() => (producer.close(), consumer.close()))
  const enough = new AbortController()
  const all = new AbortController()
  const sent: string[] = []
  const writing = (async () => {
    for (let sequence = 0; !enough.signal.aborted; sequence++) {
      const value = `${sequence} `.padEnd(2000, '.')
      const { errorCode, baseOffset } = await send(producer, 'load', 0, value)
      if (errorCode !== ErrorCode.NONE || baseOffset !== sequence) throw new Error(`record ${sequence}: ${errorCode}, ${baseOffset}`)
      sent.push(value)
    }
    all.abort()
  })()
  const got: string[] = []
  const reading = (async () => {
    while (!all.signal.aborted || got.length < sent.length) {
      const { errorCode, records } = await read(consumer, 'load', 0, got.length, 100)
      if (errorCode !== ErrorCode.NONE) throw new Error(`fetch at ${got.length}: ${errorCode}`)
      for (const { offset, value } of records) if (offset === got.length) got.push(value!.toString())
    }
  })()
  for (let move = 0; move < 4; move++) {
    const [{ dir } = { dir: '' }] = await places(client, 'load', 0)
    const target = dirs.find((each) => each !== dir)!
    t.deepEqual(await alter(client, target, 'load', [0], 1 + (move % 2)), [ErrorCode.NONE])
    await until(async () => {
      const now = await places(client, 'load', 0)
      return now.length === 1 && now[0]!.dir === target && !now[0]!.future && now[0]!.lag === 0
    })
    await delay(20)
  }
  enough.abort()
  await writing
  await reading
  t.true(sent.length > 50)
  t.deepEqual(got, sent)
})

test('who waits for records gets them from where the partition is now', async (t) => {
  const base = await tempDir(t)
  const dirs = ['one', 'two'].map((name) => path.join(base, name))
  const { broker, client } = await start(t, dirs)
  await makeTopic(client, 'wait')
  await send(client, 'wait', 0, 'a')
  const consumer = await RawClient.connect(broker)
  t.teardown(() => consumer.close())
  const waited = read(consumer, 'wait', 0, 1, 10_000)
  const [{ dir } = { dir: '' }] = await places(client, 'wait', 0)
  await alter(
    client,
    dirs.find((each) => each !== dir)!,
    'wait',
    [0]
  )
  await until(async () => (await places(client, 'wait', 0)).every((place) => place.dir !== dir))
  // The move itself ends the wait, as a change of the leader does; the consumer asks again.
  const first = await waited
  t.is(first.errorCode, ErrorCode.NONE)
  const again = read(consumer, 'wait', 0, 1, 10_000)
  await send(client, 'wait', 0, 'b')
  t.deepEqual(
    (await again).records.map(({ value }) => value!.toString()),
    ['b']
  )
})

test('errors of AlterReplicaLogDirs; a partition that comes later goes where it was wanted', async (t) => {
  const base = await tempDir(t)
  const dirs = ['one', 'two', 'three'].map((name) => path.join(base, name))
  const { client } = await start(t, dirs, { 'cordoned.log.dirs': dirs[2]! })
  await makeTopic(client, 'errors')
  t.deepEqual(await alter(client, '/nowhere', 'errors', [0]), [ErrorCode.LOG_DIR_NOT_FOUND])
  t.deepEqual(await alter(client, dirs[2]!, 'errors', [0]), [ErrorCode.INVALID_REPLICA_ASSIGNMENT])
  t.deepEqual(await alter(client, dirs[0]!, 'x'.repeat(230), [0]), [ErrorCode.INVALID_TOPIC_EXCEPTION])
  t.deepEqual(await alter(client, dirs[0]!, 'errors', [0, 7], 1), [ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
  t.deepEqual(await alter(client, dirs[0]!, '__cluster_metadata', [0]), [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
  t.deepEqual(await alter(client, dirs[1]!, 'later', [0, 1]), [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
  await makeTopic(client, 'later', 2)
  t.is((await places(client, 'later', 0))[0]!.dir, dirs[1]!)
  t.is((await places(client, 'later', 1))[0]!.dir, dirs[1]!)
})

test('DescribeLogDirs: all versions, all topics or those that are asked for', async (t) => {
  const base = await tempDir(t)
  const dirs = ['one', 'two'].map((name) => path.join(base, name))
  const { client } = await start(t, dirs, { 'metadata.log.dir': path.join(base, 'meta'), 'cordoned.log.dirs': dirs[1]! })
  await makeTopic(client, 'a', 2)
  await makeTopic(client, 'b', 1)
  await send(client, 'a', 1, 'x'.repeat(500))
  for (let version = 1; version <= 5; version++) {
    const { results, errorCode } = await client.request(describeLogDirs, version, { topics: null })
    t.is(errorCode, ErrorCode.NONE)
    t.deepEqual(
      results.map(({ logDir, errorCode: code }) => [logDir, code]),
      dirs.map((dir) => [dir, ErrorCode.NONE])
    )
    t.true(results.every(({ totalBytes, usableBytes }) => (version < 4 ? totalBytes === -1 : totalBytes >= usableBytes && usableBytes > 0)))
    t.deepEqual(
      results.map(({ isCordoned }) => isCordoned),
      [false, version >= 5]
    )
    const names = results.flatMap(({ topics }) => topics.map(({ name, partitions }) => `${name}:${partitions.length}`))
    t.deepEqual(names.toSorted(), ['a:2', 'b:1'])
  }
  const [one] = await places(client, 'a', 1)
  t.true(one!.size > 500 && one!.lag === 0 && !one!.future)
  t.deepEqual(await places(client, 'nothing', 0), [])
  const { results } = await client.request(describeLogDirs, 5, { topics: [] })
  t.deepEqual(
    results.map(({ topics }) => topics.length),
    [0, 0]
  )
})

test('a directory fails while the other serves; its partitions are told as offline, also after a restart', async (t) => {
  const base = await tempDir(t)
  const [one, two] = [path.join(base, 'one'), path.join(base, 'two')]
  const settings = { 'log.segment.bytes': '1048576' }
  const first = await start(t, [one, two], settings)
  const { client } = first
  await makeTopic(client, 'some', 4)
  for (let index = 0; index < 4; index++) t.is((await send(client, 'some', index, 'x')).errorCode, ErrorCode.NONE)
  const broken: number[] = []
  for (let index = 0; index < 4; index++) if ((await places(client, 'some', index))[0]!.dir === two) broken.push(index)
  t.is(broken.length, 2)
  const victim = broken[0]!
  const waiter = await RawClient.connect(first.broker)
  t.teardown(() => waiter.close())
  const waited = read(waiter, 'some', victim, 1, PATIENCE_MS)

  // A new partition can not be made in a directory that is gone: that is when it is noticed.
  await rename(two, `${two}.gone`)
  await makeTopic(client, 'more', 4)
  await until(async () => (await send(client, 'some', victim, 'y')).errorCode === ErrorCode.KAFKA_STORAGE_ERROR)
  t.is((await waited).errorCode, ErrorCode.KAFKA_STORAGE_ERROR, 'who waits learns it')
  await tellsOffline(t, client, broken)
  for (let index = 0; index < 4; index++) {
    if (!broken.includes(index)) t.is((await send(client, 'some', index, 'z')).baseOffset, 1)
  }
  t.deepEqual(await alter(client, one, 'some', [victim]), [ErrorCode.KAFKA_STORAGE_ERROR])
  t.deepEqual(await alter(client, two, 'some', [victim]), [ErrorCode.KAFKA_STORAGE_ERROR])
  const { results } = await client.request(describeLogDirs, 5, { topics: null })
  t.deepEqual(
    results.map(({ logDir, errorCode }) => [logDir, errorCode]),
    [
      [one, ErrorCode.NONE],
      [two, ErrorCode.KAFKA_STORAGE_ERROR]
    ]
  )
  await until(async () => (await send(client, 'more', 3, 'x')).errorCode === ErrorCode.NONE)
  await first.broker.stop()

  // A file stands where the folder was: no empty logs are made in its place.
  await writeFile(two, 'a broken disk')
  const second = await start(t, [one, two], settings)
  await until(async () => (await send(second.client, 'some', victim, 'y')).errorCode === ErrorCode.KAFKA_STORAGE_ERROR)
  await tellsOffline(t, second.client, broken)
  await second.broker.stop()
  await rm(two)
  await rename(`${two}.gone`, two)
  const third = await start(t, [one, two], settings)
  await until(async () => (await read(third.client, 'some', victim, 0)).errorCode === ErrorCode.NONE)
  t.is((await send(third.client, 'some', victim, 'y')).baseOffset, 1)
})

async function tellsOffline(t: ExecutionContext, client: RawClient, broken: readonly number[]): Promise<void> {
  const { topics } = await client.request(metadata, 12, { topics: [{ name: 'some' }], allowAutoTopicCreation: false })
  for (const { partitionIndex, errorCode, leaderId, offlineReplicas, replicaNodes } of topics[0]!.partitions) {
    if (!broken.includes(partitionIndex)) t.deepEqual([errorCode, offlineReplicas], [ErrorCode.NONE, []])
    else t.deepEqual([errorCode, leaderId, offlineReplicas], [ErrorCode.LEADER_NOT_AVAILABLE, -1, replicaNodes])
  }
  const described = await client.request(describeTopicPartitions, 0, {
    topics: [{ name: 'some' }],
    responsePartitionLimit: 100,
    cursor: null
  })
  for (const { partitionIndex, errorCode, offlineReplicas } of described.topics[0]!.partitions) {
    const offline = broken.includes(partitionIndex)
    t.deepEqual([errorCode, offlineReplicas.length], [offline ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NONE, offline ? 1 : 0])
  }
  for (const index of broken) {
    t.is((await read(client, 'some', index, 0)).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
    for (const timestamp of [-1, -2, 0]) {
      const asked = [{ name: 'some', partitions: [{ partitionIndex: index, currentLeaderEpoch: -1, timestamp }] }]
      const answer = await client.request(listOffsets, 6, { replicaId: -1, isolationLevel: 0, topics: asked })
      t.is(answer.topics[0]!.partitions[0]!.errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
    }
  }
}

test('the last directory that fails, which is that of the metadata, ends the process with an error', async (t) => {
  const base = await tempDir(t)
  const dir = path.join(base, 'data')
  const broker = await startChildBroker({ dir, topics: { t: 1 } })
  t.teardown(() => broker.kill())
  const client = await RawClient.connect(broker)
  t.teardown(() => client.close())
  t.is((await send(client, 't', 0, 'x')).errorCode, ErrorCode.NONE)
  await rename(dir, `${dir}.gone`)
  void makeTopic(client, 'more').catch(() => undefined)
  await until(async () => /Shutdown broker because/.test(broker.log()))
  await until(async () => {
    try {
      process.kill(broker.pid, 0)
      return false
    } catch {
      return true
    }
  })
  t.regex(broker.log(), /Shutdown broker because the directory of the metadata log, .*data, has failed/)
})
