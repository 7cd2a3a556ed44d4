/** ShareGroupTargetAssignmentMember, records of type 13: The partitions that a member of a share group is to have (KIP-932). */
import { recordType } from '../coordinator-record.js'
import { array, int32, message, string, struct, uuid } from '../../schema.js'

export const shareGroupTargetAssignmentMemberKey = message({
  name: 'ShareGroupTargetAssignmentMemberKey',
  versions: [0, 0],
  fields: {
    groupId: string(),
    memberId: string()
  }
})

export const shareGroupTargetAssignmentMemberValue = message({
  name: 'ShareGroupTargetAssignmentMemberValue',
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

export const shareGroupTargetAssignmentMember = recordType(13, shareGroupTargetAssignmentMemberKey, shareGroupTargetAssignmentMemberValue)
