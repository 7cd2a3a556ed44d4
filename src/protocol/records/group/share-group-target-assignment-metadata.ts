/** Records of type 12 in the coordinator log: share group target assignment metadata. */
import { recordType } from '../coordinator-record.js'
import { int32, int64, message, string } from '../../schema.js'

export const shareGroupTargetAssignmentMetadataKey = message({
  name: 'ShareGroupTargetAssignmentMetadataKey',
  versions: [0, 0],
  fields: {
    groupId: string()
  }
})

export const shareGroupTargetAssignmentMetadataValue = message({
  name: 'ShareGroupTargetAssignmentMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    assignmentEpoch: int32(),
    assignmentTimestamp: int64({ absent: 0, tag: 0 })
  }
})

export const shareGroupTargetAssignmentMetadata = recordType(
  12,
  shareGroupTargetAssignmentMetadataKey,
  shareGroupTargetAssignmentMetadataValue
)
