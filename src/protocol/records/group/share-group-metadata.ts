/** ShareGroupMetadata, records of type 11: The epoch of a share group, and a hash of its topics (KIP-932). */
import { recordType } from '../coordinator-record.js'
import { int32, int64, message, string } from '../../schema.js'

export const shareGroupMetadataKey = message({
  name: 'ShareGroupMetadataKey',
  versions: [0, 0],
  fields: {
    groupId: string()
  }
})

export const shareGroupMetadataValue = message({
  name: 'ShareGroupMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    epoch: int32(),
    metadataHash: int64()
  }
})

export const shareGroupMetadata = recordType(11, shareGroupMetadataKey, shareGroupMetadataValue)
