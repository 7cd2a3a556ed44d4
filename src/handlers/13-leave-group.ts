/**
 * LeaveGroup: members leave, or an administrator removes them.
 *
 * Version notes: v1 throttle time. v3 several members, static ones by their instance id (KIP-345). v4 flexible. v5 the reason.
 */
import { leaveGroup } from '../protocol/messages/13-leave-group.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { handler } from './handler.js'

const FIRST_VERSION_WITH_MEMBERS = 3

export const leaveGroupHandler = handler({
  api: leaveGroup,
  minVersion: 0,
  maxVersion: 5,
  async handle({ groupId, memberId, members }, { apiVersion }, broker) {
    if (apiVersion >= FIRST_VERSION_WITH_MEMBERS) return broker.groups.leaveGroup({ groupId, members })
    const { errorCode, members: left } = await broker.groups.leaveGroup({ groupId, members: [{ memberId, groupInstanceId: null }] })
    return { errorCode: errorCode === ErrorCode.NONE ? (left[0]?.errorCode ?? ErrorCode.NONE) : errorCode }
  }
})
