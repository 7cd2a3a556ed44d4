/** Staying in a classic group, and leaving it. */
import { ErrorCode } from '../../../protocol/error-codes.js'
import type { HeartbeatRequest, HeartbeatResponse, LeaveGroupRequest, LeaveGroupResponse, MemberIdentity } from '../messages.js'
import { UNKNOWN_MEMBER } from './answers.js'
import type { ClassicGroup } from './group.js'
import { completeJoin, dismiss, maybeCompleteJoin, prepareRebalance, rebalanceOrCompleteJoin, type Turn } from './rebalance.js'
import { cancelSession, keepSession, memberKey } from './timers.js'
import { validateGeneration, validateMember } from './validate.js'

/** NONE, or why the member must act: REBALANCE_IN_PROGRESS tells it to join again. */
export function heartbeat({ effects, standing }: Turn, group: ClassicGroup, request: HeartbeatRequest): HeartbeatResponse {
  const { memberId, groupInstanceId, generationId } = request
  const errorCode = validateGeneration(group, memberId, groupInstanceId, generationId)
  if (errorCode !== ErrorCode.NONE) return { errorCode }
  keepSession(effects, group, group.members.get(memberId)!)
  if (group.state === 'PreparingRebalance') return { errorCode: ErrorCode.REBALANCE_IN_PROGRESS }
  const stands = group.state === 'Stable' ? standing?.stand(group.groupId, memberKey(group.groupId, memberId)) : undefined
  return { errorCode, ...(stands && { standing: stands }) }
}

/** Each member is answered by itself; then the group rebalances once. */
export function leave(turn: Turn, group: ClassicGroup, request: LeaveGroupRequest): LeaveGroupResponse {
  const members = request.members.map((identity) => ({
    memberId: identity.memberId,
    groupInstanceId: identity.groupInstanceId,
    errorCode: leaveOne(turn, group, identity)
  }))
  if (members.some(({ errorCode }) => errorCode === ErrorCode.NONE)) {
    if (group.state === 'Stable' || group.state === 'CompletingRebalance') rebalanceOrCompleteJoin(turn, group)
    else maybeCompleteJoin(turn, group)
  }
  return { errorCode: ErrorCode.NONE, members }
}

function leaveOne(turn: Turn, group: ClassicGroup, { memberId, groupInstanceId }: MemberIdentity): number {
  if (memberId === UNKNOWN_MEMBER) {
    // An administrator removes a static member by its instance id alone (KIP-345).
    const current = groupInstanceId === null ? undefined : group.staticMembers.get(groupInstanceId)
    if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
    dismiss(turn, group, group.members.get(current)!)
    return ErrorCode.NONE
  }
  if (group.pendingJoin.has(memberId)) {
    group.remove(memberId)
    cancelSession(turn.effects, group, memberId)
    return ErrorCode.NONE
  }
  const error = validateMember(group, memberId, groupInstanceId)
  if (error === ErrorCode.NONE) dismiss(turn, group, group.members.get(memberId)!)
  return error
}

/** A session has ended. Who waits for a join or sync is alive, except a new member that has waited too long. */
export function onMemberExpired(turn: Turn, group: ClassicGroup, memberId: string): void {
  if (group.pendingJoin.has(memberId)) {
    group.remove(memberId)
    if (group.state === 'PreparingRebalance' && group.hasAllMembersJoined) completeJoin(turn, group)
    return
  }
  const member = group.members.get(memberId)
  if (!member || (!member.isNew && (member.awaitingJoin || member.awaitingSync))) return
  dismiss(turn, group, member)
  if (group.state === 'Stable' || group.state === 'CompletingRebalance') prepareRebalance(turn, group)
  else if (group.state === 'PreparingRebalance' && group.hasAllMembersJoined) completeJoin(turn, group)
}
