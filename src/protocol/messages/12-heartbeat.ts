/**
 * Heartbeat (API 12): Keeps a member of a classic group alive and tells it of a rebalance.
 *
 * Version notes (+ field added, - field removed):
 * v1: throttle time (KIP-124); response + throttleTimeMs
 * v2: the broker answers first and throttles afterwards (KIP-219)
 * v3: static members (KIP-345); request + groupInstanceId
 * v4: flexible (KIP-482)
 */
import { api } from '../api.js'
import { int16, int32, message, string } from '../schema.js'

export const heartbeat = api({
  key: 12,
  name: 'Heartbeat',
  stable: [0, 4],
  request: message({
    name: 'HeartbeatRequest',
    versions: [0, 4],
    flexible: 4,
    fields: {
      groupId: string(),
      generationId: int32(),
      memberId: string(),
      groupInstanceId: string({ since: 3, absent: null, nullable: 3 })
    }
  }),
  response: message({
    name: 'HeartbeatResponse',
    versions: [0, 4],
    flexible: 4,
    fields: {
      throttleTimeMs: int32({ since: 1, absent: 0, ignorable: true }),
      errorCode: int16()
    }
  })
})
