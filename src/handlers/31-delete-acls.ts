/**
 * DeleteAcls: there is no authorizer, and with none Apache Kafka answers the same.
 *
 * Version notes: v1 pattern types (KIP-290). v2 flexible. v3 users as resources.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { deleteAcls } from '../protocol/messages/31-delete-acls.js'
import { handler } from './handler.js'

export const deleteAclsHandler = handler({
  api: deleteAcls,
  minVersion: 1,
  maxVersion: 3,
  handle: ({ filters }) => ({
    filterResults: filters.map(() => ({
      errorCode: ErrorCode.SECURITY_DISABLED,
      errorMessage: 'No Authorizer is configured.',
      matchingAcls: []
    }))
  }),
  failed: ({ filters }, errorCode) => ({ filterResults: filters.map(() => ({ errorCode, errorMessage: null, matchingAcls: [] })) })
})
