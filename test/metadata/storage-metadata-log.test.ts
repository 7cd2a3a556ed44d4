/** The local controller on the storage engine. */
import { appendFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { loadBrokerConfig } from '../../src/config/load.js'
import { silentLogger } from '../../src/log.js'
import { LocalController, METADATA_FOLDER } from '../../src/metadata/local-controller.js'
import { METADATA_TOPIC, METADATA_TOPIC_ID, StorageMetadataLog } from '../../src/metadata/storage-metadata-log.js'
import { resolveTopicConfig } from '../../src/config/topic-config.js'
import { Runtime } from '../../src/native/runtime.js'
import { Log } from '../../src/storage/log.js'
import { DIRECTORY, fixedClock, NODE, removeFolder, temporaryFolder } from './support/cluster.js'

interface Engine {
  readonly start: (settings?: Readonly<Record<string, string>>) => Promise<LocalController>
}

function engine(t: ExecutionContext): Engine & { dir: string; folder: string } {
  const dir = temporaryFolder()
  const runtime = new Runtime()
  t.teardown(async () => {
    await runtime.close()
    removeFolder(dir)
  })
  return {
    dir,
    folder: path.join(dir, METADATA_FOLDER),
    start: async (settings = {}) => {
      const { config } = loadBrokerConfig({ 'node.id': String(NODE), ...settings })
      const options = { nodeId: NODE, dir, config, clock: fixedClock, log: silentLogger }
      const controller = await LocalController.load(options)
      await controller.activate({
        log: new OwnLog(await open(dir, runtime), runtime),
        incarnationId: LocalController.newUuid(),
        endpoints: [],
        rack: null,
        logDirs: [DIRECTORY],
        cleanStart: true
      })
      return controller
    }
  }
}

/** Not a log manager's: closed with the controller. */
class OwnLog extends StorageMetadataLog {
  readonly #own: Log

  constructor(log: Log, runtime: Runtime) {
    super(log, runtime)
    this.#own = log
  }

  override close(): Promise<void> {
    return this.#own.close()
  }
}

function open(dir: string, runtime: Runtime): Promise<Log> {
  const folder = path.join(dir, METADATA_FOLDER)
  mkdirSync(folder, { recursive: true })
  const { config } = loadBrokerConfig({})
  return Log.open(
    { topic: METADATA_TOPIC, partition: 0, topicId: METADATA_TOPIC_ID, folder },
    resolveTopicConfig(config, new Map([['retention.ms', '-1']])),
    { clean: false, recoveryPoint: undefined, logStartOffset: undefined },
    {
      runtime,
      clock: fixedClock,
      failed() {},
      warn() {},
      logStartMoved: () => Promise.resolve(),
      recoveryPointMoved() {},
      producerExpirationMs: () => 86_400_000,
      backgroundFlushBytes: () => 0
    }
  )
}

async function create(controller: LocalController, name: string, numPartitions = 1): Promise<void> {
  const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }
  const [created] = await controller.createTopics([topic], false)
  if (created?.errorCode !== 0) throw new Error(`${created?.errorMessage}`)
}

test('topics survive a stop; the folder is as Kafka has it', async (t) => {
  const { start, folder } = engine(t)
  const first = await start()
  await create(first, 'a', 3)
  await first.close()
  t.is(readFileSync(path.join(folder, 'leader-epoch-checkpoint'), 'utf8'), '0\n1\n1 0\n')
  const state = JSON.parse(readFileSync(path.join(folder, 'quorum-state'), 'utf8')) as object
  t.deepEqual(state, {
    clusterId: '',
    leaderId: 1,
    leaderEpoch: 1,
    votedId: -1,
    appliedOffset: 0,
    currentVoters: [{ voterId: 1 }],
    data_version: 0
  })
  const second = await start()
  t.is(second.epoch, 2)
  t.is(second.image.topicByName('a')?.partitions.length, 3)
  await second.close()
  t.regex(readFileSync(path.join(folder, 'leader-epoch-checkpoint'), 'utf8'), /^0\n2\n1 0\n2 \d+\n$/)
})

test('a torn end is cut, and what was answered is there', async (t) => {
  const { start, folder } = engine(t)
  const first = await start()
  await create(first, 'a')
  await first.close()
  appendFileSync(path.join(folder, '00000000000000000000.log'), Buffer.alloc(100, 7))
  const second = await start()
  await create(second, 'b')
  await second.close()
  const third = await start()
  t.deepEqual(
    [...third.image.topics()].map(({ name }) => name),
    ['a', 'b']
  )
  await third.close()
})

test('snapshots let the log go', async (t) => {
  const { start, folder } = engine(t)
  const settings = { 'metadata.log.max.record.bytes.between.snapshots': '1500' }
  const first = await start(settings)
  for (let at = 0; at < 30; at++) await create(first, `topic-${at}`, 2)
  await first.close()
  const names = readdirSync(folder)
  t.is(names.filter((name) => name.endsWith('.checkpoint')).length, 2)
  t.false(names.includes('00000000000000000000.log'))
  const second = await start(settings)
  t.is(second.image.topicCount, 30)
  await second.close()
})
