/**
 * ReadShareGroupState (API 84): A partition leader loads the state of share partitions (KIP-932).
 */
import { api } from '../api.js'
import { array, int16, int32, int64, int8, message, string, struct, uuid } from '../schema.js'

export const readShareGroupState = api({
  key: 84,
  name: 'ReadShareGroupState',
  stable: [0, 0],
  request: message({
    name: 'ReadShareGroupStateRequest',
    versions: [0, 0],
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
    name: 'ReadShareGroupStateResponse',
    versions: [0, 0],
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
              startOffset: int64(),
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
  })
})
