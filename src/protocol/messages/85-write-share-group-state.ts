/**
 * WriteShareGroupState (API 85): A partition leader stores the state of share partitions (KIP-932).
 *
 * Version notes (+ field added, - field removed):
 * v1: how many records beyond the start offset are done with (KIP-1226); request + topics.partitions.deliveryCompleteCount
 */
import { api } from '../api.js'
import { array, int16, int32, int64, int8, message, string, struct, uuid } from '../schema.js'

export const writeShareGroupState = api({
  key: 85,
  name: 'WriteShareGroupState',
  stable: [0, 1],
  request: message({
    name: 'WriteShareGroupStateRequest',
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
              stateEpoch: int32(),
              leaderEpoch: int32(),
              startOffset: int64(),
              deliveryCompleteCount: int32({ since: 1, absent: -1, ignorable: true }),
              stateBatches: array(
                struct({
                  firstOffset: int64(),
                  lastOffset: int64(),
                  deliveryState: int8(),
                  deliveryCount: int16()
                })
              )
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'WriteShareGroupStateResponse',
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
              errorMessage: string({ absent: null, nullable: 0 })
            })
          )
        })
      )
    }
  })
})
