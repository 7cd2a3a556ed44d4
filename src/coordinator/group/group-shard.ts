/**
 * One partition of `__consumer_offsets` as a state machine: its groups and their offsets. Requests come as methods; each answers through
 * `reply`, at once or later.
 */
import { ErrorCode } from '../../protocol/error-codes.js'
import type { RecordOrigin, Reply, Shard } from '../shard.js'
import type { StandingAnswers } from '../standing-answers.js'
import { joinError, syncError } from './classic/answers.js'
import { ClassicGroup } from './classic/group.js'
import { join } from './classic/join.js'
import { heartbeat, leave, onMemberExpired } from './classic/membership.js'
import { onInitialJoinTimer, onJoinTimer, onSyncTimer, prepareRebalance, type Turn } from './classic/rebalance.js'
import { sync } from './classic/sync.js'
import { cancelAll, keepSession } from './classic/timers.js'
import { heartbeatConsumerGroup, joinConsumerGroup, leaveConsumerGroup, syncConsumerGroup } from './consumer/classic-members.js'
import { describeConsumerGroup, describeError } from './consumer/describe.js'
import type { ConsumerGroup } from './consumer/group.js'
import { ConsumerGroups } from './consumer/groups.js'
import { consumerHeartbeat } from './consumer/heartbeat.js'
import { removeGroup } from './consumer/remove.js'
import type { ConsumerTurn } from './consumer/target.js'
import type { GroupConfig } from './group-config.js'
import { describeGroup, listGroups } from './group-queries.js'
import type { GroupEffects, GroupRecord, GroupTimer } from './group-records.js'
import { NO_TOPICS, type GroupTopics } from './group-topics.js'
import type * as messages from './messages.js'
import { commitOffsets, commitTransactionalOffsets, deleteOffsets } from './offsets/offset-commit.js'
import { deleteAllOffsets, deleteOffset, expireOffsets } from './offsets/offset-expiry.js'
import { fetchOffsets } from './offsets/offset-fetch.js'
import { OffsetStore } from './offsets/offset-store.js'
import { OtherGroups } from './other-groups.js'
import { canBeStored, fitsRecord } from './storable.js'

export interface GroupShardOptions {
  readonly config: GroupConfig
  /** The unique part of a member id. */
  readonly newUuid: () => string
  readonly topics?: GroupTopics
  readonly standing?: StandingAnswers
}

export class GroupShard implements Shard<GroupRecord, GroupTimer> {
  readonly #config: GroupConfig
  readonly #newUuid: () => string
  readonly groups = new Map<string, ClassicGroup>()
  readonly offsets = new OffsetStore()
  readonly others = new OtherGroups()
  readonly consumers: ConsumerGroups
  readonly #topics: GroupTopics
  readonly #standing: StandingAnswers | undefined

  constructor({ config, newUuid, topics = NO_TOPICS, standing }: GroupShardOptions) {
    this.#config = config
    this.#newUuid = newUuid
    this.#topics = topics
    this.#standing = standing
    this.consumers = new ConsumerGroups({
      classic: (groupId) => this.groups.get(groupId),
      otherKind: (groupId) => this.others.kindOf(groupId),
      newUuid
    })
  }

  // The writers of hard state.

  replay(record: GroupRecord, { producerId }: RecordOrigin): void {
    if (record.type !== 'offset') this.#standing?.revoke(record.groupId)
    switch (record.type) {
      case 'group':
        if (record.value === null) this.groups.delete(record.groupId)
        else this.#groupOf(record.groupId).install(record.value)
        return
      case 'offset':
        if (record.value !== null && !this.#isOfOtherKind(record.groupId)) this.#groupOf(record.groupId)
        this.offsets.replay(record.groupId, record.topic, record.partition, record.value, producerId)
        return
      case 'consumer':
        this.consumers.replay(record)
        return this.#dropSimple(record.groupId)
      case 'other':
        this.others.replay(record)
        this.#dropSimple(record.groupId)
    }
  }

  /** A group id is of one kind at a time: offsets alone had made it a classic one. */
  #dropSimple(groupId: string): void {
    if (this.#isOfOtherKind(groupId) && this.groups.get(groupId)?.stored === undefined) this.groups.delete(groupId)
  }

  #isOfOtherKind(groupId: string): boolean {
    return this.consumers.get(groupId) !== undefined || this.others.kindOf(groupId) !== undefined
  }

  replayTransactionEnd(producerId: number, committed: boolean): void {
    this.offsets.replayTransactionEnd(producerId, committed)
  }

