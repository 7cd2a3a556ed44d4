/**
 * CreateDelegationToken: a token stands for an authenticated user, and there is none here; Apache Kafka refuses in the same way on a listener
 * without authentication.
 *
 * Version notes: v2 flexible. v3 tokens for others (KIP-373).
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { createDelegationToken } from '../protocol/messages/38-create-delegation-token.js'
import { handler } from './handler.js'

const answer = (errorCode: number) => ({
  errorCode,
  principalType: 'User',
  principalName: 'ANONYMOUS',
  tokenRequesterPrincipalType: 'User',
  tokenRequesterPrincipalName: 'ANONYMOUS',
  issueTimestampMs: -1,
  expiryTimestampMs: -1,
  maxTimestampMs: -1,
  tokenId: '',
  hmac: new Uint8Array(0)
})

export const createDelegationTokenHandler = handler({
  api: createDelegationToken,
  minVersion: 1,
  maxVersion: 3,
  handle: () => answer(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED),
  failed: (_request, errorCode) => answer(errorCode)
})
