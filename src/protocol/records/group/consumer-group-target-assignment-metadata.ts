/** Records of type 6 in the coordinator log: consumer group target assignment metadata. */
import { recordType } from '../coordinator-record.js'
import { int32, int64, message, string } from '../../schema.js'

export const consumerGroupTargetAssignmentMetadataKey = message({
  name: 'ConsumerGroupTargetAssignmentMetadataKey',
  versions: [0, 0],
  fields: {
    groupId: string()
  }
})

export const consumerGroupTargetAssignmentMetadataValue = message({
  name: 'ConsumerGroupTargetAssignmentMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    assignmentEpoch: int32(),
    assignmentTimestamp: int64({ absent: 0, tag: 0 })
  }
})

export const consumerGroupTargetAssignmentMetadata = recordType(
  6,
  consumerGroupTargetAssignmentMetadataKey,
  consumerGroupTargetAssignmentMetadataValue
)
