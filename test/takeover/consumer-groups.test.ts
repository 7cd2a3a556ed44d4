/** A consumer group (KIP-848) goes with its folder from Apache Kafka to Sluice and back: its members go on as if nothing had happened. */
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.js'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.js'
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/68-consumer-group-heartbeat.js'
import { consumerGroupDescribe } from '../../src/protocol/messages/69-consumer-group-describe.js'
import { freePort } from '../metadata/support/free-port.js'
import { foreignBroker, startChildBroker } from '../support/broker.js'
import { startKafka } from '../support/kafka-broker.js'
import { haveTools } from '../support/kafka-tools.js'
import { RawClient } from '../support/raw-client.js'
import { ownedTempDir } from '../support/temp-dir.js'

const kafkaTest = haveTools && !foreignBroker ? test.serial : test.serial.skip
const SETTINGS = { 'offsets.topic.num.partitions': '1', 'group.consumer.assignment.interval.ms': '0' }
const NOTHING_NEW = {
  instanceId: null,
  rackId: null,
  rebalanceTimeoutMs: -1,
  subscribedTopicNames: null,
  subscribedTopicRegex: null,
  serverAssignor: null,
  topicPartitions: null
}

class Members {
  readonly #client: RawClient
  /** By member id. */
  readonly #state: Map<string, { epoch: number; assigned: { topicId: string; partitions: number[] }[] }>

  constructor(client: RawClient, before?: Members) {
    this.#client = client
    this.#state = before ? before.#state : new Map()
  }

  static async connect(bootstrap: string, before?: Members): Promise<Members> {
    const [host = '', port = ''] = bootstrap.split(':')
    const client = await RawClient.connect({ host, port: Number(port) })
    for (let tries = 0; tries < 300; tries++) {
      const { coordinators } = await client.request(findCoordinator, 4, { keyType: 0, coordinatorKeys: ['g'], key: '' })
      const { groups } = await client.request(consumerGroupDescribe, 1, { groupIds: ['g'], includeAuthorizedOperations: false })
      // NOT_COORDINATOR and COORDINATOR_LOAD_IN_PROGRESS pass.
      if (coordinators[0]!.errorCode === 0 && ![14, 15, 16].includes(groups[0]!.errorCode)) return new Members(client, before)
      await delay(100)
    }
    throw new Error('no coordinator')
  }

  async createTopic(name: string): Promise<void> {
    const topics = [{ name, numPartitions: 4, replicationFactor: 1, assignments: [], configs: [] }]
    await this.#client.request(createTopics, 7, { topics, timeoutMs: 10_000, validateOnly: false })
  }

  async beat(memberId: string): Promise<void> {
    const member = this.#state.get(memberId)
    const first = { ...NOTHING_NEW, rebalanceTimeoutMs: 60_000, subscribedTopicNames: ['t'], topicPartitions: [] }
    const later = { ...NOTHING_NEW, topicPartitions: member?.assigned ?? null }
    const request = { groupId: 'g', memberId, memberEpoch: member?.epoch ?? 0, ...(member ? later : first) }
    const { errorCode, errorMessage, memberEpoch, assignment } = await this.#client.request(consumerGroupHeartbeat, 1, request)
    if (errorCode !== 0) throw new Error(`${memberId}: ${errorCode} ${errorMessage}`)
    this.#state.set(memberId, { epoch: memberEpoch, assigned: assignment?.topicPartitions ?? member?.assigned ?? [] })
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 4; round++) for (const memberId of ['a', 'b']) await this.beat(memberId)
  }

  async commit(memberId: string, partitionIndex: number): Promise<number> {
    const partitions = [{ partitionIndex, committedOffset: 7, committedLeaderEpoch: -1, committedMetadata: '' }]
    const request = {
      groupId: 'g',
      generationIdOrMemberEpoch: this.#state.get(memberId)!.epoch,
      memberId,
      topics: [{ name: 't', partitions }]
    }
    return (await this.#client.request(offsetCommit, 9, request)).topics[0]!.partitions[0]!.errorCode
  }

  async describe() {
    const { groups } = await this.#client.request(consumerGroupDescribe, 1, { groupIds: ['g'], includeAuthorizedOperations: false })
    const { groupState, groupEpoch, members } = groups[0]!
    const shares = members.map(({ memberId, assignment }) => [memberId, ...(assignment.topicPartitions[0]?.partitions.toSorted() ?? [])])
    // A new epoch would begin if the hash of the topics were another (KIP-1101).
    return { groupState, groupEpoch, shares: shares.toSorted((one, other) => (String(one[0]) < String(other[0]) ? -1 : 1)) }
  }

  close(): void {
    this.#client.close()
  }
}

kafkaTest('the members of a consumer group outlive a change of brokers, there and back', async (t) => {
  t.timeout(240_000)
  const { dir, remove } = await ownedTempDir()
  t.teardown(remove)
  const port = await freePort()
  const kafka = await startKafka({ port, dir, settings: SETTINGS })
  let members = await Members.connect(kafka.bootstrap)
  await members.createTopic('t')
  await members.beat('a')
  await members.settle()
  const before = await members.describe()
  t.is(before.groupState, 'Stable')
  t.deepEqual(
    before.shares.map((share) => share.length),
    [3, 3]
  )
  members.close()
  await kafka.stop()

  const sluice = await startChildBroker({ dir: `${dir}/data`, settings: SETTINGS })
  t.teardown(() => sluice.stop())
  members = await Members.connect(sluice.bootstrap, members)
  await members.settle()
  t.deepEqual(await members.describe(), before)
  t.is(await members.commit('a', before.shares[0]![1] as number), 0)
  members.close()
  await sluice.stop()

  const again = await startKafka({ port, dir, settings: SETTINGS })
  t.teardown(() => again.stop())
  members = await Members.connect(again.bootstrap, members)
  await members.settle()
  t.deepEqual(await members.describe(), before)
  t.is(await members.commit('b', before.shares[1]![1] as number), 0)
  members.close()
})
