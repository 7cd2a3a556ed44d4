/**
 * SyncGroup: the leader gives the assignment of a generation, everyone gets his part. Parked until the leader has come.
 *
 * Version notes: v1 throttle time. v3 static members (KIP-345). v4 flexible. v5 protocol type and name, which must be given (KIP-559).
 */
import { syncError } from '../coordinator/group/classic/answers.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { syncGroup } from '../protocol/messages/14-sync-group.js'
import { handler } from './handler.js'

const FIRST_VERSION_WITH_PROTOCOL = 5

export const syncGroupHandler = handler({
  api: syncGroup,
  minVersion: 0,
  maxVersion: 5,
  parks: true,
  handle(request, { apiVersion }, broker) {
    const complete = request.protocolType !== null && request.protocolName !== null
    if (apiVersion >= FIRST_VERSION_WITH_PROTOCOL && !complete) return syncError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    return broker.groups.syncGroup(request)
  },
  failed: (_request, errorCode) => syncError(errorCode)
})
