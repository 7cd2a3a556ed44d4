/** Apache Kafka's own command-line tools. Each run is a JVM: tests are serial, and each asks several things of few runs. */
import { readdirSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { alterReplicaLogDirs } from '../../src/protocol/messages/34-alter-replica-log-dirs.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { buildBatch } from '../../src/record/builder.js'
import { foreignBroker, startBroker, type TestBroker } from '../support/broker.js'
import { haveTools, runTool, type ToolName } from '../support/kafka-tools.js'
import { RawClient } from '../support/raw-client.js'
import { uniqueName } from '../support/names.js'
import type { RunOptions } from '../support/processes.js'
import { ownedTempDir } from '../support/temp-dir.js'

const toolTest = haveTools ? test.serial : test.serial.skip
let broker: TestBroker
let folder: Awaited<ReturnType<typeof ownedTempDir>>

if (haveTools) {
  test.before(async () => {
    folder = await ownedTempDir()
    broker = await startBroker({ dir: folder.dir })
  })
  test.after.always(async () => {
    await broker.stop()
    await folder.remove()
  })
}

/** Runs a tool against the broker; it must succeed. Returns its standard output. */
async function tool(t: ExecutionContext, name: ToolName, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runTool(name, ['--bootstrap-server', broker.bootstrap, ...args], options)
  t.is(code, 0, `${name} ${args.join(' ')}:\n${stdout}${stderr}`)
  return stdout
}

toolTest('kafka-topics: create, describe, alter, list, delete', async (t) => {
  const topic = uniqueName('topics')
  await tool(t, 'topics', [
    '--create',
    '--topic',
    topic,
    '--partitions',
    '2',
    '--replication-factor',
    '1',
    '--config',
    'retention.ms=3600000'
  ])
  const described = await tool(t, 'topics', ['--describe', '--topic', topic])
  t.regex(described, /PartitionCount: 2\s+ReplicationFactor: 1\s+Configs: .*retention\.ms=3600000/)
  t.regex(described, /Partition: 1\s+Leader: \d+\s+Replicas: \d+\s+Isr: \d+/)
  await tool(t, 'topics', ['--alter', '--topic', topic, '--partitions', '5'])
  t.regex(await tool(t, 'topics', ['--describe', '--topic', topic]), /PartitionCount: 5/)
  t.true((await tool(t, 'topics', ['--list'])).split('\n').includes(topic))
  await tool(t, 'topics', ['--delete', '--topic', topic])
  t.false((await tool(t, 'topics', ['--list'])).split('\n').includes(topic))
})

toolTest('kafka-topics says what is wrong: three replicas on one broker, a bad name, a topic that exists', async (t) => {
  const topic = uniqueName('topics')
  const create = (name: string, replicas = '1') =>
    runTool('topics', [
      '--bootstrap-server',
      broker.bootstrap,
      '--create',
      '--topic',
      name,
      '--partitions',
      '1',
      '--replication-factor',
      replicas
    ])
  const [replicas, name] = await Promise.all([create(topic, '3'), create('bad:name')])
  t.regex(replicas.stdout + replicas.stderr, /InvalidReplicationFactorException|[Rr]eplication factor/)
  t.not(replicas.code, 0)
  t.not(name.code, 0)
  t.is((await create(topic)).code, 0)
  t.regex((await create(topic)).stdout, /already exists/)
})

toolTest('kafka-console-producer and kafka-console-consumer: keys, headers, every codec', async (t) => {
  const topic = uniqueName('console')
  await tool(t, 'topics', ['--create', '--topic', topic])
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
  for (const codec of codecs) {
    const properties = ['parse.key=true', 'parse.headers=true'].flatMap((property) => ['--reader-property', property])
    await tool(t, 'console-producer', ['--topic', topic, '--compression-codec', codec, ...properties], {
      input: `h:${codec}\tkey-${codec}\tvalue-${codec}\n`
    })
  }
  const properties = ['print.key=true', 'print.headers=true', 'print.offset=true'].flatMap((property) => ['--formatter-property', property])
  const read = await tool(t, 'console-consumer', [
    '--topic',
    topic,
    '--from-beginning',
    '--max-messages',
    '5',
    '--timeout-ms',
    '20000',
    ...properties
  ])
  t.deepEqual(
    read.trim().split('\n'),
    codecs.map((codec, i) => `Offset:${i}\th:${codec}\tkey-${codec}\tvalue-${codec}`)
  )
})

toolTest('kafka-consumer-groups: lag, reset, delete; kafka-get-offsets and kafka-delete-records', async (t) => {
  const topic = uniqueName('groups')
  const group = uniqueName('group')
  await tool(t, 'topics', ['--create', '--topic', topic])
  await tool(t, 'console-producer', ['--topic', topic], { input: '0\n1\n2\n3\n4\n5\n' })
  await tool(t, 'console-consumer', [
    '--topic',
    topic,
    '--group',
    group,
    '--from-beginning',
    '--max-messages',
    '4',
    '--timeout-ms',
    '20000'
  ])
  const row = async () =>
    (await tool(t, 'consumer-groups', ['--describe', '--group', group]))
      .split('\n')
      .find((line) => line.startsWith(group))
      ?.split(/\s+/)
  t.deepEqual((await row())?.slice(1, 6), [topic, '0', '4', '6', '2'])
  await tool(t, 'consumer-groups', ['--reset-offsets', '--group', group, '--topic', topic, '--to-offset', '1', '--execute'])
  t.is((await row())?.[3], '1')
  t.true((await tool(t, 'consumer-groups', ['--list'])).includes(group))
  await tool(t, 'consumer-groups', ['--delete', '--group', group])
  t.false((await tool(t, 'consumer-groups', ['--list'])).includes(group))

  const offsets = path.join(folder.dir, '..', `${topic}.json`)
  const { rm, writeFile } = await import('node:fs/promises')
  await writeFile(offsets, JSON.stringify({ version: 1, partitions: [{ topic, partition: 0, offset: 2 }] }))
  t.regex(await tool(t, 'delete-records', ['--offset-json-file', offsets]), /low_watermark: 2/)
  await rm(offsets)
  t.is((await tool(t, 'get-offsets', ['--topic', topic, '--time', 'earliest'])).trim(), `${topic}:0:2`)
  t.is((await tool(t, 'get-offsets', ['--topic', topic, '--time', 'latest'])).trim(), `${topic}:0:6`)
})

toolTest('kafka-configs: topic settings are altered, described and removed; kafka-log-dirs lists the partitions', async (t) => {
  const topic = uniqueName('configs')
  await tool(t, 'topics', ['--create', '--topic', topic])
  const entity = ['--entity-type', 'topics', '--entity-name', topic]
  await tool(t, 'configs', ['--alter', ...entity, '--add-config', 'retention.bytes=123456,cleanup.policy=compact'])
  const described = await tool(t, 'configs', ['--describe', ...entity])
  t.regex(described, /retention\.bytes=123456/)
  t.regex(described, /cleanup\.policy=compact.*DEFAULT_CONFIG:log\.cleanup\.policy=delete/)
  await tool(t, 'configs', ['--alter', ...entity, '--delete-config', 'retention.bytes'])
  t.notRegex(await tool(t, 'configs', ['--describe', ...entity]), /retention\.bytes/)
  const refused = await runTool('configs', [
    '--bootstrap-server',
    broker.bootstrap,
    '--alter',
    ...entity,
    '--add-config',
    'retention.ms=soon'
  ])
  t.not(refused.code, 0)
  t.regex(
    await tool(t, 'configs', ['--describe', '--all', '--entity-type', 'brokers', '--entity-name', '1']),
    /log\.segment\.bytes=1073741824/
  )
  const dirs = await tool(t, 'log-dirs', ['--describe', '--topic-list', topic])
  t.regex(dirs, new RegExp(`"partition":"${topic}-0"`))
})

toolTest('kafka-log-dirs tells of several folders, and of a move that is under way', async (t) => {
  const dirs = ['one', 'two'].map((name) => path.join(folder.dir, 'moves', name))
  const settings = { 'log.dirs': dirs.join(','), 'replica.alter.log.dirs.io.max.bytes.per.second': '1000' }
  const own = await startBroker({ topics: { moves: 1 }, settings })
  t.teardown(() => own.stop())
  if (own.foreign) {
    t.pass('not our folders')
    return
  }
  const client = await RawClient.connect(own)
  t.teardown(() => client.close())
  const records = buildBatch([{ value: Buffer.alloc(5000) }], { timestamp: 1 })
  for (let count = 0; count < 3; count++) {
    await client.request(produce, 9, {
      transactionalId: null,
      acks: 1,
      timeoutMs: 5000,
      topicData: [{ name: 'moves', partitionData: [{ index: 0, records }] }]
    })
  }
  // Where it is already nothing moves.
  for (const dir of dirs) {
    const wanted = [{ path: dir, topics: [{ name: 'moves', partitions: [0] }] }]
    const { results } = await client.request(alterReplicaLogDirs, 2, { dirs: wanted })
    t.is(results[0]!.partitions[0]!.errorCode, 0)
    const { code, stdout } = await runTool('log-dirs', ['--bootstrap-server', own.bootstrap, '--describe', '--topic-list', 'moves'])
    t.is(code, 0)
    const described = JSON.parse(stdout.split('\n').find((line) => line.startsWith('{'))!) as {
      brokers: { logDirs: { logDir: string; error: null; partitions: { partition: string; isFuture: boolean; offsetLag: number }[] }[] }[]
    }
    const found = described.brokers[0]!.logDirs
    t.deepEqual(found.map(({ logDir }) => logDir).toSorted(), dirs)
    const places = found.flatMap(({ logDir, partitions }) => partitions.map((one) => ({ ...one, logDir })))
    const future = places.filter(({ isFuture }) => isFuture)
    t.true(places.length - future.length === 1 && future.length <= 1)
    for (const one of future) t.true(one.partition === 'moves-0' && one.offsetLag > 0 && one.logDir === dir)
  }
})

toolTest('kafka-producer-perf-test and kafka-consumer-perf-test', async (t) => {
  const topic = uniqueName('perf')
  await tool(t, 'topics', ['--create', '--topic', topic, '--partitions', '3'])
  const produced = await runTool('producer-perf-test', [
    '--topic',
    topic,
    '--num-records',
    '20000',
    '--record-size',
    '512',
    '--throughput',
    '-1',
    '--bootstrap-server',
    broker.bootstrap,
    '--command-property',
    'compression.type=lz4'
  ])
  t.is(produced.code, 0, produced.stderr)
  t.regex(produced.stdout, /20000 records sent/)
  // A fetch gets a few batches: where its limit ends within the first one of a partition, a part of that would be the end of the consumer.
  const consumed = await runTool('consumer-perf-test', [
    '--bootstrap-server',
    broker.bootstrap,
    '--topic',
    topic,
    '--num-records',
    '20000',
    '--timeout',
    '20000',
    '--command-property',
    'fetch.max.bytes=40000'
  ])
  t.is(consumed.code, 0, consumed.stderr)
  t.is(consumed.stdout.trim().split('\n').at(-1)?.split(', ')[4], '20000')
})

toolTest('kafka-broker-api-versions, kafka-cluster and kafka-features understand the broker', async (t) => {
  t.regex(await tool(t, 'broker-api-versions', []), /Fetch\(1\): 4 to 18/)
  const cluster = await runTool('cluster', ['cluster-id', '--bootstrap-server', broker.bootstrap])
  t.regex(cluster.stdout, /Cluster ID: \S{22}/)
})

const dumpTest = haveTools && !foreignBroker ? test.serial : test.serial.skip

dumpTest('kafka-dump-log reads every file of a data folder without a complaint', async (t) => {
  const topic = uniqueName('dump')
  await tool(t, 'topics', ['--create', '--topic', topic, '--config', 'segment.bytes=1048576', '--config', 'index.interval.bytes=512'])
  await runTool('producer-perf-test', [
    '--topic',
    topic,
    '--num-records',
    '6000',
    '--record-size',
    '512',
    '--throughput',
    '-1',
    '--bootstrap-server',
    broker.bootstrap,
    '--command-property',
    'batch.size=4096'
  ])
  await tool(t, 'console-consumer', [
    '--topic',
    topic,
    '--group',
    uniqueName('group'),
    '--from-beginning',
    '--max-messages',
    '10',
    '--timeout-ms',
    '20000'
  ])
  await broker.stop()
  const files = readdirSync(folder.dir, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(\.log|\.index|\.timeindex|\.snapshot)$/.test(file))
    .map((file) => path.join(folder.dir, file))
  t.true(files.filter((file) => file.includes(topic) && file.endsWith('.log')).length > 2)
  await dump(
    t,
    files.filter((file) => !file.includes('__')),
    ['--deep-iteration']
  )
  await dump(
    t,
    files.filter((file) => file.endsWith('index')),
    ['--index-sanity-check']
  )
  const offsets = await dump(
    t,
    files.filter((file) => file.includes('__consumer_offsets') && file.endsWith('.log')),
    ['--offsets-decoder']
  )
  t.true(offsets.includes(topic))
  const metadata = await dump(
    t,
    files.filter((file) => file.includes('__cluster_metadata') && file.endsWith('.log')),
    ['--cluster-metadata-decoder']
  )
  t.true(metadata.includes('TOPIC_RECORD'))
})

async function dump(t: ExecutionContext, files: readonly string[], flags: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runTool('dump-log', ['--files', files.join(','), ...flags], { timeoutMs: 100_000 })
  t.is(code, 0, stderr)
  t.notRegex(stdout + stderr, /isvalid: false|mismatch|corrupt|Found timestamp|unexpected|Exception|Could not/i)
  return stdout
}
