/** What a real broker 4.3.1 was asked, one request after the other, and what it answered: a fresh broker of ours says the same. */
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { apis } from '../../src/protocol/messages/index.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.js'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.js'
import { buildBatch } from '../../src/record/builder.js'
import { handlers } from '../../src/handlers/index.js'
import { foreignBroker, startBroker } from '../support/broker.js'
import { jsonLines } from '../support/fixtures.js'
import { RawClient } from '../support/raw-client.js'
import { Replay, type Exchange } from './recorded.js'

const byName = new Map([...apis.values()].map((api) => [api.name, api]))
const served = new Set(handlers.map(({ api }) => api.name))

/** What the recorded broker was started with, as far as DescribeConfigs tells. */
const RECORDED_SETTINGS = {
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'node.id': '1'
}

/** Steps (from, to) that ask for what we do not have, and why. */
const SKIPPED: readonly (readonly [from: number, to: number, why: string])[] = [
  [156, 160, 'the recorded broker sends clients away while it makes the topic of offsets; ours lets them wait'],
  [286, 286, 'the recorded broker has no block of producer ids yet; ours has one from its start'],
  [294, 299, 'the recorded broker sends clients away while it makes the topic of transactions; ours lets them wait'],
  [332, 332, 'holds the markers of transactions, and the moments when they were written']
]

/** Differences that are meant: step, which (all of it), why. Each must be there, or it is out of date. */
const MEANT: readonly (readonly [from: number, to: number, what: RegExp, why: string])[] = [
  [1, 5, /^\.apiKeys\[\d+\]: only recorded$/, 'APIs that are not here yet are not advertised'],
  [1, 5, /^\.apiKeys\[7[12]\]: only ours$/, 'metrics of clients need no plug-in here'],
  [4, 5, /^\.finalizedFeatures\["kraft\.version"\]: only recorded$/, 'the metadata log has no quorum whose version could be raised'],
  [92, 94, /errorMessage: null, ours "/, 'a refused batch is told why'],
  [95, 95, /logAppendTimeMs: \d{13}, ours \d{13}$/, 'the moment of the append'],
  [102, 103, /errorMessage: null, ours "/, 'a refused batch is told why'],
  [331, 331, /errorMessage: null, ours "/, 'a refused batch is told why'],
  [342, 342, /errorMessage: "", ours "/, 'an unknown topic is named'],
  [343, 343, /\["sluice\.[a-z.]+"\]: only ours$/, 'settings of our own'],
  [343, 343, /\["log\.initial\.task\.delay\.ms"\]: only ours$/, 'an internal one that tests set, which is told where it is set'],
  [343, 343, /\["(log\.dirs?|(advertised\.)?listeners)"\]\.(value|configSource): /, 'addresses and folders are each broker’s own'],
  [343, 343, /\["(process\.roles|controller\.[a-z.]+)"\]\.(value|configSource): /, 'started without a listener for controllers'],
  [387, 387, /\.(highWatermark|logEndOffset|last\w+Timestamp): \d+, ours \d+$/, 'each metadata log is as long as it is'],
  [387, 387, /\.(replicaDirectoryId|nodes\.listeners): /, 'a quorum of kraft.version 0, without a listener for controllers'],
  [388, 388, /\["1"\](\.resourceType: |: only recorded$)/, 'a broker and its loggers have one name']
]

/** Stand in for a step that is skipped. */
const STAND_INS: Readonly<Record<number, (client: RawClient) => Promise<unknown>>> = {
  // Makes the topic of transactions.
  300: (client) => client.request(findCoordinator, 4, { key: '', keyType: 1, coordinatorKeys: ['tx'] })
}

const oursTest = foreignBroker ? test.skip : test

oursTest('recorded exchanges are answered as Apache Kafka did', async (t) => {
  const broker = await startBroker({ settings: RECORDED_SETTINGS })
  t.teardown(() => broker.stop())
  let client = await RawClient.connect(broker)
  t.teardown(() => client.close())
  const replay = new Replay()
  const unseen = new Set(MEANT)
  const different: Record<string, string[]> = {}
  let compared = 0
  for (const exchange of jsonLines<Exchange>('onwire/exchanges-4.3.1.jsonl.gz')) {
    const { step, note, version, port } = exchange
    await STAND_INS[step]?.(client)
    const api = byName.get(exchange.api)
    if (!api || !served.has(api.name) || port !== 1 || SKIPPED.some(([from, to]) => step >= from && step <= to)) continue
    const where = `step ${step}: ${api.name} version ${version}, ${note}`
    client.write(replay.request(api, exchange))
    if (exchange.noResponse) continue
    compared++
    if (exchange.closed) {
      await t.notThrowsAsync(client.closing(), where)
      client = await RawClient.connect(broker)
      continue
    }
    const found = replay.differences(api, exchange, await client.frame()).filter((difference) => {
      const meant = MEANT.find(([from, to, what]) => step >= from && step <= to && what.test(difference))
      if (meant) unseen.delete(meant)
      return !meant
    })
    if (found.length > 0) different[where] = found
  }
  t.deepEqual(different, {})
  t.deepEqual([...unseen], [], 'meant differences that are no more')
  t.log(`${compared} exchanges`)
  t.true(compared > 290)
})

oursTest('a batch of a transaction that nobody began is refused, and holds no reader back', async (t) => {
  const broker = await startBroker({ topics: { main: 1 } })
  t.teardown(() => broker.stop())
  const client = await RawClient.connect(broker)
  t.teardown(() => client.close())
  await client.request(findCoordinator, 4, { key: '', keyType: 1, coordinatorKeys: ['tx'] })
  const records = buildBatch([{ value: Buffer.from('v') }], {
    timestamp: Date.now(),
    transactional: true,
    producerId: 7,
    producerEpoch: 0,
    baseSequence: 0
  })
  const topicData = [{ name: 'main', partitionData: [{ index: 0, records }] }]
  const { responses } = await client.request(produce, 9, { transactionalId: 'tx', acks: -1, timeoutMs: 5000, topicData })
  t.is(responses[0]?.partitionResponses[0]?.errorCode, ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  const plain = [{ name: 'main', partitionData: [{ index: 0, records: buildBatch([{ value: null }], { timestamp: Date.now() }) }] }]
  await client.request(produce, 9, { transactionalId: null, acks: -1, timeoutMs: 5000, topicData: plain })
  const { topics } = await client.request(listOffsets, 7, {
    replicaId: -1,
    isolationLevel: 1,
    topics: [{ name: 'main', partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 }] }]
  })
  t.is(topics[0]?.partitions[0]?.offset, 1, 'the last stable offset')
})
