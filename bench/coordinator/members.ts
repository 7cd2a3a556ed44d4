/** Members of groups as bare requests: classic ones, and those of the consumer protocol (KIP-848). */
import { heartbeat } from '../../src/protocol/messages/12-heartbeat.js'
import { joinGroup } from '../../src/protocol/messages/11-join-group.js'
import { leaveGroup } from '../../src/protocol/messages/13-leave-group.js'
import { syncGroup } from '../../src/protocol/messages/14-sync-group.js'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/68-consumer-group-heartbeat.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { Writer } from '../../src/protocol/writer.js'
import { requestFrame } from '../../test/support/raw-client.js'
import { answerOf, expectNone, type Line } from './line.js'

const JOIN_VERSION = 9
const SYNC_VERSION = 5
const HEARTBEAT_VERSION = 4
const LEAVE_VERSION = 5
const CONSUMER_VERSION = 1
const SESSION_TIMEOUT_MS = 45_000
const REBALANCE_TIMEOUT_MS = 300_000
const PROTOCOL_TYPE = 'consumer'
const ASSIGNOR = 'range'

/** What both protocols have in common. */
export interface Member {
  readonly line: Line
  /** The heartbeat of a member that has nothing to tell; new when epoch or generation are. */
  readonly idleHeartbeat: Buffer
  /** Throws Error when the answer to `idleHeartbeat` is not "go on". */
  checkIdle(answer: Buffer): void
}

/** A member that joins, waits for the others, and shares out the partitions when it leads. */
export class ClassicMember implements Member {
  readonly line: Line
  readonly #group: string
  readonly #topic: string
  #memberId = ''
  #generation = -1
  #userData = 0
  /** Of the partitions of its last assignment. */
  partitions = 0
  #idle: Buffer | undefined

  constructor(line: Line, group: string, topic: string) {
    this.line = line
    this.#group = group
    this.#topic = topic
  }

  get generation(): number {
    return this.#generation
  }

