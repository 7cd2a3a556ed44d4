/**
 * JoinGroup (API 11): Joins a classic group; answered when the members of the next generation are known.
 *
 * Version notes (+ field added, - field removed):
 * v1: rebalance time-out of its own (KIP-62); request + rebalanceTimeoutMs
 * v2: throttle time (KIP-124); response + throttleTimeMs
 * v3: the broker answers first and throttles afterwards (KIP-219)
 * v4: a member without an id is given one and must come back with it (KIP-394)
 * v5: static members (KIP-345); request + groupInstanceId; response + members.groupInstanceId
 * v6: flexible (KIP-482)
 * v7: protocol type in the answer (KIP-559); response + protocolType
 * v8: why the member joins (KIP-800); request + reason
 * v9: the leader may be told to skip the assignment (KIP-814); response + skipAssignment
 */
import { api } from '../api.js'
import { array, bool, bytes, int16, int32, message, string, struct } from '../schema.js'

export const joinGroup = api({
  key: 11,
  name: 'JoinGroup',
  stable: [0, 9],
  request: message({
    name: 'JoinGroupRequest',
    versions: [0, 9],
    flexible: 6,
    fields: {
      groupId: string(),
      sessionTimeoutMs: int32(),
      rebalanceTimeoutMs: int32({ since: 1, absent: -1, ignorable: true }),
      memberId: string(),
      groupInstanceId: string({ since: 5, absent: null, nullable: 5 }),
      protocolType: string(),
      protocols: array(
        struct({
          name: string(),
          metadata: bytes()
        })
      ),
      reason: string({ since: 8, absent: null, nullable: 8, ignorable: true })
    }
  }),
  response: message({
    name: 'JoinGroupResponse',
    versions: [0, 9],
    flexible: 6,
    fields: {
      throttleTimeMs: int32({ since: 2, absent: 0, ignorable: true }),
      errorCode: int16(),
      generationId: int32({ absent: -1 }),
      protocolType: string({ since: 7, absent: null, nullable: 7, ignorable: true }),
      protocolName: string({ nullable: 7 }),
      leader: string(),
      skipAssignment: bool({ since: 9, absent: false }),
      memberId: string(),
      members: array(
        struct({
          memberId: string(),
          groupInstanceId: string({ since: 5, absent: null, nullable: 5, ignorable: true }),
          metadata: bytes()
        })
      )
    }
  })
})
