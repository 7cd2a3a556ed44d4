/** Groups and a transaction of one of the brokers that are compared, and what it tells of them. */
import { setTimeout as delay } from 'node:timers/promises'
import { encode } from '../../src/protocol/compile.js'
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.js'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.js'
import { joinGroup } from '../../src/protocol/messages/11-join-group.js'
import { syncGroup } from '../../src/protocol/messages/14-sync-group.js'
import { describeGroups } from '../../src/protocol/messages/15-describe-groups.js'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.js'
import { addPartitionsToTxn } from '../../src/protocol/messages/24-add-partitions-to-txn.js'
import { describeTransactions } from '../../src/protocol/messages/65-describe-transactions.js'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/68-consumer-group-heartbeat.js'
import { consumerGroupDescribe } from '../../src/protocol/messages/69-consumer-group-describe.js'
import { consumerProtocolSubscription } from '../../src/protocol/records/data/consumer-protocol-subscription.js'
import { Writer } from '../../src/protocol/writer.js'
import { settled } from '../takeover/session.js'
import { Side, type Answer } from './side.js'

/** What requests refer to: names that both brokers share, ids that each has its own of. */
export interface State {
  readonly topic: string
  readonly topicId: string
  readonly classic: { readonly group: string; readonly member: string; readonly generation: number; readonly instance: string }
  readonly consumer: { readonly group: string; readonly member: string; readonly epoch: number }
  readonly transaction: { readonly id: string; readonly producerId: number; readonly epoch: number }
}

const NOTHING = { instanceId: null, rackId: null, subscribedTopicRegex: null, serverAssignor: null }

