/**
 * The group coordinator as handlers see it: each request finds the shard of its group. Responses are values; a shard that is not led, still
 * loading or whose write failed gives the protocol's error in the field of the response that is meant for it.
 */
import type { Clock } from '../../clock.js'
import { ErrorCode } from '../../protocol/error-codes.js'
import type { CoordinatorLog } from '../coordinator-log.js'
import { partitionFor } from '../partition-for.js'
import { CoordinatorRuntime, type CoordinatorLogger } from '../runtime.js'
import type { StandingAnswers } from '../standing-answers.js'
import { joinError, syncError } from './classic/answers.js'
import { groupCodec } from './group-codec.js'
import { heldToBatches, type GroupConfig } from './group-config.js'
import { describeError } from './consumer/describe.js'
import { refusedHeartbeat } from './consumer/refusal.js'
import type { GroupEffects, GroupRecord, GroupTimer } from './group-records.js'
import { GroupShard } from './group-shard.js'
import type { GroupTopics } from './group-topics.js'
import type * as messages from './messages.js'

export const GROUP_TOPIC = '__consumer_offsets'

export interface GroupCoordinatorOptions {
  readonly clock: Clock
  readonly logger: CoordinatorLogger
  readonly log: CoordinatorLog
  readonly config: GroupConfig
  /** How many partitions `__consumer_offsets` has, or would get. */
  readonly partitions: () => number
  /** The unique part of a member id: a uuid, unguessable. */
  readonly newUuid: () => string
  /** What the metadata says of topics: consumer groups are assigned partitions by it. */
  readonly topics?: GroupTopics
  /** Handles requests that have arrived already, before a session may expire. */
  readonly beforeTimers?: () => void
  /** Heartbeats in groups where nothing happens are answered by native code. Absent: each comes here. */
  readonly standing?: StandingAnswers
}

/** Who sends a request. */
export interface GroupRequestContext {
  readonly apiVersion: number
  readonly clientId: string | null
  readonly clientAddress: string
}

export class GroupCoordinator {
  readonly #runtime: CoordinatorRuntime<GroupShard, GroupRecord, GroupTimer>
  readonly #partitions: () => number
  readonly #log: CoordinatorLog

