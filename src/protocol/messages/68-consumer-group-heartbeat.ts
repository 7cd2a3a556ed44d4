/**
 * ConsumerGroupHeartbeat (API 68): The one request of the new consumer protocol: joins, stays, reports, receives the assignment, leaves
 * (KIP-848).
 *
 * Version notes (+ field added, - field removed):
 * v1: subscription by a regular expression that the broker evaluates (KIP-848); the member makes its own id (KIP-1082); request +
 *   subscribedTopicRegex
 */
import { api } from '../api.js'
import { array, int16, int32, message, string, struct, uuid } from '../schema.js'

const topicPartitionsFields = {
  topicId: uuid(),
  partitions: array(int32())
}

export const consumerGroupHeartbeat = api({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  stable: [0, 1],
  request: message({
    name: 'ConsumerGroupHeartbeatRequest',
    versions: [0, 1],
    flexible: 0,
    fields: {
      groupId: string(),
      memberId: string(),
      memberEpoch: int32(),
      instanceId: string({ absent: null, nullable: 0 }),
      rackId: string({ absent: null, nullable: 0 }),
      rebalanceTimeoutMs: int32({ absent: -1 }),
      subscribedTopicNames: array(string(), { absent: null, nullable: 0 }),
      subscribedTopicRegex: string({ since: 1, absent: null, nullable: 1 }),
      serverAssignor: string({ absent: null, nullable: 0 }),
      topicPartitions: array(
        struct({
          topicId: uuid(),
          partitions: array(int32())
        }),
        { absent: null, nullable: 0 }
      )
    }
  }),
  response: message({
    name: 'ConsumerGroupHeartbeatResponse',
    versions: [0, 1],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ absent: null, nullable: 0 }),
      memberId: string({ absent: null, nullable: 0 }),
      memberEpoch: int32(),
      heartbeatIntervalMs: int32(),
      assignment: struct(
        {
          topicPartitions: array(struct(topicPartitionsFields))
        },
        { absent: null, nullable: 0 }
      )
    }
  })
})
