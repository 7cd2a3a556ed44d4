/** Apache Kafka reads what we write: the dump tool our snapshots, and a node the data folder that we used in between. */
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { describeTopicPartitions } from '../../src/protocol/messages/75-describe-topic-partitions.js'
import { foreignBroker, startBroker } from '../support/broker.js'
import { haveTools, runTool } from '../support/kafka-tools.js'
import { root } from '../support/processes.js'
import { RawClient } from '../support/raw-client.js'
import { tempDir } from '../support/temp-dir.js'
import { freePort } from './support/free-port.js'

const kafkaTest = haveTools && !foreignBroker ? test.serial : test.serial.skip

interface Address {
  readonly host: string
  readonly port: number
}

async function create({ host, port }: Address, name: string): Promise<void> {
  const client = await RawClient.connect({ host, port })
  const topic = { name, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [{ name: 'retention.ms', value: '-1' }] }
  const { topics } = await client.request(createTopics, 7, { topics: [topic], timeoutMs: 10_000, validateOnly: false })
  client.close()
  if (topics[0]?.errorCode !== 0) throw new Error(`${name}: error ${topics[0]?.errorCode}`)
}

/** Name, id and the leaders of the partitions. */
async function topicsOf({ host, port }: Address): Promise<[string | null, string, number[]][]> {
  const client = await RawClient.connect({ host, port })
  const { topics } = await client.request(describeTopicPartitions, 0, { topics: [] })
  client.close()
  return topics.map(({ name, topicId, partitions }) => [name, topicId, partitions.map(({ leaderId }) => leaderId)])
}

kafkaTest('kafka-dump-log reads a snapshot and the log behind it', async (t) => {
  const dir = await tempDir(t)
  const broker = await startBroker({ dir, topics: { a: 3 }, settings: { 'metadata.log.max.record.bytes.between.snapshots': '300' } })
  await create(broker, 'b')
  await create(broker, 'c')
  await broker.stop()
  const folder = path.join(dir, '__cluster_metadata-0')
  const files = readdirSync(folder).filter((name) => /\.(log|checkpoint)$/.test(name))
  t.true(files.some((name) => name.endsWith('.checkpoint')))
  const flags = ['--cluster-metadata-decoder', '--files', files.map((name) => path.join(folder, name)).join(',')]
  const { code, stdout, stderr } = await runTool('dump-log', flags, { timeoutMs: 100_000 })
  t.is(code, 0, stderr)
  t.notRegex(stdout + stderr, /isvalid: false|mismatch|corrupt|Exception|Could not/i)
  for (const found of ['SnapshotHeader', 'SnapshotFooter', 'REGISTER_BROKER_RECORD', 'PARTITION_RECORD']) {
    t.true(stdout.includes(found), found)
  }
})

kafkaTest('a folder goes from Kafka to us and back, and every topic with it', async (t) => {
  t.timeout(180_000)
  const { startKafka } = (await import(pathToFileURL(path.join(root, 'scripts/kafka/broker.mjs')).href)) as {
    readonly startKafka: (options: { port: number; dir: string }) => Promise<{ readonly stop: () => Promise<unknown> }>
  }
  const dir = await tempDir(t)
  const kafkaAddress = { host: '127.0.0.1', port: await freePort() }
  const first = await startKafka({ port: kafkaAddress.port, dir })
  await create(kafkaAddress, 'from-kafka')
  const before = await topicsOf(kafkaAddress)
  await first.stop()

  const broker = await startBroker({ dir: path.join(dir, 'data') })
  t.deepEqual(await topicsOf(broker), before)
  await create(broker, 'from-us')
  const between = await topicsOf(broker)
  await broker.stop()

  const second = await startKafka({ port: kafkaAddress.port, dir })
  t.deepEqual(await topicsOf(kafkaAddress), between)
  await second.stop()
})