export class GroupSide extends Side<State> {
  /** A topic with a group of either protocol that has one member and an offset, and a transaction under way. */
  async make(round: string): Promise<State> {
    const { session } = this
    const { client } = session
    const [topic, classicGroup, consumerGroup, id] = [`t-${round}`, `classic-${round}`, `consumer-${round}`, `tx-${round}`]
    await session.createTopic(topic, 2)
    const topicId = await this.#idOf(topic)
    await session.coordinator(classicGroup, 0)
    await session.coordinator(consumerGroup, 0)
    await session.coordinator(id, 1)
    const classic = await this.#classic(classicGroup, topic)
    const join = { ...NOTHING, groupId: consumerGroup, memberId: `member-${round}`, memberEpoch: 0, rebalanceTimeoutMs: 60_000 }
    const joined = await settled(() =>
      client.request(consumerGroupHeartbeat, 1, { ...join, subscribedTopicNames: [topic], topicPartitions: [] })
    )
    const consumer = { group: consumerGroup, member: join.memberId, epoch: joined.memberEpoch }
    for (const [groupId, memberId, epoch] of [
      [classicGroup, classic.member, classic.generation],
      [consumerGroup, consumer.member, consumer.epoch]
    ] as const) {
      const partitions = [{ partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: -1, committedMetadata: 'm' }]
      const topics = [{ name: topic, partitions }]
      await client.request(offsetCommit, 9, { groupId, memberId, generationIdOrMemberEpoch: epoch, topics })
    }
    const init = () => settled(() => client.request(initProducerId, 4, { transactionalId: id, transactionTimeoutMs: 60_000 }))
    // Twice, so that there is an epoch of before.
    await init()
    const { producerId, producerEpoch } = await init()
    const add = {
      v3AndBelowTransactionalId: id,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: topic, partitions: [0] }]
    }
    await settled(async () => ({
      errorCode: (await client.request(addPartitionsToTxn, 3, add)).resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode
    }))
    return { topic, topicId, classic, consumer, transaction: { id, producerId, epoch: producerEpoch } }
  }

  /** Kafka knows a topic some time after it has made it. */
  async #idOf(topic: string): Promise<string> {
    for (;;) {
      const found = (await this.session.topics()).find(([name]) => name === topic)
      if (found) return found[1]
      await delay(10)
    }
  }

  async #classic(group: string, topic: string): Promise<State['classic']> {
    const { client } = this.session
    const writer = new Writer()
    writer.int16(0)
    encode(consumerProtocolSubscription, 0, writer, { topics: [topic], userData: null })
    const instance = `instance-${group}`
    const body = {
      groupId: group,
      sessionTimeoutMs: 60_000,
      rebalanceTimeoutMs: 60_000,
      memberId: '',
      groupInstanceId: instance,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: writer.toBuffer() }]
    }
    const { memberId, generationId } = await settled(() => client.request(joinGroup, 7, body))
    const assignments = [{ memberId, assignment: Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) }]
    const sync = {
      groupId: group,
      generationId,
      memberId,
      groupInstanceId: instance,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments
    }
    await settled(() => client.request(syncGroup, 5, sync))
    return { group, member: memberId, generation: generationId, instance }
  }

  /** What must be the same on both sides, and after a request that fails. */
  async snapshot({ topic, classic, consumer, transaction }: State): Promise<unknown> {
    const { client } = this.session
    const groupIds = [classic.group, consumer.group]
    const described = await client.request(describeGroups, 5, { groups: [classic.group], includeAuthorizedOperations: false })
    const { groups } = await client.request(consumerGroupDescribe, 1, { groupIds: [consumer.group], includeAuthorizedOperations: false })
    const fetched = await client.request(offsetFetch, 8, {
      groupId: '',
      topics: [],
      groups: groupIds.map((groupId) => ({ groupId, topics: null })),
      requireStable: false
    })
    const transactionStates = await this.#transactions(transaction.id)
    return {
      classic: described.groups.map(({ errorCode, groupState, protocolType, protocolData, members }) => [
        errorCode,
        groupState,
        protocolType,
        protocolData,
        members.map(({ groupInstanceId, memberAssignment }) => [groupInstanceId, memberAssignment.toString()])
      ]),
      consumer: groups.map(({ errorCode, groupState, groupEpoch, assignmentEpoch, members }) => [
        errorCode,
        groupState,
        groupEpoch,
        assignmentEpoch,
        members.map(({ memberId, memberEpoch, subscribedTopicNames }) => [memberId, memberEpoch, subscribedTopicNames]).toSorted()
      ]),
      offsets: fetched.groups
        .flatMap(({ groupId, topics }) =>
          topics.flatMap(({ name, partitions }) =>
            partitions.map(({ partitionIndex, committedOffset, metadata }) =>
              [groupId, name, partitionIndex, committedOffset, metadata].join(' ')
            )
          )
        )
        .toSorted(),
      transaction: transactionStates.map(({ errorCode, transactionState, transactionTimeoutMs, producerEpoch, topics }) => [
        errorCode,
        transactionState,
        transactionTimeoutMs,
        producerEpoch - transaction.epoch,
        topics.map((each) => `${each.topic === topic ? 'own' : each.topic} ${each.partitions.toSorted().join()}`).toSorted()
      ])
    }
  }

  /** An ending that is decided takes a moment. */
  async #transactions(id: string) {
    for (;;) {
      const { transactionStates } = await this.session.client.request(describeTransactions, 0, { transactionalIds: [id] })
      if (!transactionStates.some(({ transactionState }) => transactionState.startsWith('Prepare'))) return transactionStates
      await delay(2)
    }
  }

  told(_state: State, answer: Answer): string {
    return typeof answer === 'string' ? answer : errors(answer).join(' ')
  }
}

/** Every error code of an answer, with the place where it stands. */
function errors(answer: unknown, place = ''): string[] {
  if (typeof answer !== 'object' || answer === null || ArrayBuffer.isView(answer)) return []
  if (Array.isArray(answer)) return answer.flatMap((each, at) => errors(each, `${place}[${at}]`))
  return Object.entries(answer).flatMap(([name, value]) =>
    /errorCode$/i.test(name) ? [`${place}.${name}=${value as number}`] : errors(value, `${place}.${name}`)
  )
}
