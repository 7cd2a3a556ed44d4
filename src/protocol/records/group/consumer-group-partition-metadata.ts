/**
 * ConsumerGroupPartitionMetadata, records of type 4: Partition counts and racks of the topics a consumer group subscribes to; later
 * releases write only its tombstone (KIP-848).
 */
import { recordType } from '../coordinator-record.js'
import { array, int32, message, string, struct, uuid } from '../../schema.js'

export const consumerGroupPartitionMetadataKey = message({
  name: 'ConsumerGroupPartitionMetadataKey',
  versions: [0, 0],
  fields: {
    groupId: string()
  }
})

export const consumerGroupPartitionMetadataValue = message({
  name: 'ConsumerGroupPartitionMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    topics: array(
      struct({
        topicId: uuid(),
        topicName: string(),
        numPartitions: int32(),
        partitionMetadata: array(
          struct({
            partition: int32(),
            racks: array(string())
          })
        )
      })
    )
  }
})

export const consumerGroupPartitionMetadata = recordType(4, consumerGroupPartitionMetadataKey, consumerGroupPartitionMetadataValue)
