/** `sluice serve --read-only`: real clients read a copied folder of Kafka, and nothing in it changes. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import kafkajs from 'kafkajs'
import { Broker, ConfigError } from '../../src/index.js'
import { fixturePath } from '../support/fixtures.js'
import { folderState } from '../support/folder-state.js'
import { unpackGolden } from '../support/golden-log.js'
import { haveTools, runTool } from '../support/kafka-tools.js'
import { tempDir } from '../support/temp-dir.js'

const { Kafka, logLevel } = kafkajs
const testWithTools = haveTools ? test : test.skip

interface GoldenFile {
  batches?: { control: boolean; records?: { offset: string; key: string | null; value: string | null }[] }[]
}

/** Serves a folder; at the end of the test nothing in it may have changed, and the mirror must be gone. */
async function serve(
  t: ExecutionContext,
  dir: string,
  options: { commits?: 'refuse' | 'memory' } = {}
): Promise<{ broker: Broker; kafka: kafkajs.Kafka; temp: string; end: () => Promise<void> }> {
  const before = await folderState(dir)
  const temp = await tempDir(t)
  const settings = { 'group.initial.rebalance.delay.ms': '0' }
  const broker = await Broker.start({ port: 0, settings, readOnly: { dirs: [dir], temp, ...options } })
  t.teardown(() => broker.stop())
  const end = async () => {
    await broker.stop()
    t.deepEqual(await folderState(dir), before)
    t.deepEqual(await readdir(temp), [])
  }
  return { broker, kafka: new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING, retry: { retries: 8 } }), temp, end }
}

async function readTopic(
  t: ExecutionContext,
  kafka: kafkajs.Kafka,
  topic: string,
  count: number
): Promise<[string, string | null, string | null][]> {
  const consumer = kafka.consumer({ groupId: `reads-${topic}`, readUncommitted: true })
  t.teardown(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const read: [string, string | null, string | null][] = []
  await new Promise<void>((done, failed) => {
    consumer
      .run({
        autoCommit: false,
        eachMessage: ({ partition, message }) => {
          const hex = (bytes: Buffer | null) => bytes?.toString('hex') ?? null
          read.push([`${partition}/${message.offset}`, hex(message.key), hex(message.value)])
          if (read.length === count) done()
          return Promise.resolve()
        }
      })
      .catch(failed)
  })
  await consumer.disconnect()
  return read.toSorted(([a], [b]) => (a < b ? -1 : 1))
}

async function golden(topic: string, partitions: number, from = 0): Promise<[string, string | null, string | null][]> {
  const { files } = JSON.parse(gunzipSync(await readFile(fixturePath('golden-log/clean.json.gz'))).toString()) as {
    files: Record<string, GoldenFile>
  }
  const all: [string, string | null, string | null][] = []
  for (let partition = 0; partition < partitions; partition++) {
    for (const [name, file] of Object.entries(files)) {
      if (!name.startsWith(`${topic}-${partition}/`) || !name.endsWith('.log')) continue
      for (const { control, records } of file.batches ?? []) {
        if (!control)
          for (const { offset, key, value } of records ?? []) if (Number(offset) >= from) all.push([`${partition}/${offset}`, key, value])
      }
    }
  }
  return all.toSorted(([a], [b]) => (a < b ? -1 : 1))
}

test('kafkajs reads every record of a folder of Kafka; nothing in it changes', async (t) => {
  const dir = await unpackGolden(t, 'clean')
  const { kafka, end } = await serve(t, dir)
  // Snappy, lz4 and zstd are not in kafkajs: those batches are read by Kafka's own consumer below.
  for (const [topic, partitions, from] of [
    ['compacted', 1, 0],
    ['logappend', 1, 0],
    ['trimmed', 1, 333]
  ] as const) {
    const expected = await golden(topic, partitions, from)
    t.deepEqual(await readTopic(t, kafka, topic, expected.length), expected, topic)
  }
  await end()
})

test('what would write is refused, at once and with a reason', async (t) => {
  const dir = await unpackGolden(t, 'clean')
  const { broker, kafka, end } = await serve(t, dir)
  const producer = kafka.producer({ retry: { retries: 3 } })
  t.teardown(() => producer.disconnect())
  await producer.connect()
  await t.throwsAsync(producer.send({ topic: 'plain', messages: [{ value: 'x' }] }), { message: /policy/i })
  const idempotent = kafka.producer({ idempotent: true, maxInFlightRequests: 1, retry: { retries: 3 } })
  t.teardown(() => idempotent.disconnect())
  await idempotent.connect()
  await t.throwsAsync(idempotent.send({ topic: 'plain', messages: [{ value: 'x' }] }), { message: /policy/i })
  const admin = kafka.admin()
  t.teardown(() => admin.disconnect())
  await admin.connect()
  await t.throwsAsync(admin.createTopics({ topics: [{ topic: 'new' }] }))
  await t.throwsAsync(admin.deleteTopics({ topics: ['plain'] }))
  await t.throwsAsync(admin.createPartitions({ topicPartitions: [{ topic: 'plain', count: 5 }] }))
  await t.throwsAsync(admin.deleteTopicRecords({ topic: 'plain', partitions: [{ partition: 0, offset: '5' }] }))
  const consumer = kafka.consumer({ groupId: 'commits' })
  t.teardown(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topic: 'trimmed', fromBeginning: true })
  await new Promise<void>((done, failed) => {
    consumer.run({ autoCommit: false, eachMessage: () => Promise.resolve(done()) }).catch(failed)
  })
  await t.throwsAsync(consumer.commitOffsets([{ topic: 'trimmed', partition: 0, offset: '500' }]), { message: /authoriz/i })
  await consumer.disconnect()
  t.false((await admin.listTopics()).includes('new'))
  t.is((await admin.fetchTopicOffsets('plain'))[0]!.high, '450')
  const { groups } = await admin.listGroups()
  t.true(groups.length > 0)
  t.deepEqual(
    groups.map(({ groupId }) => groupId).filter((id) => id === 'group-classic'),
    ['group-classic']
  )
  const committed = await admin.fetchOffsets({ groupId: 'group-classic', topics: ['plain'] })
  t.deepEqual(committed[0]!.partitions.map(({ offset }) => offset).toSorted(), ['150', '450'])
  t.is(broker.clusterId, 'Gold3nLogClusterIdAAAA')
  await producer.disconnect()
  await idempotent.disconnect()
  await admin.disconnect()
  await end()
})

