/**
 * SaslHandshake: refused, as by Apache Kafka on a listener without SASL.
 *
 * Version notes: v1 the exchange follows in SaslAuthenticate (KIP-152).
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { saslHandshake } from '../protocol/messages/17-sasl-handshake.js'
import { handler } from './handler.js'

export const saslHandshakeHandler = handler({
  api: saslHandshake,
  minVersion: 0,
  maxVersion: 1,
  handle: () => ({ errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] }),
  failed: (_request, errorCode) => ({ errorCode, mechanisms: [] })
})
