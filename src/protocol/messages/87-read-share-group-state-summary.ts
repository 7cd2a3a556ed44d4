/**
 * ReadShareGroupStateSummary (API 87): A group coordinator reads start offsets of share partitions (KIP-932).
 *
 * Version notes (+ field added, - field removed):
 * v1: how many records beyond the start offset are done with (KIP-1226); response + results.partitions.deliveryCompleteCount
 */
import { api } from '../api.js'
import { array, int16, int32, int64, message, string, struct, uuid } from '../schema.js'

export const readShareGroupStateSummary = api({
  key: 87,
  name: 'ReadShareGroupStateSummary',
  stable: [0, 1],
  request: message({
    name: 'ReadShareGroupStateSummaryRequest',
    versions: [0, 1],
    flexible: 0,
    fields: {
      groupId: string(),
      topics: array(
        struct({
          topicId: uuid(),
          partitions: array(
            struct({
              partition: int32(),
              leaderEpoch: int32()
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'ReadShareGroupStateSummaryResponse',
    versions: [0, 1],
    flexible: 0,
    fields: {
      results: array(
        struct({
          topicId: uuid(),
          partitions: array(
            struct({
              partition: int32(),
              errorCode: int16(),
              errorMessage: string({ absent: null, nullable: 0 }),
              stateEpoch: int32(),
              leaderEpoch: int32(),
              startOffset: int64(),
              deliveryCompleteCount: int32({ since: 1, absent: -1, ignorable: true })
            })
          )
        })
      )
    }
  })
})
