/**
 * ConsumerGroupDescribe (API 69): Describes consumer groups of the new protocol (KIP-848).
 *
 * Version notes (+ field added, - field removed):
 * v1: whether a member is of the classic or the new protocol (KIP-1099); response + groups.members.memberType
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int8, message, string, struct, uuid } from '../schema.js'

const topicPartitionsFields = {
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32())
}

const assignmentFields = {
  topicPartitions: array(struct(topicPartitionsFields))
}

export const consumerGroupDescribe = api({
  key: 69,
  name: 'ConsumerGroupDescribe',
  stable: [0, 1],
  request: message({
    name: 'ConsumerGroupDescribeRequest',
    versions: [0, 1],
    flexible: 0,
    fields: {
      groupIds: array(string()),
      includeAuthorizedOperations: bool()
    }
  }),
  response: message({
    name: 'ConsumerGroupDescribeResponse',
    versions: [0, 1],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      groups: array(
        struct({
          errorCode: int16(),
          errorMessage: string({ absent: null, nullable: 0 }),
          groupId: string(),
          groupState: string(),
          groupEpoch: int32(),
          assignmentEpoch: int32(),
          assignorName: string(),
          members: array(
            struct({
              memberId: string(),
              instanceId: string({ absent: null, nullable: 0 }),
              rackId: string({ absent: null, nullable: 0 }),
              memberEpoch: int32(),
              clientId: string(),
              clientHost: string(),
              subscribedTopicNames: array(string()),
              subscribedTopicRegex: string({ absent: null, nullable: 0 }),
              assignment: struct(assignmentFields),
              targetAssignment: struct(assignmentFields),
              memberType: int8({ since: 1, absent: -1, ignorable: true })
            })
          ),
          authorizedOperations: int32({ absent: -2147483648 })
        })
      )
    }
  })
})
