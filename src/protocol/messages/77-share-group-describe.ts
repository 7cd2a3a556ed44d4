/**
 * ShareGroupDescribe (API 77): Describes share groups (KIP-932).
 */
import { api } from '../api.js'
import { array, bool, int16, int32, message, string, struct, uuid } from '../schema.js'

const topicPartitionsFields = {
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32())
}

const assignmentFields = {
  topicPartitions: array(struct(topicPartitionsFields))
}

export const shareGroupDescribe = api({
  key: 77,
  name: 'ShareGroupDescribe',
  stable: [1, 1],
  request: message({
    name: 'ShareGroupDescribeRequest',
    versions: [1, 1],
    flexible: 0,
    fields: {
      groupIds: array(string()),
      includeAuthorizedOperations: bool()
    }
  }),
  response: message({
    name: 'ShareGroupDescribeResponse',
    versions: [1, 1],
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
              rackId: string({ absent: null, nullable: 0 }),
              memberEpoch: int32(),
              clientId: string(),
              clientHost: string(),
              subscribedTopicNames: array(string()),
              assignment: struct(assignmentFields)
            })
          ),
          authorizedOperations: int32({ absent: -2147483648 })
        })
      )
    }
  })
})
