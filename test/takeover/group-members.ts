/** Two members of a consumer group (KIP-848) by the protocol, which go on with another broker that has taken the folder over. */
import { setTimeout as delay } from 'node:timers/promises'
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.js'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.js'
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/68-consumer-group-heartbeat.js'
import { consumerGroupDescribe } from '../../src/protocol/messages/69-consumer-group-describe.js'
import { RawClient } from '../support/raw-client.js'

const NOTHING_NEW = {
  instanceId: null,
  rackId: null,
  rebalanceTimeoutMs: -1,
  subscribedTopicNames: null,
  subscribedTopicRegex: null,
  serverAssignor: null,
  topicPartitions: null
}

export class Members {
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

  /** Until each has its two partitions: a new topic is not known to the coordinator of Kafka at once. */
  async settle(): Promise<void> {
    const settled = (): boolean => ['a', 'b'].every((memberId) => this.#state.get(memberId)?.assigned[0]?.partitions.length === 2)
    for (let round = 0; round < 4 || (!settled() && round < 400); round++) {
      for (const memberId of ['a', 'b']) await this.beat(memberId)
      if (round >= 4) await delay(25)
    }
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
