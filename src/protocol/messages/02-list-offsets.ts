/**
 * ListOffsets (API 2).
 *
 * Version notes (+ added, - removed):
 * v2: request + isolationLevel; response + throttleTimeMs
 * v4: request + topics.partitions.currentLeaderEpoch; response + topics.partitions.leaderEpoch
 * v6: flexible (KIP-482)
 * v10: request + timeoutMs
 */
import { api } from '../api.js'
import { array, int16, int32, int64, int8, message, string, struct } from '../schema.js'

export const listOffsets = api({
  key: 2,
  name: 'ListOffsets',
  stable: [1, 11],
  request: message({
    name: 'ListOffsetsRequest',
    versions: [1, 11],
    flexible: 6,
    fields: {
      replicaId: int32(),
      isolationLevel: int8({ since: 2 }),
      topics: array(
        struct({
          name: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              currentLeaderEpoch: int32({ since: 4, absent: -1, ignorable: true }),
              timestamp: int64()
            })
          )
        })
      ),
      timeoutMs: int32({ since: 10, ignorable: true })
    }
  }),
  response: message({
    name: 'ListOffsetsResponse',
    versions: [1, 11],
    flexible: 6,
    fields: {
      throttleTimeMs: int32({ since: 2, absent: 0, ignorable: true }),
      topics: array(
        struct({
          name: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              errorCode: int16(),
              timestamp: int64({ absent: -1 }),
              offset: int64({ absent: -1 }),
              leaderEpoch: int32({ since: 4, absent: -1 })
            })
          )
        })
      )
    }
  })
})
