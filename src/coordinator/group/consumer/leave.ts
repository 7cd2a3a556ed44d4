/** How members go: they leave, or are fenced. */
import { ErrorCode } from '../../../protocol/error-codes.js'
import type { ConsumerHeartbeatRequest, ConsumerHeartbeatResponse } from '../messages.js'
import type { GroupDirectory } from './directory.js'
import { downgrade, mayDowngrade } from './downgrade.js'
import { notConsumer } from './enter.js'
import type { ConsumerGroup } from './group.js'
import { currentOf, MemberEpoch, MemberState, NOTHING_OWNED, type ConsumerMember } from './member.js'
import { refused, refusedHeartbeat, unknownMember, wrongInstance } from './refusal.js'
import { followRegexes } from './regexes.js'
import { removeMember } from './remove.js'
import { emit, nextEpoch, type ConsumerTurn } from './target.js'
import { revocationDone } from './timers.js'

/** Epoch -1, or -2 of a static member that will be back before its session ends. */
export function leave(turn: ConsumerTurn, directory: GroupDirectory, request: ConsumerHeartbeatRequest): ConsumerHeartbeatResponse {
  const { groupId, memberId, memberEpoch, instanceId } = request
  const group = directory.consumer(groupId)
  if (!group) {
    const exists = directory.classic(groupId) !== undefined || directory.otherKind(groupId) !== undefined
    return refusedHeartbeat(exists ? notConsumer(groupId) : refused(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`))
  }
  const member = instanceId === null ? group.members.get(memberId) : group.staticMember(instanceId)
  const refusal =
    instanceId === null ? (member ? undefined : unknownMember(memberId, groupId)) : wrongInstance(member, memberId, instanceId)
  if (refusal) return refusedHeartbeat(refusal)
  if (memberEpoch === MemberEpoch.leaveStatic) leaveForAWhile(turn, group, member!)
  else fence(turn, directory, group, [member!])
  return { errorCode: ErrorCode.NONE, errorMessage: null, memberId, memberEpoch, heartbeatIntervalMs: 0, assignment: null }
}

/** It keeps its partitions until its session ends. */
function leaveForAWhile(turn: ConsumerTurn, group: ConsumerGroup, member: ConsumerMember): void {
  const left: ConsumerMember = {
    ...member,
    epoch: MemberEpoch.leaveStatic,
    previousEpoch: member.epoch,
    state: MemberState.stable,
    revoking: NOTHING_OWNED
  }
  revocationDone(turn, group, member.memberId)
  emit(turn, group, { part: 'current', memberId: member.memberId, value: currentOf(left) })
}

/** Takes members out. If all that remain use the classic protocol, the group becomes a classic one. */
export function fence(turn: ConsumerTurn, directory: GroupDirectory, group: ConsumerGroup, members: readonly ConsumerMember[]): void {
  if (mayDowngrade(turn, group, members)) return downgrade(turn, directory, group, members)
  for (const { memberId } of members) removeMember(turn, group, memberId)
  followRegexes(turn, group)
  nextEpoch(turn, group)
}
