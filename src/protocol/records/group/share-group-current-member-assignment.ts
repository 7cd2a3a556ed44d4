/** Records of type 14 in the coordinator log: share group current member assignment. */
import { recordType } from '../coordinator-record.js'
import { array, int32, int8, message, string, struct, uuid } from '../../schema.js'

const topicPartitionsFields = {
  topicId: uuid(),
  partitions: array(int32())
}

export const shareGroupCurrentMemberAssignmentKey = message({
  name: 'ShareGroupCurrentMemberAssignmentKey',
  versions: [0, 0],
  fields: {
    groupId: string(),
    memberId: string()
  }
})

export const shareGroupCurrentMemberAssignmentValue = message({
  name: 'ShareGroupCurrentMemberAssignmentValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array(struct(topicPartitionsFields))
  }
})

export const shareGroupCurrentMemberAssignment = recordType(
  14,
  shareGroupCurrentMemberAssignmentKey,
  shareGroupCurrentMemberAssignmentValue
)
