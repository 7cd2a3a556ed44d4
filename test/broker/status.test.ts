/** The truth meter in the process: what `Broker.status()` says of a known load. */
import { randomBytes } from 'node:crypto'
import { readdirSync, statfsSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { topicTraffic, type FileTraffic, type TopicStatus } from '../../src/broker/status.js'
import { Broker } from '../../src/index.js'
import { LogCounter } from '../../src/native/numbers.js'
import { run } from '../support/processes.js'
import { RawClient } from '../support/raw-client.js'
import { tempDir } from '../support/temp-dir.js'
import { fetchRecords, produceValue } from '../support/traffic.js'

async function started(t: ExecutionContext, settings: Record<string, string> = {}, topics: Record<string, number> = { orders: 2 }) {
  const broker = await Broker.start({ topics, settings: { 'offsets.topic.num.partitions': '1', ...settings } })
  t.teardown(() => broker.stop())
  return broker
}

async function clientOf(t: ExecutionContext, { host, port }: { host: string; port: number }): Promise<RawClient> {
  const client = await RawClient.connect({ host, port })
  t.teardown(() => client.close())
  return client
}

const moved = (traffic: FileTraffic): number => traffic.sendfileBytes + traffic.spliceBytes + traffic.mmapBytes + traffic.readwriteBytes
const known = (traffic: FileTraffic): number => traffic.residentBytes + traffic.freshBytes + traffic.readInBytes

for (const [mode, field] of [
  ['sendfile', 'sendfileBytes'],
  ['splice', 'spliceBytes'],
  ['mmap', 'mmapBytes'],
  ['readwrite', 'readwriteBytes']
] as const) {
  test(`${mode}: every byte of a known load is counted, for the listener and for the topic`, async (t) => {
    const broker = await started(t, { 'sluice.transfer.mode': mode })
    const client = await clientOf(t, broker)
    const batches: Buffer[] = []
    for (const length of [10, 30_000, 300_000]) batches.push((await produceValue(client, 'orders', randomBytes(length), 1)).batch)
    const produced = batches.reduce((sum, { length }) => sum + length, 0)
    let fetched = 0
    for (const offset of [0, 1, 2]) fetched += (await fetchRecords(client, 'orders', offset, 1 << 20, 1)).length
    const status = broker.status()
    t.is(status.transfer.mode, mode)
    const [topic] = status.topics
    t.is(topic?.name, 'orders')
    t.is(topic?.partitions, 2)
    t.is(topic?.sizeBytes, produced)
    t.deepEqual([topic?.batches, topic?.producedBytes, topic?.fetches, topic?.fetchedBytes], [3, produced, 3, fetched])
    t.is(topic?.[field], fetched)
    const [listener] = status.listeners
    t.is(listener?.[field], fetched)
    t.is(listener?.bytesReceived, client.socket.bytesWritten)
    t.is(listener?.bytesSent, client.socket.bytesRead)
    t.is(listener?.ownBytes, client.socket.bytesRead - fetched)
    t.deepEqual([listener?.connections, listener?.connectionsAccepted, listener?.requests], [1, 1, 6])
    t.is(moved(listener!), known(listener!))
    // It was written a moment ago: all of it is a page-cache hit.
    t.is(listener!.freshBytes + listener!.residentBytes, fetched)
    t.is(listener?.coldStalls, 0)
    const { name: _name, host: _host, port: _port, ...figures } = listener!
    t.deepEqual(figures, status.total)
  })
}

// What lies in memory alone can't be cold.
const TMPFS = 0x01021994
const coldTest = statfsSync(os.tmpdir()).type === TMPFS ? test.skip : test
coldTest('what is not in the page cache is a stall: counted, with its bytes and its time, where it belongs', async (t) => {
  const dir = path.join(await tempDir(t), 'data')
  const written = await Broker.start({ dir, topics: { cold: 1, warm: 1 } })
  const producer = await RawClient.connect(written)
  // More than the kernel reads ahead when the first header is looked at.
  for (let i = 0; i < 15; i++) for (const topic of ['cold', 'warm']) await produceValue(producer, topic, randomBytes(1_000_000))
  producer.close()
  await written.stop()
  const broker = await Broker.start({ dir })
  t.teardown(() => broker.stop())
  // The start has looked at the files.
  for (const name of readdirSync(path.join(dir, 'cold-0')).filter((each) => each.endsWith('.log'))) {
    const file = path.join(dir, 'cold-0', name)
    t.is((await run('dd', [`of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'])).code, 0)
  }
  const client = await clientOf(t, broker)
  let fetched = 0
  for (const topic of ['cold', 'warm']) fetched += (await fetchRecords(client, topic, 0, 32 << 20)).length
  const { topics, total } = broker.status()
  const [cold, warm] = ['cold', 'warm'].map((name) => topics.find((topic) => topic.name === name)!) as [TopicStatus, TopicStatus]
  t.true(cold.coldStalls >= 1)
  t.true(cold.coldBytes > 0 && cold.coldBytes >= cold.readInBytes && cold.readInBytes > 0 && cold.coldMs > 0)
  t.is(known(cold), cold.fetchedBytes)
  // Nothing was done to the other one, but the system may have needed its memory.
  t.is(total.coldStalls, cold.coldStalls + warm.coldStalls)
  t.is(total.coldBytes, cold.coldBytes + warm.coldBytes)
  t.is(known(total), fetched)
})

test('each listener has its own figures, and their sum is the total', async (t) => {
  const broker = await started(t, {
    listeners: 'ONE://127.0.0.1:0,TWO://127.0.0.1:0',
    'listener.security.protocol.map': 'ONE:PLAINTEXT,TWO:PLAINTEXT',
    'inter.broker.listener.name': 'ONE'
  })
  const [one, two] = broker.listeners
  const producer = await clientOf(t, one!)
  const consumer = await clientOf(t, two!)
  const { batch } = await produceValue(producer, 'orders', randomBytes(5000))
  await fetchRecords(consumer, 'orders', 0, 1 << 20)
  const { listeners, total } = broker.status()
  t.deepEqual(
    listeners.map(({ name }) => name),
    ['ONE', 'TWO']
  )
  t.deepEqual(
    listeners.map((listener) => [listener.bytesReceived, listener.bytesSent, moved(listener)]),
    [
      [producer.socket.bytesWritten, producer.socket.bytesRead, 0],
      [consumer.socket.bytesWritten, consumer.socket.bytesRead, batch.length]
    ]
  )
  t.is(total.bytesSent, producer.socket.bytesRead + consumer.socket.bytesRead)
})

test('the busiest topics are told apart, the rest is one sum', (t) => {
  const log = (bytes: number) => ({
    sizeBytes: bytes,
    addCountersTo: (sums: Float64Array) => {
      sums[LogCounter.appendedBytes]! += bytes
      sums[LogCounter.sendfileBytes]! += 1
    }
  })
  const partitions = ['idle', 'busy', 'busy', 'quiet'].map((topic, at) => ({ topic, log: log([0, 50, 60, 20][at]!) }))
  const replicas = { all: () => partitions[Symbol.iterator]() } as unknown as Parameters<typeof topicTraffic>[0]
  const { topics, otherTopics } = topicTraffic(replicas, 1)
  t.deepEqual(
    topics.map(({ name, partitions: count, producedBytes, sizeBytes, fetchedBytes }) => [
      name,
      count,
      producedBytes,
      sizeBytes,
      fetchedBytes
    ]),
    [['busy', 2, 110, 110, 2]]
  )
  t.deepEqual([otherTopics.count, otherTopics.partitions, otherTopics.producedBytes, otherTopics.fetchedBytes], [2, 2, 20, 2])
})

test('a broker that is being stopped has no status', async (t) => {
  const broker = await started(t)
  t.true(broker.status().uptimeMs >= 0)
  const stopping = broker.stop()
  t.throws(() => broker.status(), { message: 'the broker is stopped' })
  await stopping
})
