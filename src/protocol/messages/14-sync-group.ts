/**
 * SyncGroup (API 14): Brings the leader's assignment to the coordinator and each member's part of it back.
 *
 * Version notes (+ field added, - field removed):
 * v1: throttle time (KIP-124); response + throttleTimeMs
 * v2: the broker answers first and throttles afterwards (KIP-219)
 * v3: static members (KIP-345); request + groupInstanceId
 * v4: flexible (KIP-482)
 * v5: protocol type and name, which are checked (KIP-559); request + protocolType, protocolName; response + protocolType, protocolName
 */
import { api } from '../api.js'
import { array, bytes, int16, int32, message, string, struct } from '../schema.js'

export const syncGroup = api({
  key: 14,
  name: 'SyncGroup',
  stable: [0, 5],
  request: message({
    name: 'SyncGroupRequest',
    versions: [0, 5],
    flexible: 4,
    fields: {
      groupId: string(),
      generationId: int32(),
      memberId: string(),
      groupInstanceId: string({ since: 3, absent: null, nullable: 3 }),
      protocolType: string({ since: 5, absent: null, nullable: 5, ignorable: true }),
      protocolName: string({ since: 5, absent: null, nullable: 5, ignorable: true }),
      assignments: array(
        struct({
          memberId: string(),
          assignment: bytes()
        })
      )
    }
  }),
  response: message({
    name: 'SyncGroupResponse',
    versions: [0, 5],
    flexible: 4,
    fields: {
      throttleTimeMs: int32({ since: 1, absent: 0, ignorable: true }),
      errorCode: int16(),
      protocolType: string({ since: 5, absent: null, nullable: 5, ignorable: true }),
      protocolName: string({ since: 5, absent: null, nullable: 5, ignorable: true }),
      assignment: bytes()
    }
  })
})
