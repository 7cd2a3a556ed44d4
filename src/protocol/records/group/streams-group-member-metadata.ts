/**
 * StreamsGroupMemberMetadata, records of type 19: What a member of a Streams group said of itself: process, topology epoch, tags,
 * endpoint (KIP-1071).
 */
import { recordType } from '../coordinator-record.js'
import { array, int32, message, string, struct, uint16 } from '../../schema.js'

const endpointFields = {
  host: string(),
  port: uint16()
}

const keyValueFields = {
  key: string(),
  value: string()
}

export const streamsGroupMemberMetadataKey = message({
  name: 'StreamsGroupMemberMetadataKey',
  versions: [0, 0],
  fields: {
    groupId: string(),
    memberId: string()
  }
})

export const streamsGroupMemberMetadataValue = message({
  name: 'StreamsGroupMemberMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    instanceId: string({ nullable: 0 }),
    rackId: string({ nullable: 0 }),
    clientId: string(),
    clientHost: string(),
    rebalanceTimeoutMs: int32({ absent: -1 }),
    topologyEpoch: int32(),
    processId: string(),
    userEndpoint: struct(endpointFields, { absent: null, nullable: 0 }),
    clientTags: array(struct(keyValueFields))
  }
})

export const streamsGroupMemberMetadata = recordType(19, streamsGroupMemberMetadataKey, streamsGroupMemberMetadataValue)
