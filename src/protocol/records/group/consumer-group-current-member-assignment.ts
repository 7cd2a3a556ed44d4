/** Records of type 8 in the coordinator log: consumer group current member assignment. */
import { recordType } from '../coordinator-record.js'
import { array, int32, int8, message, string, struct, uuid } from '../../schema.js'

const topicPartitionsFields = {
  topicId: uuid(),
  partitions: array(int32()),
  assignmentEpochs: array(int32(), { absent: null, nullable: 0, tag: 0 })
}

export const consumerGroupCurrentMemberAssignmentKey = message({
  name: 'ConsumerGroupCurrentMemberAssignmentKey',
  versions: [0, 0],
  fields: {
    groupId: string(),
    memberId: string()
  }
})

export const consumerGroupCurrentMemberAssignmentValue = message({
  name: 'ConsumerGroupCurrentMemberAssignmentValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array(struct(topicPartitionsFields)),
    partitionsPendingRevocation: array(struct(topicPartitionsFields))
  }
})

export const consumerGroupCurrentMemberAssignment = recordType(
  8,
  consumerGroupCurrentMemberAssignmentKey,
  consumerGroupCurrentMemberAssignmentValue
)
