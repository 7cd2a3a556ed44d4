/** Records of type 3 in the coordinator log: consumer group metadata. */
import { recordType } from '../coordinator-record.js'
import { int32, int64, message, string } from '../../schema.js'

export const consumerGroupMetadataKey = message({
  name: 'ConsumerGroupMetadataKey',
  versions: [0, 0],
  fields: {
    groupId: string()
  }
})

export const consumerGroupMetadataValue = message({
  name: 'ConsumerGroupMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    epoch: int32(),
    metadataHash: int64({ absent: 0, tag: 0 })
  }
})

export const consumerGroupMetadata = recordType(3, consumerGroupMetadataKey, consumerGroupMetadataValue)
