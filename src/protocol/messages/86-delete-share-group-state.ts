/**
 * DeleteShareGroupState (API 86): A group coordinator deletes the state of share partitions (KIP-932).
 */
import { api } from '../api.js'
import { array, int16, int32, message, string, struct, uuid } from '../schema.js'

export const deleteShareGroupState = api({
  key: 86,
  name: 'DeleteShareGroupState',
  stable: [0, 0],
  request: message({
    name: 'DeleteShareGroupStateRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      groupId: string(),
      topics: array(
        struct({
          topicId: uuid(),
          partitions: array(
            struct({
              partition: int32()
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'DeleteShareGroupStateResponse',
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
