/**
 * ExpireDelegationToken (API 40): Ends the life of a delegation token, now or later (KIP-48).
 *
 * Version notes (+ field added, - field removed):
 * v1: the broker answers first and throttles afterwards (KIP-219)
 * v2: flexible (KIP-482)
 */
import { api } from '../api.js'
import { bytes, int16, int32, int64, message } from '../schema.js'

export const expireDelegationToken = api({
  key: 40,
  name: 'ExpireDelegationToken',
  stable: [1, 2],
  request: message({
    name: 'ExpireDelegationTokenRequest',
    versions: [1, 2],
    flexible: 2,
    fields: {
      hmac: bytes(),
      expiryTimePeriodMs: int64()
    }
  }),
  response: message({
    name: 'ExpireDelegationTokenResponse',
    versions: [1, 2],
    flexible: 2,
    fields: {
      errorCode: int16(),
      expiryTimestampMs: int64(),
      throttleTimeMs: int32({ absent: 0 })
    }
  })
})
