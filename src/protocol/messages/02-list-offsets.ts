/**
 * ListOffsets (API 2): Finds an offset by timestamp, or the first, the last and other special ones.
 *
 * Version notes (+ field added, - field removed):
 * v1: one offset for a timestamp, with its own timestamp (KIP-79)
 * v2: isolation level (KIP-98); request + isolationLevel; response + throttleTimeMs
 * v3: the broker answers first and throttles afterwards (KIP-219)
 * v4: leader epochs (KIP-320); request + topics.partitions.currentLeaderEpoch; response + topics.partitions.leaderEpoch
 * v5: may answer OFFSET_NOT_AVAILABLE while a new leader catches up (KIP-207)
 * v6: flexible (KIP-482)
 * v7: timestamp -3: the record with the largest timestamp (KIP-734)
 * v8: timestamp -4: the first offset on the local disk (KIP-405)
 * v9: timestamp -5: the last offset in tiered storage (KIP-1005)
 * v10: time-out, for look-ups in tiered storage (KIP-1075); request + timeoutMs
 * v11: timestamp -6: the first offset not yet uploaded (KIP-1023)
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
