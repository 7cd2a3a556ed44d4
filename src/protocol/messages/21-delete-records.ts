/**
 * DeleteRecords (API 21): Raises the log start offset of partitions: what lies before is deleted (KIP-107).
 *
 * Version notes (+ field added, - field removed):
 * v1: the broker answers first and throttles afterwards (KIP-219)
 * v2: flexible (KIP-482)
 */
import { api } from '../api.js'
import { array, int16, int32, int64, message, string, struct } from '../schema.js'

export const deleteRecords = api({
  key: 21,
  name: 'DeleteRecords',
  stable: [0, 2],
  request: message({
    name: 'DeleteRecordsRequest',
    versions: [0, 2],
    flexible: 2,
    fields: {
      topics: array(
        struct({
          name: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              offset: int64()
            })
          )
        })
      ),
      timeoutMs: int32()
    }
  }),
  response: message({
    name: 'DeleteRecordsResponse',
    versions: [0, 2],
    flexible: 2,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      topics: array(
        struct({
          name: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              lowWatermark: int64(),
              errorCode: int16()
            })
          )
        })
      )
    }
  })
})
