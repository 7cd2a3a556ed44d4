/** Responses of JoinGroup and SyncGroup. */
import type { JoinGroupResponse, SyncGroupResponse } from '../messages.js'
import type { ClassicGroup } from './group.js'
import { NO_BYTES } from './member.js'

export const UNKNOWN_MEMBER = ''

export function joinError(errorCode: number, memberId: string): JoinGroupResponse {
  return { errorCode, generationId: -1, protocolType: null, protocolName: null, leader: '', skipAssignment: false, memberId, members: [] }
}

export function syncError(errorCode: number): SyncGroupResponse {
  return { errorCode, protocolType: null, protocolName: null, assignment: NO_BYTES }
}

/** The leader, and no one else, is told of all members, to assign partitions to them. */
export function joined(group: ClassicGroup, memberId: string): JoinGroupResponse {
  return {
    errorCode: 0,
    generationId: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocol,
    leader: group.leader ?? '',
    skipAssignment: false,
    memberId,
    members: group.leader === memberId ? group.joinMembers() : []
  }
}

export function synced(group: ClassicGroup, assignment: Uint8Array): SyncGroupResponse {
  return { errorCode: 0, protocolType: group.protocolType, protocolName: group.protocol, assignment }
}
