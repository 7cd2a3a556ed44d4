/** Apache Kafka's dump tool reads our metadata snapshots; what its node makes of our folders: see test/takeover. */
import { readdirSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { foreignBroker, startBroker } from '../support/broker.js'
import { haveTools, runTool } from '../support/kafka-tools.js'
import { RawClient } from '../support/raw-client.js'
import { tempDir } from '../support/temp-dir.js'

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
