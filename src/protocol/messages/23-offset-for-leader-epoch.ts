/**
 * OffsetForLeaderEpoch (API 23): Tells where a leader epoch ends, so that logs which went different ways can be cut (KIP-101).
 *
 * Version notes (+ field added, - field removed):
 * v2: the reader's own leader epoch fences it (KIP-320)
 * v3: who asks: a consumer or a follower; request + replicaId
 * v4: flexible (KIP-482)
 */
import { api } from '../api.js'
import { array, int16, int32, int64, message, string, struct } from '../schema.js'

export const offsetForLeaderEpoch = api({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  stable: [2, 4],
  request: message({
    name: 'OffsetForLeaderEpochRequest',
    versions: [2, 4],
    flexible: 4,
    fields: {
      replicaId: int32({ since: 3, absent: -2, ignorable: true }),
      topics: array(
        struct({
          topic: string(),
          partitions: array(
            struct({
              partition: int32(),
              currentLeaderEpoch: int32({ absent: -1 }),
              leaderEpoch: int32()
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'OffsetForLeaderEpochResponse',
    versions: [2, 4],
    flexible: 4,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      topics: array(
        struct({
          topic: string(),
          partitions: array(
            struct({
              errorCode: int16(),
              partition: int32(),
              leaderEpoch: int32({ absent: -1 }),
              endOffset: int64({ absent: -1 })
            })
          )
        })
      )
    }
  })
})
