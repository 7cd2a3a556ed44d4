/** What `max.message.bytes` of the coordinators' topics keeps out: the requests are refused as Apache Kafka does, and change nothing. */
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.js'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.js'
import { joinGroup } from '../../src/protocol/messages/11-join-group.js'
import { syncGroup } from '../../src/protocol/messages/14-sync-group.js'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.js'
import { addPartitionsToTxn } from '../../src/protocol/messages/24-add-partitions-to-txn.js'
import { addOffsetsToTxn } from '../../src/protocol/messages/25-add-offsets-to-txn.js'
import { txnOffsetCommit } from '../../src/protocol/messages/28-txn-offset-commit.js'
import { describeTransactions } from '../../src/protocol/messages/65-describe-transactions.js'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/68-consumer-group-heartbeat.js'
import { consumerGroupDescribe } from '../../src/protocol/messages/69-consumer-group-describe.js'
import { foreignBroker, startBroker } from '../support/broker.js'
import { settled, Session } from '../takeover/session.js'

const OFFSETS = '__consumer_offsets'
const STATE = '__transaction_state'
const PARTITIONS = 100
const REBALANCE_MS = 5000
const SETTINGS = { 'transaction.state.log.num.partitions': '1', 'group.consumer.assignment.interval.ms': '0' }
const oursTest = foreignBroker ? test.serial.skip : test.serial
const run = `${Date.now() % 1_000_000}`

async function started(t: ExecutionContext, topic: string, settings: Readonly<Record<string, string>> = {}) {
  const broker = await startBroker({ settings: { ...SETTINGS, ...settings } })
  t.teardown(() => broker.stop())
  const session = await Session.connect(broker)
  t.teardown(() => session.close())
  await session.createTopic(topic, PARTITIONS)
  await settled(async () => {
    const { errorCode } = await session.produce(topic, PARTITIONS - 1, Buffer.alloc(0))
    return { errorCode }
  })
  return session
}

/** Apache Kafka's logs follow a little later. */
async function limit(session: Session, topic: string, bytes: number): Promise<void> {
  await session.setTopic(topic, { 'max.message.bytes': String(bytes) })
  if (foreignBroker) await delay(3000)
}

/** Commits partitions from 0 up; gives the errors that there are. */
async function commit({ client }: Session, groupId: string, topic: string, count: number, metadata = ''): Promise<number[]> {
  const partitions = Array.from({ length: count }, (_, partitionIndex) => ({
    partitionIndex,
    committedOffset: 1,
    committedMetadata: metadata
  }))
  const answer = await client.request(offsetCommit, 8, { groupId, memberId: '', topics: [{ name: topic, partitions }] })
  return [...new Set(answer.topics[0]!.partitions.map(({ errorCode }) => errorCode))]
}

async function committed({ client }: Session, groupId: string): Promise<number> {
  const { topics } = await client.request(offsetFetch, 7, { groupId, topics: null })
  // Apache Kafka 4.3.1 may tell a partition twice after a commit that it refused.
  return new Set(topics.flatMap(({ name, partitions }) => partitions.map(({ partitionIndex }) => `${name}-${partitionIndex}`))).size
}

test.serial('a commit is one batch: one that is too large is refused whole', async (t) => {
  const [topic, group] = [`commits-${run}`, `group-${run}`]
  const session = await started(t, topic)
  await session.commitOffset(group, topic, 0, 1)
  await limit(session, OFFSETS, 2000)
  t.deepEqual(await commit(session, group, topic, PARTITIONS), [ErrorCode.UNKNOWN_SERVER_ERROR])
  t.deepEqual(await commit(session, group, topic, 1, 'm'.repeat(2000)), [ErrorCode.UNKNOWN_SERVER_ERROR])
  t.is(await committed(session, group), 1)
  t.deepEqual(await commit(session, group, topic, 10), [ErrorCode.NONE])
  t.is(await committed(session, group), 10)
  await limit(session, OFFSETS, 1048588)
  t.deepEqual(await commit(session, group, topic, PARTITIONS), [ErrorCode.NONE])
})

test.serial('a commit that is compressed may be larger than the limit', async (t) => {
  const [topic, group] = [`compressed-${run}`, `compressed-group-${run}`]
  const session = await started(t, topic, { 'offsets.topic.compression.codec': '1' })
  await session.commitOffset(group, topic, 0, 1)
  await limit(session, OFFSETS, 2000)
  t.deepEqual(await commit(session, group, topic, PARTITIONS), [ErrorCode.NONE])
  t.is(await committed(session, group), PARTITIONS)
})

