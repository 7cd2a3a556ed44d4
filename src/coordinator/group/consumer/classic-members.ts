/**
 * Members that speak the classic protocol in a consumer group, while it is upgraded or downgraded (KIP-848). JoinGroup is their heartbeat: one
 * step of reconciliation; generations are epochs, and nobody waits for others. A Heartbeat tells them when to join again.
 */
import { WireError } from '../../../errors.js'
import { readSubscription, type ConsumerSubscription } from '../../../protocol/consumer-protocol.js'
import { ErrorCode } from '../../../protocol/error-codes.js'
import { joinError, syncError } from '../classic/answers.js'
import { CONSUMER } from '../classic/group.js'
import { prepareRebalance } from '../classic/rebalance.js'
import type * as messages from '../messages.js'
import type { GroupDirectory } from './directory.js'
import { becomeClassic, encodedAssignment } from './downgrade.js'
import type { ConsumerGroup } from './group.js'
import { reconcileMember, replaceStatic, subscribe } from './heartbeat.js'
import { fence } from './leave.js'
import { MemberState, newMember, type ConsumerMember } from './member.js'
import { unknownMember, wrongInstance } from './refusal.js'
import type { ConsumerTurn } from './target.js'
import { awaitJoin, awaitSync, joinDone, keepSession, syncDone } from './timers.js'

export function joinConsumerGroup(
  turn: ConsumerTurn,
  directory: GroupDirectory,
  group: ConsumerGroup,
  request: messages.JoinGroupRequest,
  context: messages.JoinContext
): messages.JoinGroupResponse {
  const { groupInstanceId: instanceId } = request
  const unknown = request.memberId === ''
  const memberId = unknown ? directory.newUuid() : request.memberId
  if (group.members.size >= turn.config.consumer.maxSize && !group.members.has(memberId)) {
    return joinError(ErrorCode.GROUP_MAX_SIZE_REACHED, '')
  }
  const names = request.protocols.map(({ name }) => name)
  if (!group.supportsClassic(request.protocolType, names)) return joinError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, request.memberId)
  if (unknown && instanceId === null && context.requiresKnownMemberId) return joinError(ErrorCode.MEMBER_ID_REQUIRED, memberId)
  const existing = instanceId === null ? undefined : group.staticMember(instanceId)
  if (instanceId !== null && !unknown) {
    const refusal = wrongInstance(existing, memberId, instanceId)
    if (refusal) return joinError(refusal.errorCode, request.memberId)
  }
  const subscription = subscriptionOf(request)
  if (!subscription) return joinError(ErrorCode.UNKNOWN_SERVER_ERROR, '')
  const lastOfConsumers = existing !== undefined && !existing.classic && group.classicMembers === group.members.size - 1
  if (existing && existing.memberId !== memberId) replaceStatic(turn, group, existing, memberId)
  const before = group.members.get(memberId) ?? newMember(memberId)
  subscribe(turn, directory, group.groupId, before, asked(before, request, context, subscription))
  const member = reconcileMember(turn, group, memberId, ownedBy(turn, subscription), true)
  joinDone(turn, group, memberId)
  const { mayDowngrade } = turn.config.consumer
  if (lastOfConsumers && mayDowngrade && group.members.size <= turn.config.maxSize) {
    const settled = group.state === 'Stable'
    const classicGroup = becomeClassic(turn, directory, group, [...group.members.values()])
    // Who has not got its target yet would never learn of it.
    if (!settled) prepareRebalance(turn, classicGroup)
  } else {
    keepSession(turn, group, member)
    awaitSync(turn, group, memberId, rebalanceTimeout(request))
  }
  return {
    errorCode: ErrorCode.NONE,
    generationId: member.epoch,
    protocolType: CONSUMER,
    protocolName: names[0]!,
    leader: '',
    skipAssignment: false,
    memberId,
    members: []
  }
}

