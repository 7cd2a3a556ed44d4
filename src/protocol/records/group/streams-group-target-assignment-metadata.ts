/** Records of type 20 in the coordinator log: streams group target assignment metadata. */
import { recordType } from '../coordinator-record.js'
import { int32, int64, message, string } from '../../schema.js'

export const streamsGroupTargetAssignmentMetadataKey = message({
  name: 'StreamsGroupTargetAssignmentMetadataKey',
  versions: [0, 0],
  fields: {
    groupId: string()
  }
})

export const streamsGroupTargetAssignmentMetadataValue = message({
  name: 'StreamsGroupTargetAssignmentMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    assignmentEpoch: int32(),
    assignmentTimestamp: int64({ absent: 0, tag: 0 })
  }
})

export const streamsGroupTargetAssignmentMetadata = recordType(
  20,
  streamsGroupTargetAssignmentMetadataKey,
  streamsGroupTargetAssignmentMetadataValue
)
