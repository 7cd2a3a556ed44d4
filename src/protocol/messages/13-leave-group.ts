/**
 * LeaveGroup (API 13): Takes members out of a classic group.
 *
 * Version notes (+ field added, - field removed):
 * v1: throttle time (KIP-124); response + throttleTimeMs
 * v2: the broker answers first and throttles afterwards (KIP-219)
 * v3: several members at once, by instance id, too (KIP-345); request + members; request - memberId; response + members
 * v4: flexible (KIP-482)
 * v5: why they leave (KIP-800); request + members.reason
 */
import { api } from '../api.js'
import { array, int16, int32, message, string, struct } from '../schema.js'

export const leaveGroup = api({
  key: 13,
  name: 'LeaveGroup',
  stable: [0, 5],
  request: message({
    name: 'LeaveGroupRequest',
    versions: [0, 5],
    flexible: 4,
    fields: {
      groupId: string(),
      memberId: string({ until: 2 }),
      members: array(
        struct({
          memberId: string(),
          groupInstanceId: string({ absent: null, nullable: 3 }),
          reason: string({ since: 5, absent: null, nullable: 5, ignorable: true })
        }),
        { since: 3 }
      )
    }
  }),
  response: message({
    name: 'LeaveGroupResponse',
    versions: [0, 5],
    flexible: 4,
    fields: {
      throttleTimeMs: int32({ since: 1, absent: 0, ignorable: true }),
      errorCode: int16(),
      members: array(
        struct({
          memberId: string(),
          groupInstanceId: string({ nullable: 3 }),
          errorCode: int16()
        }),
        { since: 3 }
      )
    }
  })
})
