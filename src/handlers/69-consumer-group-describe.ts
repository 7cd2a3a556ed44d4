/**
 * ConsumerGroupDescribe: epochs, members and assignments of consumer groups (KIP-848).
 *
 * Version notes: v1 whether a member uses the classic protocol (KIP-1099).
 */
import { describeError } from '../coordinator/group/consumer/describe.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { consumerGroupDescribe } from '../protocol/messages/69-consumer-group-describe.js'
import { hasConsumerProtocol } from './group-operations.js'
import { handler } from './handler.js'
import { ALL_GROUP_OPERATIONS, OPERATIONS_NOT_ASKED } from './operations.js'

export const consumerGroupDescribeHandler = handler({
  api: consumerGroupDescribe,
  minVersion: 0,
  maxVersion: 1,
  async handle({ groupIds, includeAuthorizedOperations }, _context, broker) {
    const { groups } = broker
    if (!hasConsumerProtocol(broker)) return failed(groupIds, ErrorCode.UNSUPPORTED_VERSION)
    // A group named often is described once: its members would fill the memory.
    const described = await Promise.all([...new Set(groupIds)].map((groupId) => groups.describeConsumerGroup(groupId)))
    return {
      groups: described.map((group) => ({
        ...group,
        authorizedOperations:
          includeAuthorizedOperations && group.errorCode === ErrorCode.NONE ? ALL_GROUP_OPERATIONS : OPERATIONS_NOT_ASKED
      }))
    }
  },
  failed: ({ groupIds }, errorCode) => failed(groupIds, errorCode)
})

function failed(groupIds: readonly string[], errorCode: number) {
  return { groups: groupIds.map((groupId) => describeError(errorCode, groupId)) }
}
