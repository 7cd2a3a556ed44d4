/** ConsumerGroupHeartbeat: joins, stays, reports what it has, learns what it is to have, leaves (KIP-848). */
import { ErrorCode } from '../../../protocol/error-codes.js'
import type { ConsumerHeartbeatContext, ConsumerHeartbeatRequest, ConsumerHeartbeatResponse, TopicIdPartitions } from '../messages.js'
import type { GroupDirectory } from './directory.js'
import { consumerGroupFor, enter } from './enter.js'
import type { ConsumerGroup } from './group.js'
import { leave } from './leave.js'
import {
  currentOf,
  isReconciledTo,
  MemberEpoch,
  MemberState,
  newMember,
  partitionsOf,
  sameNames,
  sameOwned,
  samePartitions,
  subscriptionOf,
  topicPartitions,
  type ConsumerMember,
  type OwnedPartitions
} from './member.js'
import { reconcile } from './reconcile.js'
import { refused, refusedHeartbeat, unknownMember, wrongInstance, type Refusal } from './refusal.js'
import { followRegexes } from './regexes.js'
import { emit, followChanges, followEpoch, tooManyPartitions, type ConsumerTurn } from './target.js'
import { awaitRevocation, cancelTimers, keepSession, revocationDone, sessionKey } from './timers.js'
import { invalid, invalidRegex } from './validate.js'

export function consumerHeartbeat(
  turn: ConsumerTurn,
  directory: GroupDirectory,
  request: ConsumerHeartbeatRequest,
  context: ConsumerHeartbeatContext
): ConsumerHeartbeatResponse {
  const { consumer, maxRecordBytes } = turn.config
  const refusal = invalid(request, context.makesOwnId, { assignors: consumer.assignors, maxBytes: maxRecordBytes })
  if (refusal) return refusedHeartbeat(refusal)
  if (request.memberEpoch < MemberEpoch.join) return leave(turn, directory, request)
  return stay(turn, directory, request.memberId === '' ? { ...request, memberId: directory.newUuid() } : request, context)
}

function stay(
  turn: ConsumerTurn,
  directory: GroupDirectory,
  request: ConsumerHeartbeatRequest,
  context: ConsumerHeartbeatContext
): ConsumerHeartbeatResponse {
  const { memberId, memberEpoch } = request
  const joins = memberEpoch === MemberEpoch.join
  // Everything is checked before anything is changed.
  const place = consumerGroupFor(turn, directory, request.groupId, joins)
  if ('errorCode' in place) return refusedHeartbeat(place)
  const refusal = notAdmitted(turn, place.group, request)
  if (refusal) return refusedHeartbeat(refusal)
  const unknown = place.group?.members.get(memberId) ?? newMember(memberId)
  const wanted = subscribed(unknown, request, context)
  if (wanted !== unknown && tooManyPartitions(turn, place.group, wanted)) return refusedHeartbeat(tooLarge(request.groupId))
  enter(turn, place)
  const existing = directory.consumer(request.groupId)
  const replaced = joins && request.instanceId !== null ? existing?.staticMember(request.instanceId) : undefined
  if (replaced) replaceStatic(turn, existing!, replaced, memberId)
  const before = existing?.members.get(memberId) ?? newMember(memberId)
  const asked = subscribed(before, request, context)
  const group = subscribe(turn, directory, request.groupId, before, asked)
  if (group.unassignable?.epoch === group.epoch && (joins || getsNothing(group, memberId)))
    return refusedHeartbeat(tooLarge(request.groupId))
  const after = reconcileMember(turn, group, memberId, request.topicPartitions, asked !== before)
  keepSession(turn, group, after)
  const tellsAll =
    request.rebalanceTimeoutMs !== -1 &&
    request.topicPartitions !== null &&
    (request.subscribedTopicNames ?? request.subscribedTopicRegex) !== null
  const tellsBack = joins || tellsAll || !samePartitions(before.assigned, after.assigned)
  const idle = asked === before && !tellsBack && request.topicPartitions === null && isIdle(group, after, memberEpoch)
  const stands = idle ? turn.standing?.stand(group.groupId, sessionKey(group.groupId, memberId)) : undefined
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    memberId,
    memberEpoch: after.epoch,
    heartbeatIntervalMs: turn.config.consumer.heartbeatIntervalMs(group.groupId),
    assignment: tellsBack ? { topicPartitions: topicPartitions(after.assigned) } : null,
    ...(stands && { standing: stands })
  }
}

