/**
 * DescribeDelegationToken (API 41): Lists delegation tokens (KIP-48).
 *
 * Version notes (+ field added, - field removed):
 * v1: the broker answers first and throttles afterwards (KIP-219)
 * v2: flexible (KIP-482)
 * v3: who asked for the token (KIP-373); response + tokens.tokenRequesterPrincipalType, tokens.tokenRequesterPrincipalName
 */
import { api } from '../api.js'
import { array, bytes, int16, int32, int64, message, string, struct } from '../schema.js'

export const describeDelegationToken = api({
  key: 41,
  name: 'DescribeDelegationToken',
  stable: [1, 3],
  request: message({
    name: 'DescribeDelegationTokenRequest',
    versions: [1, 3],
    flexible: 2,
    fields: {
      owners: array(
        struct({
          principalType: string(),
          principalName: string()
        }),
        { nullable: 0 }
      )
    }
  }),
  response: message({
    name: 'DescribeDelegationTokenResponse',
    versions: [1, 3],
    flexible: 2,
    fields: {
      errorCode: int16(),
      tokens: array(
        struct({
          principalType: string(),
          principalName: string(),
          tokenRequesterPrincipalType: string({ since: 3 }),
          tokenRequesterPrincipalName: string({ since: 3 }),
          issueTimestamp: int64(),
          expiryTimestamp: int64(),
          maxTimestamp: int64(),
          tokenId: string(),
          hmac: bytes(),
          renewers: array(
            struct({
              principalType: string(),
              principalName: string()
            })
          )
        })
      ),
      throttleTimeMs: int32({ absent: 0 })
    }
  })
})
