/**
 * ShareGroupHeartbeat (API 76): Joins a share group, stays in it, receives the assignment, leaves (KIP-932).
 */
import { api } from '../api.js'
import { array, int16, int32, message, string, struct, uuid } from '../schema.js'

const topicPartitionsFields = {
  topicId: uuid(),
  partitions: array(int32())
}

export const shareGroupHeartbeat = api({
  key: 76,
  name: 'ShareGroupHeartbeat',
  stable: [1, 1],
  request: message({
    name: 'ShareGroupHeartbeatRequest',
    versions: [1, 1],
    flexible: 0,
    fields: {
      groupId: string(),
      memberId: string(),
      memberEpoch: int32(),
      rackId: string({ absent: null, nullable: 0 }),
      subscribedTopicNames: array(string(), { absent: null, nullable: 0 })
    }
  }),
  response: message({
    name: 'ShareGroupHeartbeatResponse',
    versions: [1, 1],
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
