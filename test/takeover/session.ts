/** What a client does in these tests, by the protocol: the same requests for Apache Kafka and for Sluice. Errors are rejections. */
import { setTimeout as delay } from 'node:timers/promises'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.js'
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.js'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.js'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.js'
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { deleteRecords } from '../../src/protocol/messages/21-delete-records.js'
import { alterReplicaLogDirs } from '../../src/protocol/messages/34-alter-replica-log-dirs.js'
import { describeLogDirs } from '../../src/protocol/messages/35-describe-log-dirs.js'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.js'
import { describeTopicPartitions } from '../../src/protocol/messages/75-describe-topic-partitions.js'
import { RawClient } from '../support/raw-client.js'

const PATIENCE_MS = 30_000
const PAUSE_MS = 20
/** What passes: a leader, a coordinator or a file that is not ready yet, a transaction whose predecessor is still being completed. */
const PASSING: readonly number[] = [
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.CONCURRENT_TRANSACTIONS
]

/** Repeats a request until its error is none that passes. Gives the answer, with whatever error. */
export async function settled<A extends { readonly errorCode: number }>(request: () => Promise<A>): Promise<A> {
  for (const end = Date.now() + PATIENCE_MS; ;) {
    const answer = await request()
    if (!PASSING.includes(answer.errorCode) || Date.now() > end) return answer
    await delay(PAUSE_MS)
  }
}

function succeeded<A extends { readonly errorCode: number }>(what: string, answer: A): A {
  if (answer.errorCode !== ErrorCode.NONE) throw new Error(`${what}: error ${answer.errorCode}`)
  return answer
}

export class Session {
  readonly client: RawClient

  private constructor(client: RawClient) {
    this.client = client
  }

  static async connect(address: { readonly host: string; readonly port: number }): Promise<Session> {
    return new Session(await RawClient.connect(address))
  }

  close(): void {
    this.client.close()
  }

  async createTopic(name: string, numPartitions: number, settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const configs = Object.entries(settings).map(([key, value]) => ({ name: key, value }))
    const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs }
    const { topics } = await this.client.request(createTopics, 7, { topics: [topic], timeoutMs: 10_000, validateOnly: false })
    succeeded(`${name}: ${topics[0]!.errorMessage}`, topics[0]!)
  }

  /** Name, id and leaders of every topic. */
  async topics(): Promise<[name: string | null, id: string, leaders: number[]][]> {
    const { topics } = await this.client.request(describeTopicPartitions, 0, { topics: [] })
    return topics.map(({ name, topicId, partitions }) => [name, topicId, partitions.map(({ leaderId }) => leaderId)])
  }

  async setTopic(name: string, settings: Readonly<Record<string, string>>): Promise<void> {
    const configs = Object.entries(settings).map(([key, value]) => ({ name: key, configOperation: 0, value }))
    const resources = [{ resourceType: 2, resourceName: name, configs }]
    const { responses } = await this.client.request(incrementalAlterConfigs, 1, { resources, validateOnly: false })
    succeeded(name, responses[0]!)
  }

  /** Produces as it is, with acks=all. The answer may tell of an error, but of none that passes. */
  produce(topic: string, index: number, records: Buffer, transactionalId: string | null = null) {
    return settled(async () => {
      const topicData = [{ name: topic, partitionData: [{ index, records }] }]
      const { responses } = await this.client.request(produce, 12, { transactionalId, acks: -1, timeoutMs: 10_000, topicData })
      const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
      return { errorCode, baseOffset }
    })
  }

  /** Produces. Gives the offset of the first record. */
  async send(topic: string, index: number, records: Buffer, transactionalId: string | null = null): Promise<number> {
    return succeeded(`${topic}-${index}`, await this.produce(topic, index, records, transactionalId)).baseOffset
  }

  /** `timestamp`: of the protocol: -1 the end, -2 the start, -3 the largest timestamp, or a time. */
  async offsetAt(topic: string, partitionIndex: number, timestamp: number, isolationLevel = 0) {
    const partitions = [{ partitionIndex, currentLeaderEpoch: -1, timestamp }]
    const found = await settled(async () => {
      const { topics } = await this.client.request(listOffsets, 7, { replicaId: -1, isolationLevel, topics: [{ name: topic, partitions }] })
      return topics[0]!.partitions[0]!
    })
    const { offset, timestamp: at } = succeeded(`${topic}-${partitionIndex}`, found)
    return { offset, timestamp: at }
  }

  async deleteBefore(topic: string, partitionIndex: number, offset: number): Promise<void> {
    const topics = [{ name: topic, partitions: [{ partitionIndex, offset }] }]
    const answer = await this.client.request(deleteRecords, 2, { topics, timeoutMs: 10_000 })
    succeeded(topic, answer.topics[0]!.partitions[0]!)
  }

  /** Where a partition is, or is to be when it is created. */
  async prefer(dir: string, topic: string, partition: number): Promise<void> {
    await this.client.request(alterReplicaLogDirs, 2, { dirs: [{ path: dir, topics: [{ name: topic, partitions: [partition] }] }] })
  }

  async dirOf(topic: string, partition: number): Promise<string | undefined> {
    const { results } = await this.client.request(describeLogDirs, 4, { topics: [{ topic, partitions: [partition] }] })
    return results.find(({ topics }) => topics.length > 0)?.logDir
  }

  /** Resolves when the coordinator of a group (0) or of a transactional id (1) serves. */
  async coordinator(key: string, keyType: 0 | 1): Promise<void> {
    const find = () => this.client.request(findCoordinator, 3, { key, keyType })
    succeeded(key, await settled(find))
  }

  async commitOffset(groupId: string, topic: string, partitionIndex: number, committedOffset: number): Promise<void> {
    await this.coordinator(groupId, 0)
    const partitions = [{ partitionIndex, committedOffset, committedMetadata: `up to ${committedOffset}` }]
    const commit = async () => {
      const topics = [{ name: topic, partitions }]
      const answer = await this.client.request(offsetCommit, 8, { groupId, memberId: '', topics })
      return answer.topics[0]!.partitions[0]!
    }
    succeeded(groupId, await settled(commit))
  }

  async committedOffset(groupId: string, topic: string, partitionIndex: number) {
    await this.coordinator(groupId, 0)
    const asked = [{ name: topic, partitionIndexes: [partitionIndex] }]
    const fetched = await settled(() => this.client.request(offsetFetch, 7, { groupId, topics: asked }))
    const { committedOffset, metadata } = succeeded(groupId, fetched).topics[0]!.partitions[0]!
    return { committedOffset, metadata }
  }
}
