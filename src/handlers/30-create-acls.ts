/**
 * CreateAcls: there is no authorizer, and with none Apache Kafka answers the same.
 *
 * Version notes: v1 pattern types (KIP-290). v2 flexible. v3 users as resources.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { createAcls } from '../protocol/messages/30-create-acls.js'
import { handler } from './handler.js'

export const createAclsHandler = handler({
  api: createAcls,
  minVersion: 1,
  maxVersion: 3,
  handle: ({ creations }) => ({
    results: creations.map(() => ({ errorCode: ErrorCode.SECURITY_DISABLED, errorMessage: 'No Authorizer is configured.' }))
  }),
  failed: ({ creations }, errorCode) => ({ results: creations.map(() => ({ errorCode, errorMessage: null })) })
})
