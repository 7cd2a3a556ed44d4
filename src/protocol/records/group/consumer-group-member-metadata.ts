/**
 * ConsumerGroupMemberMetadata, records of type 5: What a member of a consumer group said of itself: client, subscription, time-outs
 * (KIP-848).
 */
import { recordType } from '../coordinator-record.js'
import { array, bytes, int32, message, string, struct } from '../../schema.js'

export const consumerGroupMemberMetadataKey = message({
  name: 'ConsumerGroupMemberMetadataKey',
  versions: [0, 0],
  fields: {
    groupId: string(),
    memberId: string()
  }
})

export const consumerGroupMemberMetadataValue = message({
  name: 'ConsumerGroupMemberMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    instanceId: string({ nullable: 0 }),
    rackId: string({ nullable: 0 }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
    subscribedTopicRegex: string({ nullable: 0 }),
    rebalanceTimeoutMs: int32({ absent: -1 }),
    serverAssignor: string({ nullable: 0 }),
    classicMemberMetadata: struct(
      {
        sessionTimeoutMs: int32(),
        supportedProtocols: array(
          struct({
            name: string(),
            metadata: bytes()
          })
        )
      },
      { nullable: 0, tag: 0 }
    )
  }
})

export const consumerGroupMemberMetadata = recordType(5, consumerGroupMemberMetadataKey, consumerGroupMemberMetadataValue)
