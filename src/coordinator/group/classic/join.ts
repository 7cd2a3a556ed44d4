/** JoinGroup of classic groups: new, pending, known and static members. */
import { ErrorCode } from '../../../protocol/error-codes.js'
import type { Reply } from '../../shard.js'
import type { JoinContext, JoinGroupRequest, JoinGroupResponse } from '../messages.js'
import { joinError, joined, UNKNOWN_MEMBER } from './answers.js'
import { storedSize, type ClassicGroup } from './group.js'
import { ClassicMember } from './member.js'
import { dismiss, failSyncs, maybeCompleteJoin, prepareRebalance, rebalanceOrCompleteJoin, type Turn } from './rebalance.js'
import { cancelSession, keepSession, NEW_MEMBER_JOIN_TIMEOUT_MS, scheduleSession } from './timers.js'
import { validateMember } from './validate.js'

/** One JoinGroup, with what is needed to answer it. */
interface Join {
  readonly turn: Turn
  readonly group: ClassicGroup
  readonly request: JoinGroupRequest
  readonly context: JoinContext
  readonly reply: Reply<JoinGroupResponse>
}

/** `newUuid` makes the unique part of a member id. */
export function join(entry: Join, newUuid: () => string): void {
  const { turn, group, request, reply } = entry
  const known = request.memberId !== UNKNOWN_MEMBER
  const refuse = (errorCode: number, memberId = request.memberId): void => turn.effects.reply(reply, joinError(errorCode, memberId))
  if (!accepts(group, request.memberId, turn.config.maxSize)) {
    refuse(ErrorCode.GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER)
    return turnAway(turn, group, request.memberId)
  }
  if (!group.supports(request.protocolType, request.protocols)) return refuse(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  if (known) return joinKnown(entry)
  const memberId = `${request.groupInstanceId ?? entry.context.clientId}-${newUuid()}`
  if (request.groupInstanceId !== null) return joinStatic(entry, request.groupInstanceId, memberId)
  if (!entry.context.requiresKnownMemberId) return addMember(entry, memberId)
  // KIP-394: a client that never comes back with its id must not hold up the group longer than a session.
  group.pendingJoin.add(memberId)
  scheduleSession(turn.effects, group, memberId, request.sessionTimeoutMs)
  refuse(ErrorCode.MEMBER_ID_REQUIRED, memberId)
}

/** group.max.size counts those who have joined; in a rebalance, those who have joined again. */
function accepts(group: ClassicGroup, memberId: string, maxSize: number): boolean {
  switch (group.state) {
    case 'Empty':
      return true
    case 'PreparingRebalance':
      return group.members.get(memberId)?.awaitingJoin !== undefined || group.awaitingJoin < maxSize
    case 'CompletingRebalance':
    case 'Stable':
      return group.members.has(memberId) || group.members.size < maxSize
  }
}

/** Who holds a place (a pending id, or a member of a group whose limit was lowered) loses it. */
function turnAway(turn: Turn, group: ClassicGroup, memberId: string): void {
  const member = group.members.get(memberId)
  if (member) dismiss(turn, group, member)
  else if (group.pendingJoin.delete(memberId)) cancelSession(turn.effects, group, memberId)
  else return
  maybeCompleteJoin(turn, group)
}

function joinStatic(entry: Join, instanceId: string, memberId: string): void {
  const oldId = entry.group.staticMembers.get(instanceId)
  const old = oldId === undefined ? undefined : entry.group.members.get(oldId)
  if (old) replaceStatic(entry, old, memberId)
  else addMember(entry, memberId)
}

function joinKnown(entry: Join): void {
  const { turn, group, request, reply } = entry
  const { effects } = turn
  if (group.pendingJoin.has(request.memberId) && request.groupInstanceId === null) return addMember(entry, request.memberId)
  const error = validateMember(group, request.memberId, request.groupInstanceId)
  if (error !== ErrorCode.NONE) return effects.reply(reply, joinError(error, request.memberId))
  const member = group.members.get(request.memberId)!
  const unchanged = member.supportsExactly(request.protocols)
  if (group.state === 'CompletingRebalance' && unchanged) {
    // It has joined this generation, the response was lost.
    return effects.reply(reply, joined(group, member.memberId))
  }
  if (group.state === 'Stable' && unchanged && group.leader !== member.memberId) {
    return effects.reply(reply, { ...joined(group, member.memberId), members: [] })
  }
  updateMember(entry, member)
  rebalanceOrCompleteJoin(turn, group)
}

/** The new JoinGroup takes the place of one that is parked: its connection is gone, or it will retry. */
function updateMember({ turn, group, request, reply }: Join, member: ClassicMember): void {
  group.answerJoin(member, joinError(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId), turn.effects)
  group.update(member, {
    protocols: request.protocols,
    rebalanceTimeoutMs: rebalanceTimeout(request),
    sessionTimeoutMs: request.sessionTimeoutMs
  })
  group.park(member, reply)
}

function addMember({ turn, group, request, context, reply }: Join, memberId: string): void {
  const member = new ClassicMember({
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: context.clientId,
    clientHost: context.clientHost,
    rebalanceTimeoutMs: rebalanceTimeout(request),
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocols: request.protocols
  })
  member.isNew = true
  if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') group.newMemberAdded = true
  group.add(member, request.protocolType, reply)
  // The session proper begins when the join is answered.
  scheduleSession(turn.effects, group, memberId, NEW_MEMBER_JOIN_TIMEOUT_MS)
  rebalanceOrCompleteJoin(turn, group)
}

/**
 * A static member came back without its id (KIP-345): it gets a new one, and whoever still uses the old one is fenced. In a stable group
 * whose protocol stays the same that is all: it keeps its assignment and nobody rebalances.
 */
function replaceStatic(entry: Join, old: ClassicMember, memberId: string): void {
  const { turn, group } = entry
  const { effects } = turn
  const previousLeader = group.leader ?? ''
  group.answerJoin(old, joinError(ErrorCode.FENCED_INSTANCE_ID, old.memberId), effects)
  group.answerSync(
    old,
    { errorCode: ErrorCode.FENCED_INSTANCE_ID, protocolType: null, protocolName: null, assignment: new Uint8Array(0) },
    effects
  )
  cancelSession(effects, group, old.memberId)
  const member = group.replaceStatic(old, memberId)
  updateMember(entry, member)
  keepSession(effects, group, member)
  switch (group.state) {
    case 'Stable':
      if (group.selectProtocol() !== group.protocol) return rebalanceOrCompleteJoin(turn, group)
      return resumeStatic(entry, member, previousLeader)
    case 'CompletingRebalance':
      return prepareRebalance(turn, group)
    default:
      return maybeCompleteJoin(turn, group)
  }
}

function resumeStatic({ turn, group, context }: Join, member: ClassicMember, previousLeader: string): void {
  const { effects, config } = turn
  const stored = group.store(effects.now, ({ assignment }) => assignment)
  if (storedSize(stored) > config.maxRecordBytes) {
    group.answerJoin(member, joinError(ErrorCode.UNKNOWN_SERVER_ERROR, UNKNOWN_MEMBER), effects)
    failSyncs(turn, group, ErrorCode.UNKNOWN_SERVER_ERROR)
    return prepareRebalance(turn, group)
  }
  effects.emit({ type: 'group', groupId: group.groupId, value: stored })
  const leads = group.leader === member.memberId
  const answer = context.supportsSkippingAssignment
    ? { ...joined(group, member.memberId), skipAssignment: leads }
    : // Before KIP-814 a leader always assigns: it is told the old id, so that it takes itself for a follower.
      { ...joined(group, member.memberId), leader: previousLeader, members: [] }
  group.answerJoin(group.members.get(member.memberId)!, answer, effects)
}

/** JoinGroup v0 has no rebalance time-out. */
function rebalanceTimeout(request: JoinGroupRequest): number {
  return request.rebalanceTimeoutMs < 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs
}
