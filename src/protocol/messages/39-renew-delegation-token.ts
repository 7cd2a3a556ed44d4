/**
 * RenewDelegationToken (API 39): Extends the life of a delegation token (KIP-48).
 *
 * Version notes (+ field added, - field removed):
 * v1: the broker answers first and throttles afterwards (KIP-219)
 * v2: flexible (KIP-482)
 */
import { api } from '../api.js'
import { bytes, int16, int32, int64, message } from '../schema.js'

export const renewDelegationToken = api({
  key: 39,
  name: 'RenewDelegationToken',
  stable: [1, 2],
  request: message({
    name: 'RenewDelegationTokenRequest',
    versions: [1, 2],
    flexible: 2,
    fields: {
      hmac: bytes(),
      renewPeriodMs: int64()
    }
  }),
  response: message({
    name: 'RenewDelegationTokenResponse',
    versions: [1, 2],
    flexible: 2,
    fields: {
      errorCode: int16(),
      expiryTimestampMs: int64(),
      throttleTimeMs: int32({ absent: 0 })
    }
  })
})