  #groupOf(groupId: string): ClassicGroup {
    let group = this.groups.get(groupId)
    if (!group) this.groups.set(groupId, (group = new ClassicGroup(groupId)))
    return group
  }

  // Events.

  onLoaded(effects: GroupEffects): void {
    for (const group of this.groups.values()) {
      for (const member of group.members.values()) keepSession(effects, group, member)
      // group.max.size was lowered: the members join again, and some are turned away then.
      if (group.members.size > this.#config.maxSize) prepareRebalance(this.#turn(effects), group)
    }
    this.consumers.onLoaded(this.#consumerTurn(effects))
    this.#scheduleCleanUp(effects)
  }

  onTimer(event: GroupTimer, effects: GroupEffects): void {
    const turn = this.#turn(effects)
    if (event.type === 'clean-up') {
      this.#cleanUp(effects)
      return this.#scheduleCleanUp(effects)
    }
    this.#standing?.revoke(event.groupId)
    if (isConsumerTimer(event)) return this.consumers.onTimer(event, this.#consumerTurn(effects))
    const group = this.groups.get(event.groupId)
    if (!group) return
    switch (event.type) {
      case 'member-expired':
        return onMemberExpired(turn, group, event.memberId)
      case 'initial-join':
        return onInitialJoinTimer(turn, group, event.delayMs, event.remainingMs)
      case 'join':
        return onJoinTimer(turn, group)
      case 'sync':
        return onSyncTimer(turn, group, event.generation)
    }
  }

  /** Topics were deleted: what groups had committed of them is of no use any more. */
  onTopicsDeleted(topics: ReadonlySet<string>, effects: GroupEffects): void {
    for (const groupId of this.#groupIdsWithOffsets()) {
      for (const place of [...this.offsets.of(groupId), ...this.offsets.pendingOf(groupId)]) {
        if (topics.has(place.topic)) deleteOffset(effects, groupId, place)
      }
    }
  }

  // Requests.

  join(
    request: messages.JoinGroupRequest,
    context: messages.JoinContext,
    reply: Reply<messages.JoinGroupResponse>,
    effects: GroupEffects
  ): void {
    const { groupId, memberId, sessionTimeoutMs } = request
    this.#standing?.revoke(groupId)
    const refuse = (errorCode: number): void => effects.reply(reply, joinError(errorCode, memberId))
    if (groupId === '' || !fitsRecord(groupId)) return refuse(ErrorCode.INVALID_GROUP_ID)
    if (!canBeStored(request, context)) return refuse(ErrorCode.INVALID_REQUEST)
    if (sessionTimeoutMs < this.#config.minSessionTimeoutMs || sessionTimeoutMs > this.#config.maxSessionTimeoutMs) {
      return refuse(ErrorCode.INVALID_SESSION_TIMEOUT)
    }
    const consumers = this.consumers.get(groupId)
    if (consumers && !consumers.isEmpty) {
      return effects.reply(reply, joinConsumerGroup(this.#consumerTurn(effects), this.consumers, consumers, request, context))
    }
    if (!this.groups.has(groupId)) {
      if (memberId !== '') return refuse(ErrorCode.UNKNOWN_MEMBER_ID)
      const fits = this.others.kindOf(groupId) === undefined && new ClassicGroup(groupId).supports(request.protocolType, request.protocols)
      if (!fits) return refuse(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
      if (consumers) removeGroup(this.#consumerTurn(effects), consumers)
    }
    if (this.groups.get(groupId)?.stored === undefined) this.#create(groupId, effects)
    join({ turn: this.#turn(effects), group: this.groups.get(groupId)!, request, context, reply }, this.#newUuid)
  }

  /** Stored before it has a member, so that a group whose members are still joining is found after a restart. */
  #create(groupId: string, effects: GroupEffects): void {
    effects.emit({
      type: 'group',
      groupId,
      value: { protocolType: '', generation: 0, protocol: null, leader: null, currentStateTimestamp: effects.now, members: [] }
    })
  }

  sync(request: messages.SyncGroupRequest, reply: Reply<messages.SyncGroupResponse>, effects: GroupEffects): void {
    if (request.groupId === '') return effects.reply(reply, syncError(ErrorCode.INVALID_GROUP_ID))
    const consumers = this.consumers.get(request.groupId)
    if (consumers) return effects.reply(reply, syncConsumerGroup(this.#consumerTurn(effects), consumers, request))
    const group = this.groups.get(request.groupId)
    if (!group) return effects.reply(reply, syncError(ErrorCode.UNKNOWN_MEMBER_ID))
    sync(this.#turn(effects), group, request, reply)
  }

  heartbeat(request: messages.HeartbeatRequest, effects: GroupEffects): messages.HeartbeatResponse {
    if (request.groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID }
    const consumers = this.consumers.get(request.groupId)
    if (consumers) return { errorCode: heartbeatConsumerGroup(this.#consumerTurn(effects), consumers, request) }
    const group = this.groups.get(request.groupId)
    return group ? heartbeat(this.#turn(effects), group, request) : { errorCode: ErrorCode.UNKNOWN_MEMBER_ID }
  }

  leave(request: messages.LeaveGroupRequest, effects: GroupEffects): messages.LeaveGroupResponse {
    this.#standing?.revoke(request.groupId)
    if (request.groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID, members: [] }
    const consumers = this.consumers.get(request.groupId)
    if (consumers) return leaveConsumerGroup(this.#consumerTurn(effects), this.consumers, consumers, request)
    const group = this.groups.get(request.groupId)
    if (group) return leave(this.#turn(effects), group, request)
    const members = request.members.map(({ memberId, groupInstanceId }) => ({
      memberId,
      groupInstanceId,
      errorCode: ErrorCode.UNKNOWN_MEMBER_ID
    }))
    return { errorCode: ErrorCode.NONE, members }
  }

  consumerHeartbeat(
    request: messages.ConsumerHeartbeatRequest,
    context: messages.ConsumerHeartbeatContext,
    effects: GroupEffects
  ): messages.ConsumerHeartbeatResponse {
    return consumerHeartbeat(this.#consumerTurn(effects), this.consumers, request, context)
  }

  describeConsumerGroup(groupId: string): messages.DescribedConsumerGroup {
    const group = this.consumers.get(groupId)
    if (group) return describeConsumerGroup(group, this.#topics, this.#config.consumer.assignors[0] ?? '')
    if (groupId === '') return describeError(ErrorCode.INVALID_GROUP_ID, groupId)
    const exists = this.groups.has(groupId) || this.others.kindOf(groupId) !== undefined
    const message = exists ? `Group ${groupId} is not a consumer group.` : `Group ${groupId} not found.`
    return describeError(ErrorCode.GROUP_ID_NOT_FOUND, groupId, message)
  }

  commitOffsets(request: messages.OffsetCommitRequest, knowsGroupIdNotFound: boolean, effects: GroupEffects): messages.TopicErrorsResponse {
    if (!fitsRecord(request.groupId)) return { errorCode: ErrorCode.INVALID_GROUP_ID, topics: [] }
    return commitOffsets(this.#turn(effects), this.#committing(request.groupId), request, knowsGroupIdNotFound)
  }

  commitTransactionalOffsets(request: messages.TxnOffsetCommitRequest, effects: GroupEffects): messages.TopicErrorsResponse {
    if (!fitsRecord(request.groupId)) return { errorCode: ErrorCode.INVALID_GROUP_ID, topics: [] }
    return commitTransactionalOffsets(this.#turn(effects), this.#committing(request.groupId), request)
  }

  fetchOffsets(request: messages.OffsetFetchRequest): messages.OffsetFetchResponse {
    return fetchOffsets(this.offsets, this.consumers.get(request.groupId), request)
  }

  deleteOffsets(request: messages.OffsetDeleteRequest, effects: GroupEffects): messages.TopicErrorsResponse {
    return deleteOffsets(this.#turn(effects), this.offsets, this.#committing(request.groupId), request)
  }

  /** Empty filters let everything through. Both ignore case. */
  listGroups(states: readonly string[], types: readonly string[]): messages.ListedGroup[] {
    return listGroups(this.groups.values(), this.consumers.values(), this.others, states, types)
  }

  describeGroup(groupId: string): messages.DescribedGroup {
    return describeGroup(groupId, this.groups.get(groupId), this.#isOfOtherKind(groupId))
  }

  deleteGroup(groupId: string, effects: GroupEffects): number {
    const group = this.groups.get(groupId)
    if (!group && !this.#isOfOtherKind(groupId)) return ErrorCode.GROUP_ID_NOT_FOUND
    if ((group && group.state !== 'Empty') || this.consumers.get(groupId)?.isEmpty === false) return ErrorCode.NON_EMPTY_GROUP
    deleteAllOffsets(effects, this.offsets, groupId)
    this.#remove(groupId, effects)
    return ErrorCode.NONE
  }

  #remove(groupId: string, effects: GroupEffects): void {
    for (const tombstone of this.others.tombstones(groupId)) effects.emit(tombstone)
    const consumers = this.consumers.get(groupId)
    if (consumers) removeGroup(this.#consumerTurn(effects), consumers)
    const group = this.groups.get(groupId)
    if (!group) return
    cancelAll(effects, group)
    effects.emit({ type: 'group', groupId, value: null })
  }

  #cleanUp(effects: GroupEffects): void {
    for (const group of this.groups.values()) {
      const unused = expireOffsets(effects, this.offsets, group, this.#config)
      if (unused && group.state === 'Empty' && group.pendingJoin.size === 0) this.#remove(group.groupId, effects)
    }
    for (const group of this.consumers.values()) {
      const unused = expireOffsets(effects, this.offsets, group, this.#config)
      if (unused && group.isEmpty) this.#remove(group.groupId, effects)
    }
  }

  /** The group whose members may commit, or undefined. */
  #committing(groupId: string): ClassicGroup | ConsumerGroup | undefined {
    return this.groups.get(groupId) ?? this.consumers.get(groupId)
  }

  #scheduleCleanUp(effects: GroupEffects): void {
    effects.schedule('clean-up', this.#config.offsetsRetentionCheckIntervalMs, { type: 'clean-up' })
  }

  #groupIdsWithOffsets(): string[] {
    return [...new Set([...this.offsets.groupIds(), ...this.groups.keys()])]
  }

  #turn(effects: GroupEffects): Turn {
    return { config: this.#config, effects, ...(this.#standing && { standing: this.#standing }) }
  }

  #consumerTurn(effects: GroupEffects): ConsumerTurn {
    return { ...this.#turn(effects), topics: this.#topics }
  }
}

function isConsumerTimer(event: GroupTimer): event is Extract<GroupTimer, { type: `consumer-${string}` }> {
  return event.type.startsWith('consumer-')
}