  constructor({ clock, logger, log, config, partitions, newUuid, topics, beforeTimers, standing }: GroupCoordinatorOptions) {
    this.#partitions = partitions
    this.#log = log
    this.#runtime = new CoordinatorRuntime({
      topic: GROUP_TOPIC,
      clock,
      log,
      logger,
      codec: groupCodec,
      newShard: (partition) =>
        new GroupShard({
          config: heldToBatches(config, () => log.maxBatchBytes(partition)),
          newUuid,
          ...(topics && { topics }),
          ...(standing && { standing })
        }),
      ...(beforeTimers && { beforeTimers }),
      ...(standing && { standing })
    })
  }

  /** The partition of `__consumer_offsets` that holds the group; its leader is the group's coordinator. */
  partitionFor(groupId: string): number {
    return partitionFor(groupId, this.#partitions())
  }

  /** This broker leads the partition: loads it. */
  elect(partition: number): Promise<void> {
    return this.#runtime.elect(partition)
  }

  /** This broker leads the partition no longer. */
  resign(partition: number): void {
    this.#runtime.resign(partition)
  }

  /** Resolved when all partitions that are loading now are loaded. */
  whenLoaded(): Promise<void> {
    return this.#runtime.whenLoaded()
  }

  /** The partitions coordinated here. */
  partitions(): number[] {
    return this.#runtime.partitions()
  }

  /** Removes what groups have committed of these topics. */
  topicsDeleted(topics: Iterable<string>): void {
    const names = new Set(topics)
    if (names.size > 0) this.#runtime.runOnAll((shard, effects) => shard.onTopicsDeleted(names, effects))
  }

  /** Topics came, went or have other partitions; the `topics` that were passed in tell of it already. */
  topicsChanged(): void {
    this.#runtime.runOnAll((shard) => shard.consumers.onTopicsChanged())
  }

  /** Parked until the group's rebalance is complete. */
  joinGroup(request: messages.JoinGroupRequest, context: GroupRequestContext): Promise<messages.JoinGroupResponse> {
    const { clientId, clientAddress, apiVersion } = context
    const joinContext = {
      clientId: clientId ?? '',
      // The text of Java's InetAddress: an empty host name before the slash.
      clientHost: `/${clientAddress}`,
      requiresKnownMemberId: apiVersion >= 4,
      supportsSkippingAssignment: apiVersion >= 9
    }
    return this.#runtime.run(
      this.partitionFor(request.groupId),
      (errorCode) => joinError(errorCode, request.memberId),
      (shard, reply, effects) => shard.join(request, joinContext, reply, effects)
    )
  }

  /** Parked until the leader has sent the assignment. */
  syncGroup(request: messages.SyncGroupRequest): Promise<messages.SyncGroupResponse> {
    return this.#runtime.run(this.partitionFor(request.groupId), syncError, (shard, reply, effects) => shard.sync(request, reply, effects))
  }

  async heartbeat(request: messages.HeartbeatRequest): Promise<messages.HeartbeatResponse> {
    const response = await this.#call(
      request.groupId,
      (errorCode): messages.HeartbeatResponse => ({ errorCode }),
      (shard, effects) => shard.heartbeat(request, effects)
    )
    // While the group is loading nobody's session runs: the member need not do anything.
    return response.errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? { errorCode: ErrorCode.NONE } : response
  }

  /** The one request of members of the consumer protocol (KIP-848). */
  async consumerGroupHeartbeat(
    request: messages.ConsumerHeartbeatRequest,
    { clientId, clientAddress, apiVersion }: GroupRequestContext
  ): Promise<messages.ConsumerHeartbeatResponse> {
    const context = { clientId: clientId ?? '', clientHost: `/${clientAddress}`, makesOwnId: apiVersion >= 1 }
    return this.#call(
      request.groupId,
      (errorCode) => refusedHeartbeat({ errorCode, errorMessage: null }),
      (shard, effects) => shard.consumerHeartbeat(request, context, effects)
    )
  }

  describeConsumerGroup(groupId: string): Promise<messages.DescribedConsumerGroup> {
    return this.#call(
      groupId,
      (errorCode) => describeError(errorCode, groupId),
      (shard) => shard.describeConsumerGroup(groupId)
    )
  }

  leaveGroup(request: messages.LeaveGroupRequest): Promise<messages.LeaveGroupResponse> {
    return this.#call(
      request.groupId,
      (errorCode) => ({ errorCode, members: [] }),
      (shard, effects) => shard.leave(request, effects)
    )
  }

  /** `knowsGroupIdNotFound`: the client understands GROUP_ID_NOT_FOUND here (OffsetCommit v9+). */
  commitOffsets(request: messages.OffsetCommitRequest, knowsGroupIdNotFound: boolean): Promise<messages.TopicErrorsResponse> {
    return this.#call(request.groupId, topicErrors, (shard, effects) => shard.commitOffsets(request, knowsGroupIdNotFound, effects))
  }

  /**
   * Offsets as part of a transaction, which the caller knows to be open. They count after `completeTransaction`. Answered when they are
   * written: a marker that is appended afterwards lies behind them.
   */
  commitTransactionalOffsets(request: messages.TxnOffsetCommitRequest): Promise<messages.TopicErrorsResponse> {
    const partition = this.partitionFor(request.groupId)
    return this.#call(request.groupId, topicErrors, (shard, effects) => {
      // Found out only by the append, it would cost the groups of the whole partition what is in their memory alone.
      const errorCode = this.#log.checkProducer(partition, request)
      return errorCode === ErrorCode.NONE ? shard.commitTransactionalOffsets(request, effects) : topicErrors(errorCode)
    })
  }

  /**
   * Undefined: no offsets of the producer's transaction are on their way to `partition` of `__consumer_offsets`, so that its marker may be
   * appended, in this turn of the event loop: in front of them it would leave them in a transaction that nobody ends. Else a promise: wait for
   * it, and ask again.
   */
  offsetsUnderWay(partition: number, producerId: number): Promise<void> | undefined {
    return this.#runtime.underWay(partition, producerId)
  }

  /**
   * The transaction coordinator has written the marker that ends a producer's transaction into `partition` of `__consumer_offsets`: offsets
   * that were pending count now, or vanish. Call it after the write has succeeded and before the producer is told. Harmless if called
   * again, if the partition is loading, and if it is not coordinated here.
   */
  completeTransaction(partition: number, producerId: number, _producerEpoch: number, commit: boolean): Promise<void> {
    return this.#runtime.endTransaction(partition, producerId, commit)
  }

  fetchOffsets(request: messages.OffsetFetchRequest): Promise<messages.OffsetFetchResponse> {
    return this.#call(
      request.groupId,
      (errorCode): messages.OffsetFetchResponse => ({ errorCode, topics: [] }),
      (shard) => shard.fetchOffsets(request)
    )
  }

  deleteOffsets(request: messages.OffsetDeleteRequest): Promise<messages.TopicErrorsResponse> {
    return this.#call(request.groupId, topicErrors, (shard, effects) => shard.deleteOffsets(request, effects))
  }

  describeGroup(groupId: string): Promise<messages.DescribedGroup> {
    return this.#call(
      groupId,
      (errorCode) => ({ errorCode, errorMessage: null, groupId, groupState: '', protocolType: '', protocolData: '', members: [] }),
      (shard) => shard.describeGroup(groupId)
    )
  }

  deleteGroup(groupId: string): Promise<messages.ErrorResponse> {
    return this.#call(
      groupId,
      (errorCode) => ({ errorCode }),
      (shard, effects) => ({ errorCode: shard.deleteGroup(groupId, effects) })
    )
  }

  /** The groups coordinated here. One partition that is loading makes the answer COORDINATOR_LOAD_IN_PROGRESS. */
  async listGroups(states: readonly string[], types: readonly string[]): Promise<{ errorCode: number; groups: messages.ListedGroup[] }> {
    const answers = await Promise.all(
      this.#runtime.partitions().map((partition) =>
        this.#runtime.run<{ errorCode: number; groups: messages.ListedGroup[] }>(
          partition,
          (errorCode) => ({ errorCode: errorCode === ErrorCode.NOT_COORDINATOR ? ErrorCode.NONE : errorCode, groups: [] }),
          (shard, reply, effects) => effects.reply(reply, { errorCode: ErrorCode.NONE, groups: shard.listGroups(states, types) })
        )
      )
    )
    const failed = answers.find(({ errorCode }) => errorCode !== ErrorCode.NONE)
    return failed ?? { errorCode: ErrorCode.NONE, groups: answers.flatMap(({ groups }) => groups) }
  }

  /** Answers what is parked and waits for writes under way. */
  close(): Promise<void> {
    return this.#runtime.close()
  }

  /** Runs a request that is answered at once. */
  #call<T>(groupId: string, failed: (errorCode: number) => T, operation: (shard: GroupShard, effects: GroupEffects) => T): Promise<T> {
    return this.#runtime.run<T>(this.partitionFor(groupId), failed, (shard, reply, effects) =>
      effects.reply(reply, operation(shard, effects))
    )
  }
}

function topicErrors(errorCode: number): messages.TopicErrorsResponse {
  return { errorCode, topics: [] }
}
