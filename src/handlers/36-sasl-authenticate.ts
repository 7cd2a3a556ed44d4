/**
 * SaslAuthenticate: refused, as by Apache Kafka on a listener without SASL.
 *
 * Version notes: v1 life time of the session (KIP-368). v2 flexible.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { saslAuthenticate } from '../protocol/messages/36-sasl-authenticate.js'
import { handler } from './handler.js'

const NOTHING = new Uint8Array(0)

export const saslAuthenticateHandler = handler({
  api: saslAuthenticate,
  minVersion: 0,
  maxVersion: 2,
  handle: () => ({
    errorCode: ErrorCode.ILLEGAL_SASL_STATE,
    errorMessage: 'This listener has no SASL: there is nothing to authenticate',
    authBytes: NOTHING
  }),
  failed: (_request, errorCode) => ({ errorCode, errorMessage: null, authBytes: NOTHING })
})
