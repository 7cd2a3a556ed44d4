/**
 * SaslAuthenticate (API 36): Carries the tokens of a SASL exchange (KIP-152).
 *
 * Version notes (+ field added, - field removed):
 * v1: how long the session may live before it must authenticate again (KIP-368); response + sessionLifetimeMs
 * v2: flexible (KIP-482)
 */
import { api } from '../api.js'
import { bytes, int16, int64, message, string } from '../schema.js'

export const saslAuthenticate = api({
  key: 36,
  name: 'SaslAuthenticate',
  stable: [0, 2],
  request: message({
    name: 'SaslAuthenticateRequest',
    versions: [0, 2],
    flexible: 2,
    fields: {
      authBytes: bytes()
    }
  }),
  response: message({
    name: 'SaslAuthenticateResponse',
    versions: [0, 2],
    flexible: 2,
    fields: {
      errorCode: int16(),
      errorMessage: string({ nullable: 0 }),
      authBytes: bytes(),
      sessionLifetimeMs: int64({ since: 1, absent: 0, ignorable: true })
    }
  })
})
