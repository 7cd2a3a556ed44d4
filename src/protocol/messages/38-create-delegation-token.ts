/**
 * CreateDelegationToken (API 38): Issues a delegation token (KIP-48).
 *
 * Version notes (+ field added, - field removed):
 * v1: the broker answers first and throttles afterwards (KIP-219)
 * v2: flexible (KIP-482)
 * v3: for another owner than the one who asks (KIP-373); request + ownerPrincipalType, ownerPrincipalName; response +
 *   tokenRequesterPrincipalType, tokenRequesterPrincipalName
 */
import { api } from '../api.js'
import { array, bytes, int16, int32, int64, message, string, struct } from '../schema.js'

export const createDelegationToken = api({
  key: 38,
  name: 'CreateDelegationToken',
  stable: [1, 3],
  request: message({
    name: 'CreateDelegationTokenRequest',
    versions: [1, 3],
    flexible: 2,
    fields: {
      ownerPrincipalType: string({ since: 3, nullable: 3 }),
      ownerPrincipalName: string({ since: 3, nullable: 3 }),
      renewers: array(
        struct({
          principalType: string(),
          principalName: string()
        })
      ),
      maxLifetimeMs: int64()
    }
  }),
  response: message({
    name: 'CreateDelegationTokenResponse',
    versions: [1, 3],
    flexible: 2,
    fields: {
      errorCode: int16(),
      principalType: string(),
      principalName: string(),
      tokenRequesterPrincipalType: string({ since: 3 }),
      tokenRequesterPrincipalName: string({ since: 3 }),
      issueTimestampMs: int64(),
      expiryTimestampMs: int64(),
      maxTimestampMs: int64(),
      tokenId: string(),
      hmac: bytes(),
      throttleTimeMs: int32({ absent: 0 })
    }
  })
})
