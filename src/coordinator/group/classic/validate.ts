/** Who may speak for a member. */
import { ErrorCode } from '../../../protocol/error-codes.js'
import type { ClassicGroup } from './group.js'

/** NONE, UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID: the instance id belongs to another member id by now. */
export function validateMember(group: ClassicGroup, memberId: string, instanceId: string | null): number {
  if (instanceId !== null) {
    const current = group.staticMembers.get(instanceId)
    if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
    if (current !== memberId) return ErrorCode.FENCED_INSTANCE_ID
  }
  return group.members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID
}

/** As `validateMember`, and the generation must be the current one. */
export function validateGeneration(group: ClassicGroup, memberId: string, instanceId: string | null, generation: number): number {
  const error = validateMember(group, memberId, instanceId)
  if (error !== ErrorCode.NONE) return error
  return generation === group.generation ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION
}
