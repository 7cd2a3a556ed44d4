/**
 * ExpireDelegationToken: refused, as 38-create-delegation-token.ts tells.
 *
 * Version notes: v2 flexible.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { expireDelegationToken } from '../protocol/messages/40-expire-delegation-token.js'
import { handler } from './handler.js'

export const expireDelegationTokenHandler = handler({
  api: expireDelegationToken,
  minVersion: 1,
  maxVersion: 2,
  handle: () => ({ errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, expiryTimestampMs: -1 }),
  failed: (_request, errorCode) => ({ errorCode, expiryTimestampMs: -1 })
})
