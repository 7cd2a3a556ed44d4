/**
 * DescribeAcls: there is no authorizer, and with none Apache Kafka answers the same.
 *
 * Version notes: v1 pattern types (KIP-290). v2 flexible. v3 users as resources.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { describeAcls } from '../protocol/messages/29-describe-acls.js'
import { handler } from './handler.js'

export const describeAclsHandler = handler({
  api: describeAcls,
  minVersion: 1,
  maxVersion: 3,
  handle: () => ({ errorCode: ErrorCode.SECURITY_DISABLED, errorMessage: 'No Authorizer is configured on the broker', resources: [] }),
  failed: (_request, errorCode) => ({ errorCode, errorMessage: null, resources: [] })
})
