/**
 * ConsumerGroupMetadata, records of type 3: The epoch of a consumer group of the new protocol, and a hash of the topics it subscribes to
 * (KIP-848).
 */
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
