/**
 * InitializeShareGroupState (API 83): A group coordinator sets up the state of share partitions at the share coordinator (KIP-932).
 */
import { api } from '../api.js'
import { array, int16, int32, int64, message, string, struct, uuid } from '../schema.js'

export const initializeShareGroupState = api({
  key: 83,
  name: 'InitializeShareGroupState',
  stable: [0, 0],
  request: message({
    name: 'InitializeShareGroupStateRequest',
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
              stateEpoch: int32(),
              startOffset: int64()
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'InitializeShareGroupStateResponse',
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
              errorMessage: string({ absent: null, nullable: 0 })
            })
          )
        })
      )
    }
  })
})
