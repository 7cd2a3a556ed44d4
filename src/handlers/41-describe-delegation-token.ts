/**
 * DescribeDelegationToken: refused, as 38-create-delegation-token.ts tells.
 *
 * Version notes: v2 flexible. v3 who asked for a token (KIP-373).
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { describeDelegationToken } from '../protocol/messages/41-describe-delegation-token.js'
import { handler } from './handler.js'

export const describeDelegationTokenHandler = handler({
  api: describeDelegationToken,
  minVersion: 1,
  maxVersion: 3,
  handle: () => ({ errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, tokens: [] }),
  failed: (_request, errorCode) => ({ errorCode, tokens: [] })
})
