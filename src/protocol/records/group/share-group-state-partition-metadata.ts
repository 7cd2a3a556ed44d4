/**
 * ShareGroupStatePartitionMetadata, records of type 15: Which share partitions have their state set up, are being set up, or are being
 * deleted (KIP-932).
 */
import { recordType } from '../coordinator-record.js'
import { array, int32, message, string, struct, uuid } from '../../schema.js'

const topicPartitionsInfoFields = {
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32())
}

const topicInfoFields = {
  topicId: uuid(),
  topicName: string()
}

export const shareGroupStatePartitionMetadataKey = message({
  name: 'ShareGroupStatePartitionMetadataKey',
  versions: [0, 0],
  fields: {
    groupId: string()
  }
})

export const shareGroupStatePartitionMetadataValue = message({
  name: 'ShareGroupStatePartitionMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    initializingTopics: array(struct(topicPartitionsInfoFields)),
    initializedTopics: array(struct(topicPartitionsInfoFields)),
    deletingTopics: array(struct(topicInfoFields))
  }
})

export const shareGroupStatePartitionMetadata = recordType(15, shareGroupStatePartitionMetadataKey, shareGroupStatePartitionMetadataValue)
