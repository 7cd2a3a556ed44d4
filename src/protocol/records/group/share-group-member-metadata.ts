/** ShareGroupMemberMetadata, records of type 10: What a member of a share group said of itself (KIP-932). */
import { recordType } from '../coordinator-record.js'
import { array, message, string } from '../../schema.js'

export const shareGroupMemberMetadataKey = message({
  name: 'ShareGroupMemberMetadataKey',
  versions: [0, 0],
  fields: {
    groupId: string(),
    memberId: string()
  }
})

export const shareGroupMemberMetadataValue = message({
  name: 'ShareGroupMemberMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    rackId: string({ nullable: 0 }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string())
  }
})

export const shareGroupMemberMetadata = recordType(10, shareGroupMemberMetadataKey, shareGroupMemberMetadataValue)