test.serial('offsets of a transaction that are too large leave it as it was', async (t) => {
  const [topic, groupId, transactionalId] = [`offsets-${run}`, `txn-group-${run}`, `txn-${run}`]
  const session = await started(t, topic)
  const { client } = session
  await session.coordinator(groupId, 0)
  await session.coordinator(transactionalId, 1)
  const { producerId, producerEpoch } = await settled(() =>
    client.request(initProducerId, 4, { transactionalId, transactionTimeoutMs: 60_000 })
  )
  const add = (names: readonly string[]) =>
    settled(async () => {
      const topics = names.map((name) => ({ name, partitions: Array.from({ length: PARTITIONS }, (_, index) => index) }))
      const { resultsByTopicV3AndBelow: results } = await client.request(addPartitionsToTxn, 3, {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: topics
      })
      return { errorCode: results[0]!.resultsByPartition[0]!.partitionErrorCode }
    })
  await limit(session, STATE, 400)
  t.is((await add([topic])).errorCode, ErrorCode.UNKNOWN_SERVER_ERROR)
  const described = await client.request(describeTransactions, 0, { transactionalIds: [transactionalId] })
  t.deepEqual(described.transactionStates[0]?.topics, [])
  await limit(session, STATE, 1048588)
  t.is((await add([topic])).errorCode, ErrorCode.NONE)
  await settled(() => client.request(addOffsetsToTxn, 3, { transactionalId, producerId, producerEpoch, groupId }))
  await limit(session, OFFSETS, 2000)
  const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({
    partitionIndex,
    committedOffset: 1,
    committedMetadata: ''
  }))
  const answer = await client.request(txnOffsetCommit, 3, {
    transactionalId,
    groupId,
    producerId,
    producerEpoch,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    topics: [{ name: topic, partitions }]
  })
  await limit(session, OFFSETS, 1048588)
  t.deepEqual([...new Set(answer.topics[0]!.partitions.map(({ errorCode }) => errorCode))], [ErrorCode.UNKNOWN_SERVER_ERROR])
})

test.serial('an assignment that is too large fails those who wait for it', async (t) => {
  const groupId = `classic-${run}`
  const session = await started(t, `assigned-${run}`)
  const { client } = session
  await session.coordinator(groupId, 0)
  const protocols = [{ name: 'p', metadata: Buffer.alloc(10) }]
  const join = (memberId: string) =>
    client.request(joinGroup, 5, {
      groupId,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: REBALANCE_MS,
      memberId,
      groupInstanceId: null,
      protocolType: 'x',
      protocols
    })
  const { memberId } = await join('')
  const sync = async (bytes: number) => {
    const { generationId } = await join(memberId)
    const assignments = [{ memberId, assignment: Buffer.alloc(bytes) }]
    return (await client.request(syncGroup, 3, { groupId, generationId, memberId, groupInstanceId: null, assignments })).errorCode
  }
  await limit(session, OFFSETS, 2000)
  t.is(await sync(3000), ErrorCode.UNKNOWN_SERVER_ERROR)
  t.is(await sync(500), ErrorCode.NONE)
  await limit(session, OFFSETS, 1048588)
  t.is(await sync(3000), ErrorCode.NONE)
})

oursTest('a member whose assignment is too large does not come into the group, by name and by regular expression', async (t) => {
  const topic = `many-${run}`
  const session = await started(t, topic)
  const { client } = session
  await session.coordinator('g', 0)
  await limit(session, OFFSETS, 500)
  const join = async (groupId: string, subscribedTopicNames: string[] | null, subscribedTopicRegex: string | null) => {
    const rest = { instanceId: null, rackId: null, serverAssignor: null, rebalanceTimeoutMs: REBALANCE_MS, topicPartitions: [] }
    const { errorCode } = await client.request(consumerGroupHeartbeat, 1, {
      ...rest,
      groupId,
      memberId: 'm',
      memberEpoch: 0,
      subscribedTopicNames,
      subscribedTopicRegex
    })
    const { groups } = await client.request(consumerGroupDescribe, 1, { groupIds: [groupId], includeAuthorizedOperations: false })
    return [errorCode, groups[0]!.errorCode, groups[0]!.members.length]
  }
  const refused = [ErrorCode.UNKNOWN_SERVER_ERROR, ErrorCode.GROUP_ID_NOT_FOUND, 0]
  t.deepEqual(await join('names', [topic], null), refused)
  t.deepEqual(await join('regex', null, 'many-.*'), refused)
  await limit(session, OFFSETS, 1048588)
  t.deepEqual(await join('names', [topic], null), [ErrorCode.NONE, ErrorCode.NONE, 1])
  t.deepEqual(await join('regex', null, 'many-.*'), [ErrorCode.NONE, ErrorCode.NONE, 1])
})
