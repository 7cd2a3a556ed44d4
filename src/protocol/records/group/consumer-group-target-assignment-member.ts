/** Records of type 7 in the coordinator log: consumer group target assignment member. */
import { recordType } from '../coordinator-record.js'
import { array, int32, message, string, struct, uuid } from '../../schema.js'

export const consumerGroupTargetAssignmentMemberKey = message({
  name: 'ConsumerGroupTargetAssignmentMemberKey',
  versions: [0, 0],
  fields: {
    groupId: string(),
    memberId: string()
  }
})

export const consumerGroupTargetAssignmentMemberValue = message({
  name: 'ConsumerGroupTargetAssignmentMemberValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    topicPartitions: array(
      struct({
        topicId: uuid(),
        partitions: array(int32())
      })
    )
  }
})

export const consumerGroupTargetAssignmentMember = recordType(
  7,
  consumerGroupTargetAssignmentMemberKey,
  consumerGroupTargetAssignmentMemberValue
)
