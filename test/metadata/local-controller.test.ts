import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { CreatableTopic } from '../../src/metadata/controller-client.js'
import type { MetadataImage } from '../../src/metadata/image.js'
import { METADATA_FOLDER } from '../../src/metadata/local-controller.js'
import { loadMetadata } from '../../src/metadata/metadata-folder.js'
import type { MetadataDelta } from '../../src/metadata/metadata-source.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { DIRECTORY, NODE, removeFolder, startNode, temporaryFolder, type Node } from './support/cluster.js'

function folder(t: ExecutionContext): string {
  const dir = temporaryFolder()
  t.teardown(() => removeFolder(dir))
  return dir
}

function topic(name: string, numPartitions = 1, configs: CreatableTopic['configs'] = []): CreatableTopic {
  return { name, numPartitions, replicationFactor: 1, assignments: [], configs }
}

function describe(image: MetadataImage): unknown {
  return [...image.records()].map((record) => (record.type === -1 ? record.bytes.toString('hex') : [record.type, record.data]))
}

async function createOne({ controller }: Node, name: string, partitions = 1): Promise<void> {
  const [created] = await controller.createTopics([topic(name, partitions)], false)
  if (created?.errorCode !== 0) throw new Error(`${created?.errorMessage}`)
}

test('a new folder begins with the features of Kafka 4.3 and a registered, unfenced broker', async (t) => {
  const { controller } = await startNode(folder(t))
  t.is(controller.image.features.metadataVersion, 30)
  t.is(controller.image.brokerOverrides('').get('min.insync.replicas'), '1')
  const broker = controller.image.broker(NODE)
  t.false(broker?.fenced)
  t.deepEqual(broker?.logDirs, [DIRECTORY])
  t.is(controller.epoch, 1)
  await controller.close()
})

test('topics, ids and settings are as before after a stop; the epoch rises', async (t) => {
  const dir = folder(t)
  const first = await startNode(dir)
  await first.controller.createTopics([topic('a', 3, [{ name: 'retention.ms', value: '5' }]), topic('gone')], false)
  await first.controller.deleteTopics([{ name: 'gone', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }])
  await first.controller.allocateProducerIds()
  const id = first.controller.image.topicByName('a')?.id
  await first.controller.close()

  const second = await startNode(dir, { cleanStart: true })
  t.is(second.controller.epoch, 2)
  t.is(second.controller.image.topicByName('a')?.id, id)
  t.is(second.controller.image.topicByName('a')?.partitions.length, 3)
  t.is(second.controller.image.topicByName('a')?.partitions[2]?.leaderEpoch, 0)
  t.is(second.controller.image.topicByName('gone'), undefined)
  t.deepEqual([...second.controller.image.topicOverrides('a')], [['retention.ms', '5']])
  t.is((await second.controller.allocateProducerIds()).start, 1000)
  await second.controller.close()
})

test('after a crash leaders are elected anew, so that readers see a new epoch', async (t) => {
  const dir = folder(t)
  const first = await startNode(dir)
  await createOne(first, 'a')
  // No close: as after kill -9. Half of a batch is at the end.
  appendFileSync(
    path.join(dir, METADATA_FOLDER, '00000000000000000000.log'),
    readFileSync(path.join(dir, METADATA_FOLDER, '00000000000000000000.log')).subarray(0, 40)
  )
  const second = await startNode(dir)
  t.is(second.controller.image.topicByName('a')?.partitions[0]?.leaderEpoch, 1)
  await createOne(second, 'b')
  const third = await startNode(dir)
  t.is(third.controller.image.topicCount, 2)
  await Promise.all([first, second, third].map(({ controller }) => controller.close()))
})

test('snapshot and tail add up to the same image; a damaged snapshot is passed over', async (t) => {
  const dir = folder(t)
  const settings = { 'metadata.log.max.record.bytes.between.snapshots': '2000' }
  const first = await startNode(dir, { settings })
  for (let at = 0; at < 40; at++) await createOne(first, `topic-${at}`, 2)
  await first.controller.deleteTopics([{ name: 'topic-7', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }])
  const expected = describe(first.controller.image)
  await first.controller.close()
  const metadata = path.join(dir, METADATA_FOLDER)
  const snapshots = readdirSync(metadata)
    .filter((name) => name.endsWith('.checkpoint'))
    .sort()
  t.is(snapshots.length, 2)
  t.true(first.log.trims.length > 0)

  const read = async (): Promise<unknown> => describe((await loadMetadata(metadata)).replayer.image)
  const sorted = (rows: unknown): string[] => (rows as unknown[]).map((row) => JSON.stringify(row)).sort()
  t.deepEqual(sorted(await read()), sorted(expected))
  const newest = path.join(metadata, snapshots[1]!)
  const bytes = readFileSync(newest)
  writeFileSync(newest, bytes.subarray(0, bytes.length - 1))
  t.deepEqual(sorted(await read()), sorted(expected))
  rmSync(newest)
  t.deepEqual(sorted(await read()), sorted(expected))
})

