/** Refusals of requests of consumer groups. */
import { ErrorCode } from '../../../protocol/error-codes.js'
import type { ConsumerHeartbeatResponse } from '../messages.js'
import type { ConsumerMember } from './member.js'

/** Why a request of a consumer group is refused: the error and a sentence for whoever reads the client's log. */
export interface Refusal {
  readonly errorCode: number
  readonly errorMessage: string
}

export function refused(errorCode: number, errorMessage: string): Refusal {
  return { errorCode, errorMessage }
}

export function refusedHeartbeat({
  errorCode,
  errorMessage
}: {
  readonly errorCode: number
  readonly errorMessage: string | null
}): ConsumerHeartbeatResponse {
  return { errorCode, errorMessage, memberId: null, memberEpoch: 0, heartbeatIntervalMs: 0, assignment: null }
}

export function unknownMember(memberId: string, groupId: string): Refusal {
  return refused(ErrorCode.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${groupId}.`)
}

/** The instance id is nobody's, or another member's by now. */
export function wrongInstance(member: ConsumerMember | undefined, memberId: string, instanceId: string): Refusal | undefined {
  if (!member) return refused(ErrorCode.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`)
  if (member.memberId === memberId) return undefined
  const message = `Static member ${memberId} with instance id ${instanceId} was fenced by member ${member.memberId}.`
  return refused(ErrorCode.FENCED_INSTANCE_ID, message)
}
