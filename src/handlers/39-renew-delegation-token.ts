/**
 * RenewDelegationToken: refused, as 38-create-delegation-token.ts tells.
 *
 * Version notes: v2 flexible.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { renewDelegationToken } from '../protocol/messages/39-renew-delegation-token.js'
import { handler } from './handler.js'

export const renewDelegationTokenHandler = handler({
  api: renewDelegationToken,
  minVersion: 1,
  maxVersion: 2,
  handle: () => ({ errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, expiryTimestampMs: -1 }),
  failed: (_request, errorCode) => ({ errorCode, expiryTimestampMs: -1 })
})