/** What a regular expression matches may be found out only after the join. Who has partitions goes on with them. */
function getsNothing(group: ConsumerGroup, memberId: string): boolean {
  const member = group.members.get(memberId)
  return member !== undefined && member.assigned.size + member.revoking.size + group.target(memberId).size === 0
}

/** Time alone changes nothing of the group, and nothing is left to be told. Regular expressions are looked up again after a while. */
function isIdle(group: ConsumerGroup, member: ConsumerMember, memberEpoch: number): boolean {
  return member.epoch === memberEpoch && group.epoch === group.assignmentEpoch && isReconciledTo(member, group.epoch) && !group.usesRegexes
}

// As Kafka answers what its coordinator can't write.
function tooLarge(groupId: string): Refusal {
  const message = `A member of group ${groupId} would get more partitions than fit a record of __consumer_offsets.`
  return refused(ErrorCode.UNKNOWN_SERVER_ERROR, message)
}

/** Why this member cannot be in the group, or not with this epoch. `group` is undefined if it does not exist yet. */
function notAdmitted(turn: ConsumerTurn, group: ConsumerGroup | undefined, request: ConsumerHeartbeatRequest): Refusal | undefined {
  const { memberId, memberEpoch, instanceId, subscribedTopicRegex } = request
  const { maxSize } = turn.config.consumer
  const member = group?.members.get(memberId)
  if (group && group.members.size >= maxSize && !member) {
    return refused(ErrorCode.GROUP_MAX_SIZE_REACHED, `The consumer group has reached its maximum capacity of ${maxSize} members.`)
  }
  const refusal = instanceId === null ? wrongDynamic(group, request) : wrongStatic(group, request, instanceId)
  if (refusal) return refusal
  if (subscribedTopicRegex === null || subscribedTopicRegex === '' || subscribedTopicRegex === member?.regex) return undefined
  return memberEpoch < MemberEpoch.join ? undefined : invalidRegex(subscribedTopicRegex)
}

function wrongDynamic(
  group: ConsumerGroup | undefined,
  { groupId, memberId, memberEpoch, topicPartitions: owned }: ConsumerHeartbeatRequest
) {
  const member = group?.members.get(memberId)
  if (!member) return memberEpoch === MemberEpoch.join ? undefined : unknownMember(memberId, groupId)
  return wrongEpoch(member, memberEpoch, owned)
}

function wrongStatic(group: ConsumerGroup | undefined, request: ConsumerHeartbeatRequest, instanceId: string): Refusal | undefined {
  const { memberId, memberEpoch } = request
  const member = group?.staticMember(instanceId)
  if (memberEpoch === MemberEpoch.join) {
    // A member of the classic protocol may be replaced at any time: so it is upgraded.
    if (!member || member.classic || member.epoch === MemberEpoch.leaveStatic) return undefined
    const owner = `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by`
    return refused(ErrorCode.UNRELEASED_INSTANCE_ID, `${owner} ${member.memberId} member.`)
  }
  return wrongInstance(member, memberId, instanceId) ?? wrongEpoch(member!, memberEpoch, request.topicPartitions)
}

/**
 * A member that joins again is told where it stands. The epoch before will do if the response with the new one was lost: the member has at
 * most what it was given then.
 */
function wrongEpoch(member: ConsumerMember, epoch: number, owned: readonly TopicIdPartitions[] | null): Refusal | undefined {
  if (epoch === member.epoch || epoch === MemberEpoch.join) return undefined
  const lost = epoch < member.epoch && epoch === member.previousEpoch && owned !== null && isPartOf(owned, member.assigned)
  if (lost) return undefined
  const message =
    `The consumer group member has a ${epoch > member.epoch ? 'greater' : 'smaller'} member epoch (${epoch}) than the one known by the group ` +
    `coordinator (${member.epoch}). The member must abandon all its partitions and rejoin.`
  return refused(ErrorCode.FENCED_MEMBER_EPOCH, message)
}

function isPartOf(owned: readonly TopicIdPartitions[], assigned: OwnedPartitions): boolean {
  return owned.every(({ topicId, partitions }) => {
    const known = assigned.get(topicId)
    return known !== undefined && partitions.every((partition) => known.has(partition))
  })
}

