/** The metadata log of an Apache Kafka 4.3.1 node, stopped cleanly: see test/fixtures/metadata. */
import { cpSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { loadBootstrap, loadMetadata } from '../../src/metadata/metadata-folder.js'
import { decodeRecord, encodeRecord } from '../../src/metadata/record-codec.js'
import { RecordType } from '../../src/metadata/records.js'
import { ControlType } from '../../src/record/control.js'
import { decodeRecords } from '../../src/record/decode.js'
import { removeFolder, startNode, temporaryFolder } from './support/cluster.js'

const FOLDER = path.resolve('test/fixtures/metadata/kafka-4.3.1')
const METADATA = path.join(FOLDER, '__cluster_metadata-0')

/** Name, id and number of partitions, as the topics were made. */
const TOPICS = [
  ['__consumer_offsets', '9rECkog8Txa_5_zk-WzR8w', 1],
  ['__transaction_state', 'bb6nX6onT1-SfhwY-6OADA', 1],
  ['compacted', 'D-YABOuMTpWQ_PJz2NjYLw', 1],
  ['empty', 'QxElOTEtTHKrWpZxgdJHhg', 1],
  ['logappend', 'Qk7dwescTCKKXmWkHzGmZQ', 1],
  ['plain', 'ZzRKCMH6RiOrZrm6jFyUaw', 2],
  ['trimmed', 'T9Py-oYUT1eFeBF4eAZ-dg', 1],
  ['txn', 'EGTJk-o9TNiPuTTmn_XfIg', 1]
]

function copy(t: ExecutionContext): string {
  const dir = temporaryFolder()
  t.teardown(() => removeFolder(dir))
  cpSync(FOLDER, dir, { recursive: true })
  return dir
}

test('every record is understood, and written again byte for byte', (t) => {
  let count = 0
  for (const name of readdirSync(METADATA).filter((file) => /\.(log|checkpoint)$/.test(file))) {
    for (const { value, offset } of decodeRecords(readFileSync(path.join(METADATA, name)))) {
      const record = decodeRecord(value!)
      t.not(record.type, -1)
      t.deepEqual(encodeRecord(record), value, `${name} ${offset}`)
      count++
    }
  }
  t.is(count, 191)
})

test('snapshot and log give the topics, ids, settings and epochs that Kafka had', async (t) => {
  const { replayer, endOffset, lastEpoch, snapshot } = await loadMetadata(METADATA)
  const { image } = replayer
  t.is(snapshot?.endOffset, 72)
  t.is(endOffset, 141)
  t.is(lastEpoch, 2)
  t.deepEqual([...image.topics()].map(({ name, id, partitions }) => [name, id, partitions.length]).toSorted(), TOPICS)
  t.deepEqual(Object.fromEntries(image.topicOverrides('compacted')), {
    'cleanup.policy': 'compact',
    'min.cleanable.dirty.ratio': '0.01',
    'index.interval.bytes': '256',
    'segment.index.bytes': '8192',
    'delete.retention.ms': '86400000',
    'internal.segment.bytes': '4096'
  })
  t.is(image.features.metadataVersion, 30)
  t.is(image.nextProducerId, 2000)
  t.true(image.broker(1)?.fenced)
  // A clean stop of Kafka leaves no leader, and the last one as eligible (KIP-966).
  const partition = image.topicByName('plain')?.partitions[1]
  t.deepEqual([partition?.leader, partition?.isr, partition?.eligibleLeaderReplicas], [-1, [], [1]])
  t.deepEqual([partition?.leaderEpoch, partition?.partitionEpoch], [3, 3])
  t.deepEqual([...replayer.quorum.keys()], [ControlType.kraftVersion, ControlType.kraftVoters])
})

test('the log alone gives the same as snapshot and log', async (t) => {
  const dir = copy(t)
  const metadata = path.join(dir, '__cluster_metadata-0')
  const both = await loadMetadata(metadata)
  for (const name of readdirSync(metadata)) if (name.endsWith('.checkpoint')) rmSync(path.join(metadata, name))
  const log = await loadMetadata(metadata)
  const rows = ({ replayer }: typeof log): string[] =>
    // The snapshot does not tell who asked for the last block of producer ids, and neither does ours.
    [...replayer.image.records()].map((record) => JSON.stringify(record)).toSorted()
  t.deepEqual(rows(log), rows(both))
})

test('a node that takes the folder over leads every partition, keeps the quorum, and hands back a log that loads', async (t) => {
  const dir = copy(t)
  const { controller } = await startNode(dir, { cleanStart: true })
  t.is(controller.epoch, 3)
  for (const { name, partitions } of controller.image.topics()) {
    for (const [index, { leader, isr, leaderEpoch, eligibleLeaderReplicas }] of partitions.entries()) {
      t.deepEqual([leader, isr, leaderEpoch, eligibleLeaderReplicas], [1, [1], 4, []], `${name}-${index}`)
    }
  }
  const [created] = await controller.createTopics(
    [{ name: 'new', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    false
  )
  t.is(created?.errorCode, 0)
  await controller.close()
  t.is(
    (JSON.parse(readFileSync(path.join(dir, '__cluster_metadata-0', 'quorum-state'), 'utf8')) as { data_version: number }).data_version,
    1
  )
  const { replayer } = await loadMetadata(path.join(dir, '__cluster_metadata-0'))
  t.is(replayer.image.topicCount, TOPICS.length + 1)
  const kept = [...replayer.image.records()].filter(({ type }) => type === RecordType.registerController)
  t.is(kept.length, 1)
})

test('a folder that Kafka formatted and never started begins with the records it was formatted with', async (t) => {
  const image = await loadBootstrap(FOLDER)
  t.is(image?.features.metadataVersion, 30)
  t.is(image?.features.level('transaction.version'), 2)
  const dir = copy(t)
  rmSync(path.join(dir, '__cluster_metadata-0', '00000000000000000000.log'))
  rmSync(path.join(dir, '__cluster_metadata-0', '00000000000000000072-0000000001.checkpoint'))
  const { controller } = await startNode(dir)
  t.deepEqual(new Map(controller.image.features.all()), new Map(image?.features.all()))
  await controller.close()
})
