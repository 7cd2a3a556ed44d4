/**
 * StreamsGroupMetadata, records of type 17: The epoch of a Streams group, what it was made from, and the settings of its last assignment
 * (KIP-1071).
 */
import { recordType } from '../coordinator-record.js'
import { array, int32, int64, message, string, struct } from '../../schema.js'

const lastAssignmentConfigFields = {
  key: string(),
  value: string()
}

export const streamsGroupMetadataKey = message({
  name: 'StreamsGroupMetadataKey',
  versions: [0, 0],
  fields: {
    groupId: string()
  }
})

export const streamsGroupMetadataValue = message({
  name: 'StreamsGroupMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    epoch: int32(),
    metadataHash: int64(),
    validatedTopologyEpoch: int32({ absent: -1, tag: 0 }),
    lastAssignmentConfigs: array(struct(lastAssignmentConfigFields), { absent: null, nullable: 0, tag: 1 }),
    storedDescriptionTopologyEpoch: int32({ absent: -1, tag: 2 }),
    failedDescriptionTopologyEpoch: int32({ absent: -1, tag: 3 })
  }
})

export const streamsGroupMetadata = recordType(17, streamsGroupMetadataKey, streamsGroupMetadataValue)
