/** CreateTopics, DeleteTopics, CreatePartitions and DescribeTopicPartitions in every version, over a socket. */
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { deleteTopics } from '../../src/protocol/messages/20-delete-topics.js'
import { createPartitions } from '../../src/protocol/messages/37-create-partitions.js'
import { describeTopicPartitions } from '../../src/protocol/messages/75-describe-topic-partitions.js'
import { startBroker, type TestBroker } from '../support/broker.js'
import { RawClient } from '../support/raw-client.js'

const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'
const TIMEOUT = 10_000

let broker: TestBroker
let client: RawClient
test.before(async () => {
  broker = await startBroker()
  client = await RawClient.connect(broker)
})
test.after.always(async () => {
  client.close()
  await broker.stop()
})

function topic(name: string, numPartitions = 1, replicationFactor = 1) {
  return { name, numPartitions, replicationFactor, assignments: [], configs: [] }
}

async function create(name: string, numPartitions = 1): Promise<string> {
  const { topics } = await client.request(createTopics, 7, {
    topics: [topic(name, numPartitions)],
    timeoutMs: TIMEOUT,
    validateOnly: false
  })
  return topics[0]!.topicId
}

test('CreateTopics: made once, then refused, in every version', async (t) => {
  for (let version = 2; version <= 7; version++) {
    const name = `create-${version}`
    const request = {
      topics: [{ ...topic(name, 3), configs: [{ name: 'retention.ms', value: '3600000' }] }],
      timeoutMs: TIMEOUT,
      validateOnly: false
    }
    const [made] = (await client.request(createTopics, version, request)).topics
    t.deepEqual([made?.name, made?.errorCode, made?.errorMessage], [name, 0, null])
    if (version >= 5) {
      t.deepEqual([made?.numPartitions, made?.replicationFactor], [3, 1])
      const retention = made?.configs?.find((config) => config.name === 'retention.ms')
      t.deepEqual([retention?.value, retention?.configSource], ['3600000', 1])
      t.deepEqual(made?.configs?.find((config) => config.name === 'cleanup.policy')?.value, 'delete')
    }
    if (version >= 7) t.not(made?.topicId, ZERO_UUID)
    const [again] = (await client.request(createTopics, version, request)).topics
    t.is(again?.errorCode, ErrorCode.TOPIC_ALREADY_EXISTS)
  }
})

test('CreateTopics: what cannot be made is refused topic by topic', async (t) => {
  const assigned = (brokerIds: number[]) => ({ ...topic('x', -1, -1), assignments: [{ partitionIndex: 0, brokerIds }] })
  const request = {
    topics: [
      topic('bad name'),
      topic('many', 1, 3),
      { ...assigned([1, 1]), name: 'twice-on-one' },
      { ...topic('odd-config'), configs: [{ name: 'retention.ms', value: 'abc' }] },
      topic('fine')
    ],
    timeoutMs: TIMEOUT,
    validateOnly: false
  }
  const { topics } = await client.request(createTopics, 7, request)
  t.deepEqual(
    topics.map(({ errorCode }) => errorCode),
    [
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      ErrorCode.INVALID_REPLICATION_FACTOR,
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      ErrorCode.INVALID_CONFIG,
      ErrorCode.NONE
    ]
  )
})

test('CreateTopics: only validated, nothing is made', async (t) => {
  const request = { topics: [topic('only-checked', 2)], timeoutMs: TIMEOUT, validateOnly: true }
  const [checked] = (await client.request(createTopics, 7, request)).topics
  t.deepEqual([checked?.errorCode, checked?.numPartitions], [0, 2])
  const described = await client.request(describeTopicPartitions, 0, { topics: [{ name: 'only-checked' }] })
  t.is(described.topics[0]?.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
})

test('DeleteTopics: gone once, then unknown, in every version; by id from v6', async (t) => {
  for (let version = 1; version <= 6; version++) {
    const name = `delete-${version}`
    await create(name)
    const request =
      version < 6
        ? { topicNames: [name], timeoutMs: TIMEOUT }
        : { topicNames: [], topics: [{ name, topicId: ZERO_UUID }], timeoutMs: TIMEOUT }
    t.is((await client.request(deleteTopics, version, request)).responses[0]?.errorCode, 0)
    const [again] = (await client.request(deleteTopics, version, request)).responses
    t.deepEqual([again?.name, again?.errorCode], [name, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
  }
  const topicId = await create('delete-by-id')
  const byId = { topicNames: [], topics: [{ name: null, topicId }], timeoutMs: TIMEOUT }
  const [gone] = (await client.request(deleteTopics, 6, byId)).responses
  t.deepEqual([gone?.name, gone?.topicId, gone?.errorCode], ['delete-by-id', topicId, 0])
  t.is((await client.request(deleteTopics, 6, byId)).responses[0]?.errorCode, ErrorCode.UNKNOWN_TOPIC_ID)
})

test('a topic that is deleted and made again has a new id', async (t) => {
  const first = await create('again')
  await client.request(deleteTopics, 6, { topicNames: [], topics: [{ name: 'again', topicId: ZERO_UUID }], timeoutMs: TIMEOUT })
  t.not(await create('again'), first)
})

test('CreatePartitions: grows only, in every version', async (t) => {
  await create('grow')
  for (let version = 0; version <= 3; version++) {
    const ask = async (count: number) => {
      const request = { topics: [{ name: 'grow', count, assignments: null }], timeoutMs: TIMEOUT, validateOnly: false }
      return (await client.request(createPartitions, version, request)).results[0]?.errorCode
    }
    t.is(await ask(version + 2), 0)
    t.is(await ask(version + 2), ErrorCode.INVALID_PARTITIONS)
    t.is(await ask(1), ErrorCode.INVALID_PARTITIONS)
  }
  const described = await client.request(describeTopicPartitions, 0, { topics: [{ name: 'grow' }] })
  t.deepEqual(
    described.topics[0]?.partitions.map(({ errorCode, partitionIndex }) => [errorCode, partitionIndex]),
    [0, 1, 2, 3, 4].map((index) => [0, index])
  )
})

test('DescribeTopicPartitions: sorted, a bounded number at a time, and the cursor goes on', async (t) => {
  await create('page-a', 3)
  await create('page-b', 2)
  const topics = [{ name: 'page-b' }, { name: 'page-none' }, { name: 'page-a' }]
  const seen: [string | null, number[]][] = []
  let cursor: { topicName: string; partitionIndex: number } | null = null
  let pages = 0
  do {
    const page: Awaited<ReturnType<typeof describe>> = await describe(topics, cursor)
    for (const { name, partitions } of page.topics) seen.push([name, partitions.map(({ partitionIndex }) => partitionIndex)])
    cursor = page.nextCursor
    pages++
  } while (cursor !== null)
  t.is(pages, 3)
  t.deepEqual(seen, [
    ['page-a', [0, 1]],
    ['page-a', [2]],
    ['page-b', [0]],
    ['page-b', [1]],
    ['page-none', []]
  ])
})

function describe(topics: { name: string }[], cursor: { topicName: string; partitionIndex: number } | null) {
  return client.request(describeTopicPartitions, 0, { topics, responsePartitionLimit: 2, cursor })
}
