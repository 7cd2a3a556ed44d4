/**
 * DescribeGroups: state and members of classic groups.
 *
 * Version notes: v1 throttle time. v3 authorized operations. v4 static members. v5 flexible. v6 GROUP_ID_NOT_FOUND with a message; before, an
 * unknown group is a dead one without an error (KIP-1043).
 */
import type { DescribedGroup } from '../coordinator/group/messages.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { describeGroups } from '../protocol/messages/15-describe-groups.js'
import { ALL_GROUP_OPERATIONS, OPERATIONS_NOT_ASKED } from './operations.js'
import { handler } from './handler.js'

const FIRST_VERSION_WITH_NOT_FOUND = 6

export const describeGroupsHandler = handler({
  api: describeGroups,
  minVersion: 0,
  maxVersion: 6,
  async handle(request, { apiVersion }, broker) {
    // A group named often is described once: its members' metadata would fill the memory.
    const described = await Promise.all([...new Set(request.groups)].map((groupId) => broker.groups.describeGroup(groupId)))
    const tellsNotFound = apiVersion >= FIRST_VERSION_WITH_NOT_FOUND
    const asked = request.includeAuthorizedOperations
    return {
      groups: described.map((group) => ({
        ...group,
        ...(isUnknown(group) && !tellsNotFound ? { errorCode: ErrorCode.NONE, errorMessage: null } : {}),
        authorizedOperations: asked && mayBeTold(group, tellsNotFound) ? ALL_GROUP_OPERATIONS : OPERATIONS_NOT_ASKED
      }))
    }
  },
  failed: (request, errorCode) => ({
    groups: request.groups.map((groupId) => ({ errorCode, groupId, groupState: '', protocolType: '', protocolData: '', members: [] }))
  })
})

function isUnknown({ errorCode }: DescribedGroup): boolean {
  return errorCode === ErrorCode.GROUP_ID_NOT_FOUND
}

/** A dead group is one without an error. */
function mayBeTold(group: DescribedGroup, tellsNotFound: boolean): boolean {
  return group.errorCode === ErrorCode.NONE || (isUnknown(group) && !tellsNotFound)
}