test('a folder of a killed Kafka: the torn end is not served, and stays', async (t) => {
  const dir = await unpackGolden(t, 'unclean')
  const { kafka, end } = await serve(t, dir)
  const admin = kafka.admin()
  t.teardown(() => admin.disconnect())
  await admin.connect()
  t.deepEqual(
    (await admin.fetchTopicOffsets('plain')).map(({ partition, high }) => [partition, high]),
    [[0, '450']]
  )
  t.deepEqual((await readTopic(t, kafka, 'trimmed', 667)).length, 667)
  await admin.disconnect()
  await end()
})

test('without metadata and properties: topics by the names of folders, ids by partition.metadata', async (t) => {
  const dir = await unpackGolden(t, 'clean')
  const id = /topic_id: (.*)/.exec(await readFile(path.join(dir, 'plain-0/partition.metadata'), 'utf8'))![1]
  for (const name of ['__cluster_metadata-0', 'meta.properties', 'bootstrap.checkpoint', 'plain-0/00000000000000000000.index'])
    await rm(path.join(dir, name), { recursive: true, force: true })
  await writeFile(path.join(dir, 'foreign.txt'), 'mine')
  const { kafka, end, broker } = await serve(t, dir)
  const admin = kafka.admin()
  t.teardown(() => admin.disconnect())
  await admin.connect()
  const { topics } = await admin.fetchTopicMetadata({ topics: ['plain', 'txn'] })
  t.deepEqual(topics.map(({ name, partitions }) => [name, partitions.length]).toSorted(), [
    ['plain', 2],
    ['txn', 1]
  ])
  t.truthy(id)
  t.true(broker.port > 0)
  await admin.disconnect()
  await end()
})

testWithTools("Kafka's console consumer reads all codecs and committed transactions; tools describe", async (t) => {
  const dir = await unpackGolden(t, 'clean')
  const { broker, end } = await serve(t, dir)
  const at = ['--bootstrap-server', broker.bootstrap]
  const read = await runTool('console-consumer', [
    ...at,
    '--topic',
    'plain',
    '--from-beginning',
    '--max-messages',
    '600',
    '--timeout-ms',
    '20000'
  ])
  t.is(read.code, 0, read.stderr)
  t.regex(read.stderr, /Processed a total of 600 messages/)
  const offsets = await runTool('get-offsets', [...at, '--topic', 'plain|txn|trimmed'])
  t.regex(offsets.stdout, /plain:0:450\nplain:1:150\ntrimmed:0:1000\ntxn:0:269/)
  const dirs = await runTool('log-dirs', [...at, '--describe', '--topic-list', 'plain'])
  t.true(dirs.stdout.includes(dir), dirs.stdout)
  t.false(dirs.stdout.includes('sluice-read-only'))
  await end()
})

test('with commits in memory, a consumer that commits goes on where it was, and the folder knows nothing of it', async (t) => {
  const dir = await unpackGolden(t, 'clean')
  const { kafka, end } = await serve(t, dir, { commits: 'memory' })
  const begins: string[] = []
  for (let round = 0; round < 2; round++) {
    const consumer = kafka.consumer({ groupId: 'keeps' })
    t.teardown(() => consumer.disconnect())
    await consumer.connect()
    await consumer.subscribe({ topic: 'trimmed', fromBeginning: true })
    const first = await new Promise<string>((done, failed) => {
      consumer.run({ autoCommit: false, eachMessage: ({ message }) => Promise.resolve(done(message.offset)) }).catch(failed)
    })
    begins.push(first)
    await consumer.commitOffsets([{ topic: 'trimmed', partition: 0, offset: '500' }])
    await consumer.disconnect()
  }
  t.deepEqual(begins, ['333', '500'])
  await end()
})

test('a folder that is none, or in use, is refused and left alone', async (t) => {
  const empty = await tempDir(t)
  await t.throwsAsync(Broker.start({ readOnly: { dirs: [empty] } }), { instanceOf: ConfigError, message: /holds no folder of a partition/ })
  await t.throwsAsync(Broker.start({ readOnly: { dirs: [path.join(empty, 'none')] } }), {
    instanceOf: ConfigError,
    message: /no such folder/
  })
  const huge = await tempDir(t)
  await mkdir(path.join(huge, 't-2147483647'))
  await t.throwsAsync(Broker.start({ readOnly: { dirs: [huge] } }), { instanceOf: ConfigError, message: /t-2147483647: no topic/ })
  const dir = await tempDir(t)
  const running = await Broker.start({ dir: path.join(dir, 'data'), topics: { a: 1 } })
  t.teardown(() => running.stop())
  await t.throwsAsync(Broker.start({ readOnly: { dirs: [path.join(dir, 'data')] } }), {
    instanceOf: ConfigError,
    message: /in use by a broker/
  })
})