/** The member as it wants to be; the same object if nothing has changed. */
function subscribed(
  member: ConsumerMember,
  request: ConsumerHeartbeatRequest,
  { clientId, clientHost }: ConsumerHeartbeatContext
): ConsumerMember {
  if (saysNothing(request) && clientId === member.clientId && clientHost === member.clientHost && member.classic === null) return member
  const topicNames = request.subscribedTopicNames === null ? member.topicNames : [...new Set(request.subscribedTopicNames)].toSorted()
  const asked: ConsumerMember = {
    ...member,
    instanceId: request.instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? member.serverAssignor,
    topicNames,
    regex: request.subscribedTopicRegex ?? member.regex,
    clientId,
    clientHost,
    classic: null
  }
  const same =
    asked.instanceId === member.instanceId &&
    asked.rackId === member.rackId &&
    asked.rebalanceTimeoutMs === member.rebalanceTimeoutMs &&
    asked.serverAssignor === member.serverAssignor &&
    sameNames(topicNames, member.topicNames) &&
    asked.regex === member.regex &&
    clientId === member.clientId &&
    clientHost === member.clientHost &&
    member.classic === null
  return same ? member : asked
}

/** Of itself: as nearly every heartbeat of a member that has told it once. */
function saysNothing(request: ConsumerHeartbeatRequest): boolean {
  return (
    request.instanceId === null &&
    request.rackId === null &&
    request.rebalanceTimeoutMs === -1 &&
    request.serverAssignor === null &&
    request.subscribedTopicNames === null &&
    request.subscribedTopicRegex === null
  )
}

/** Stores what the member says of itself, and what follows for the group: its epoch and target assignment. A group begins with that. */
export function subscribe(
  turn: ConsumerTurn,
  directory: GroupDirectory,
  groupId: string,
  before: ConsumerMember,
  asked: ConsumerMember
): ConsumerGroup {
  if (asked !== before) {
    turn.effects.emit({ type: 'consumer', part: 'member', groupId, memberId: asked.memberId, value: subscriptionOf(asked) })
  }
  const group = directory.consumer(groupId)!
  const changed = !sameNames(asked.topicNames, before.topicNames) || asked.regex !== before.regex
  const matchesOthers = followRegexes(turn, group)
  followChanges(turn, group, changed || matchesOthers)
  followEpoch(turn, group)
  return group
}

/** One step towards the member's target. */
export function reconcileMember(
  turn: ConsumerTurn,
  group: ConsumerGroup,
  memberId: string,
  owned: readonly TopicIdPartitions[] | null,
  subscriptionChanged: boolean
): ConsumerMember {
  const member = group.members.get(memberId)!
  if (isReconciledTo(member, group.assignmentEpoch) && !subscriptionChanged) return member
  const names = new Set(group.topicsOf(member))
  const next = reconcile(member, {
    targetEpoch: group.assignmentEpoch,
    target: group.target(memberId),
    isOwned: (topicId, partition) => group.isOwned(topicId, partition),
    isSubscribed: (topicId) => names.has(turn.topics.byId(topicId)?.name ?? ''),
    reported: owned === null ? undefined : partitionsOf(owned)
  })
  if (sameCurrent(member, next)) return member
  emit(turn, group, { part: 'current', memberId, value: currentOf(next) })
  if (!next.classic) {
    if (next.state === MemberState.unrevoked) awaitRevocation(turn, group, next)
    else revocationDone(turn, group, memberId)
  }
  return group.members.get(memberId)!
}

function sameCurrent(a: ConsumerMember, b: ConsumerMember): boolean {
  if (a === b) return true
  const same = a.epoch === b.epoch && a.previousEpoch === b.previousEpoch && a.state === b.state
  return same && sameOwned(a.assigned, b.assigned) && sameOwned(a.revoking, b.revoking)
}

/** A static member came back with another id (KIP-345): it takes over target and partitions of the one before. */
export function replaceStatic(turn: ConsumerTurn, group: ConsumerGroup, old: ConsumerMember, memberId: string): void {
  const target = group.target(old.memberId)
  cancelTimers(turn, group, old.memberId)
  const member: ConsumerMember = { ...old, memberId, epoch: 0, previousEpoch: 0 }
  emit(turn, group, { part: 'current', memberId: old.memberId, value: null })
  emit(turn, group, { part: 'target', memberId: old.memberId, value: null })
  emit(turn, group, { part: 'member', memberId: old.memberId, value: null })
  emit(turn, group, { part: 'member', memberId, value: subscriptionOf(member) })
  emit(turn, group, { part: 'target', memberId, value: { topicPartitions: topicPartitions(target) } })
  emit(turn, group, { part: 'current', memberId, value: currentOf(member) })
}