/** Of the protocol that the member likes best. */
function subscriptionOf({ protocols }: messages.JoinGroupRequest): ConsumerSubscription | undefined {
  try {
    return readSubscription(protocols[0]!.metadata)
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}

function asked(
  member: ConsumerMember,
  request: messages.JoinGroupRequest,
  { clientId, clientHost }: messages.JoinContext,
  subscription: ConsumerSubscription
): ConsumerMember {
  return {
    ...member,
    instanceId: request.groupInstanceId ?? member.instanceId,
    rackId: subscription.rackId ?? member.rackId,
    rebalanceTimeoutMs: rebalanceTimeout(request),
    topicNames: [...new Set(subscription.topics)].toSorted(),
    clientId,
    clientHost,
    classic: { sessionTimeoutMs: request.sessionTimeoutMs, supportedProtocols: request.protocols }
  }
}

function rebalanceTimeout({ rebalanceTimeoutMs, sessionTimeoutMs }: messages.JoinGroupRequest): number {
  return rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs
}

function ownedBy({ topics }: ConsumerTurn, { ownedPartitions }: ConsumerSubscription): messages.TopicIdPartitions[] {
  return ownedPartitions.flatMap(({ topic, partitions }) => {
    const topicId = topics.byName(topic)?.id
    return topicId === undefined ? [] : [{ topicId, partitions }]
  })
}

/** The member, or why it may not speak. */
function memberOf(
  group: ConsumerGroup,
  { memberId, groupInstanceId, generationId }: messages.HeartbeatRequest
): { member: ConsumerMember; errorCode: 0 } | { member: undefined; errorCode: number } {
  const member = groupInstanceId === null ? group.members.get(memberId) : group.staticMember(groupInstanceId)
  const refusal =
    groupInstanceId === null
      ? member
        ? undefined
        : unknownMember(memberId, group.groupId)
      : wrongInstance(member, memberId, groupInstanceId)
  if (refusal) return { member: undefined, errorCode: refusal.errorCode }
  if (!member?.classic) return { member: undefined, errorCode: ErrorCode.UNKNOWN_MEMBER_ID }
  return member.epoch === generationId ? { member, errorCode: 0 } : { member: undefined, errorCode: ErrorCode.ILLEGAL_GENERATION }
}

export function syncConsumerGroup(
  turn: ConsumerTurn,
  group: ConsumerGroup,
  request: messages.SyncGroupRequest
): messages.SyncGroupResponse {
  const { member, errorCode } = memberOf(group, request)
  if (!member) return syncError(errorCode)
  const { protocolType, protocolName, memberId } = request
  const protocol = member.classic!.supportedProtocols[0]!
  const differs = (protocolType !== null && protocolType !== CONSUMER) || (protocolName !== null && protocolName !== protocol.name)
  if (differs) return syncError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  if (group.epoch > member.epoch && member.state !== MemberState.unrevoked) {
    awaitJoin(turn, group, member)
    return syncError(ErrorCode.REBALANCE_IN_PROGRESS)
  }
  syncDone(turn, group, memberId)
  keepSession(turn, group, member)
  const held = [...member.assigned].map(([topicId, partitions]) => [topicId, [...partitions.keys()]] as const)
  return { errorCode: ErrorCode.NONE, protocolType, protocolName, assignment: encodedAssignment(held, protocol.metadata, turn.topics) }
}

export function heartbeatConsumerGroup(turn: ConsumerTurn, group: ConsumerGroup, request: messages.HeartbeatRequest): number {
  const { member, errorCode } = memberOf(group, request)
  if (!member) return errorCode
  keepSession(turn, group, member)
  const mustJoin =
    member.epoch < group.epoch ||
    member.state === MemberState.unrevoked ||
    (member.state === MemberState.unreleased && !group.waitsForOthers(member))
  if (!mustJoin) return ErrorCode.NONE
  awaitJoin(turn, group, member)
  return ErrorCode.REBALANCE_IN_PROGRESS
}

/** Members of either protocol: an administrator may remove those of the consumer protocol, too. */
export function leaveConsumerGroup(
  turn: ConsumerTurn,
  directory: GroupDirectory,
  group: ConsumerGroup,
  request: messages.LeaveGroupRequest
): messages.LeaveGroupResponse {
  const leaving = new Set<ConsumerMember>()
  const members = request.members.map(({ memberId, groupInstanceId }) => {
    const member = groupInstanceId === null ? group.members.get(memberId) : group.staticMember(groupInstanceId)
    const mismatch = groupInstanceId !== null && memberId !== '' ? wrongInstance(member, memberId, groupInstanceId) : undefined
    const errorCode = mismatch?.errorCode ?? (member ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID)
    // One that is named twice leaves once, and is told so twice.
    if (member && errorCode === ErrorCode.NONE) leaving.add(member)
    return { memberId, groupInstanceId, errorCode }
  })
  if (leaving.size > 0) fence(turn, directory, group, [...leaving])
  return { errorCode: ErrorCode.NONE, members }
}