test('listeners hear of a change before its request is answered', async (t) => {
  const node = await startNode(folder(t))
  const seen: MetadataDelta[] = []
  let applied = false
  node.controller.subscribe(async (delta) => {
    seen.push(delta)
    await new Promise<void>((resolve) => setImmediate(resolve))
    applied = true
  })
  await createOne(node, 'a', 2)
  t.true(applied)
  t.deepEqual(
    seen[0]?.changedTopics.map(({ name, partitions }) => [name, partitions.length]),
    [['a', 2]]
  )
  await node.controller.createTopics([topic('b', 1, [{ name: 'retention.ms', value: '1' }])], false)
  t.deepEqual(seen[1]?.changedConfigs, ['b'])
  await node.controller.deleteTopics([{ name: 'a', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }])
  t.deepEqual(
    seen[2]?.deletedTopics.map(({ name }) => name),
    ['a']
  )
  await node.controller.close()
})

test('operations that are asked for at once are decided one after the other', async (t) => {
  const node = await startNode(folder(t))
  const results = await Promise.all([1, 2, 3].map(() => node.controller.createTopics([topic('same')], false)))
  t.deepEqual(
    results.map(([result]) => result?.errorCode),
    [ErrorCode.NONE, ErrorCode.TOPIC_ALREADY_EXISTS, ErrorCode.TOPIC_ALREADY_EXISTS]
  )
  const blocks = await Promise.all([1, 2, 3].map(() => node.controller.allocateProducerIds()))
  t.deepEqual(
    blocks.map(({ start }) => start),
    [0, 1000, 2000]
  )
  await node.controller.close()
})

test('a failed append changes nothing and the next one goes through; after a failed flush nothing does', async (t) => {
  const node = await startNode(folder(t))
  node.log.failAppend = 'ENOSPC'
  const [failed] = await node.controller.createTopics([topic('a')], false)
  t.is(failed?.errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
  t.is(node.controller.image.topicByName('a'), undefined)
  await createOne(node, 'a')
  node.log.failFlush = 'EIO'
  t.is((await node.controller.allocateProducerIds()).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
  t.is((await node.controller.allocateProducerIds()).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
  await node.controller.close()
})

test('a request that needs several batches is one transaction, and half of one is undone', async (t) => {
  const dir = folder(t)
  const settings = { 'internal.metadata.max.batch.size.in.bytes': '2000' }
  const first = await startNode(dir, { settings })
  const before = first.controller.loadedEndOffset
  t.is(before, 0)
  await createOne(first, 'small')
  const whole = readFileSync(path.join(dir, METADATA_FOLDER, '00000000000000000000.log')).length
  await createOne(first, 'large', 100)
  t.is(first.controller.image.topicByName('large')?.partitions.length, 100)
  await first.controller.close()
  const second = await startNode(dir, { settings, cleanStart: true })
  t.is(second.controller.image.topicByName('large')?.partitions.length, 100)
  await second.controller.close()

  const file = path.join(dir, METADATA_FOLDER, '00000000000000000000.log')
  writeFileSync(file, readFileSync(file).subarray(0, whole + 4000))
  const third = await startNode(dir, { settings })
  t.is(third.controller.image.topicByName('large'), undefined)
  await createOne(third, 'large', 2)
  const fourth = await startNode(dir, { settings })
  t.is(fourth.controller.image.topicByName('large')?.partitions.length, 2)
  await Promise.all([third, fourth].map(({ controller }) => controller.close()))
})

test('five thousand partitions load quickly', async (t) => {
  const dir = folder(t)
  const first = await startNode(dir)
  await first.controller.createTopics(
    Array.from({ length: 500 }, (_, at) => topic(`topic-${at}`, 10)),
    false
  )
  const started = performance.now()
  const second = await startNode(dir)
  const took = performance.now() - started
  t.is(second.controller.image.partitionCount, 5000)
  t.log(`${Math.round(took)} ms`)
  // Some 100 ms where nothing else runs; what is meant is that the time does not grow with the square of the partitions.
  t.true(took < 10_000)
  await Promise.all([first, second].map(({ controller }) => controller.close()))
})