  get idleHeartbeat(): Buffer {
    return (this.#idle ??= requestFrame(heartbeat, HEARTBEAT_VERSION, {
      groupId: this.#group,
      generationId: this.#generation,
      memberId: this.#memberId
    }))
  }

  checkIdle(answer: Buffer): void {
    expectNone('Heartbeat', answerOf(heartbeat, HEARTBEAT_VERSION, answer).errorCode)
  }

  /** Until it has an assignment of a generation: again when another rebalance comes between. A new subscription each time, which makes a generation. */
  async join(): Promise<void> {
    this.#userData++
    for (;;) {
      const joined = await this.line.request(joinGroup, JOIN_VERSION, {
        groupId: this.#group,
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
        memberId: this.#memberId,
        protocolType: PROTOCOL_TYPE,
        protocols: [{ name: ASSIGNOR, metadata: subscription(this.#topic, this.#userData) }]
      })
      this.#memberId = joined.memberId
      if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) continue
      expectNone('JoinGroup', joined.errorCode)
      const isLeader = joined.leader === joined.memberId
      const synced = await this.line.request(syncGroup, SYNC_VERSION, {
        groupId: this.#group,
        generationId: joined.generationId,
        memberId: this.#memberId,
        protocolType: PROTOCOL_TYPE,
        protocolName: ASSIGNOR,
        assignments: isLeader ? joined.members.map(({ memberId }, at) => ({ memberId, assignment: assignmentOf(this.#topic, at) })) : []
      })
      if (synced.errorCode === ErrorCode.REBALANCE_IN_PROGRESS) continue
      expectNone('SyncGroup', synced.errorCode)
      if (synced.assignment.length === 0) throw new Error('a member was assigned nothing')
      this.#generation = joined.generationId
      this.#idle = undefined
      return
    }
  }

  /** Whether the group has gone on to another generation without it. */
  async mustRejoin(): Promise<boolean> {
    const { errorCode } = answerOf(heartbeat, HEARTBEAT_VERSION, await this.line.ask(this.idleHeartbeat))
    if (errorCode === ErrorCode.REBALANCE_IN_PROGRESS || errorCode === ErrorCode.ILLEGAL_GENERATION) return true
    expectNone('Heartbeat', errorCode)
    return false
  }

  async leave(): Promise<void> {
    await this.line.request(leaveGroup, LEAVE_VERSION, { groupId: this.#group, memberId: '', members: [{ memberId: this.#memberId }] })
  }
}

/** A member of the consumer protocol: it joins, takes what it is given, gives back what it is told to. */
export class ConsumerMember implements Member {
  readonly line: Line
  readonly #group: string
  readonly #topic: string
  readonly memberId: string
  #epoch = 0
  #owned: { topicId: string; partitions: number[] }[] = []
  #idle: Buffer | undefined

  constructor(line: Line, group: string, topic: string, memberId: string) {
    this.line = line
    this.#group = group
    this.#topic = topic
    this.memberId = memberId
  }

  get epoch(): number {
    return this.#epoch
  }

  get partitions(): number {
    return this.#owned.reduce((sum, { partitions }) => sum + partitions.length, 0)
  }

  get idleHeartbeat(): Buffer {
    return (this.#idle ??= requestFrame(consumerGroupHeartbeat, CONSUMER_VERSION, this.#body({})))
  }

  checkIdle(answer: Buffer): void {
    const { errorCode, errorMessage, assignment } = answerOf(consumerGroupHeartbeat, CONSUMER_VERSION, answer)
    expectNone('ConsumerGroupHeartbeat', errorCode, errorMessage)
    if (assignment !== null) throw new Error('a member that nothing happens to was assigned something')
  }

  /** Enters the group with a whole heartbeat, and acknowledges what it was given. */
  async join(): Promise<void> {
    const changed = await this.#beat({ rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS, subscribedTopicNames: [this.#topic], topicPartitions: [] })
    if (changed) await this.beat()
  }

  /** A heartbeat that tells what it owns; acknowledges at once what the answer changes. Tells whether anything has changed. */
  async beat(): Promise<boolean> {
    let changed = false
    while (await this.#beat({ topicPartitions: this.#owned })) changed = true
    return changed
  }

  async leave(): Promise<void> {
    this.#epoch = -1
    await this.#beat({})
  }

  async #beat(told: Told): Promise<boolean> {
    const answer = await this.line.request(consumerGroupHeartbeat, CONSUMER_VERSION, this.#body(told))
    expectNone('ConsumerGroupHeartbeat', answer.errorCode, answer.errorMessage)
    const changed = answer.assignment !== null || answer.memberEpoch !== this.#epoch
    this.#epoch = answer.memberEpoch
    if (answer.assignment !== null)
      this.#owned = answer.assignment.topicPartitions.map(({ topicId, partitions }) => ({ topicId, partitions: [...partitions] }))
    if (changed) this.#idle = undefined
    return changed
  }

  #body(told: Told) {
    return { groupId: this.#group, memberId: this.memberId, memberEpoch: this.#epoch, ...told }
  }
}

/** What a heartbeat tells besides who sends it. */
interface Told {
  readonly rebalanceTimeoutMs?: number
  readonly subscribedTopicNames?: readonly string[]
  readonly topicPartitions?: readonly { readonly topicId: string; readonly partitions: readonly number[] }[]
}

/** ConsumerProtocolSubscription, version 1: one topic, user data, no owned partitions. */
function subscription(topic: string, userData: number): Buffer {
  const writer = new Writer()
  writer.int16(1)
  writer.int32(1)
  writer.string(topic)
  writer.int32(4)
  writer.int32(userData)
  writer.int32(0)
  return writer.toBuffer()
}

/** ConsumerProtocolAssignment, version 1: one partition, no user data. */
function assignmentOf(topic: string, partition: number): Buffer {
  const writer = new Writer()
  writer.int16(1)
  writer.int32(1)
  writer.string(topic)
  writer.int32(1)
  writer.int32(partition)
  writer.int32(-1)
  return writer.toBuffer()
}
