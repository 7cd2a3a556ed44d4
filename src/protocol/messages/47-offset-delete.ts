/**
 * OffsetDelete (API 47): Deletes stored offsets of a group for topics that it does not subscribe to (KIP-496).
 */
import { api } from '../api.js'
import { array, int16, int32, message, string, struct } from '../schema.js'

export const offsetDelete = api({
  key: 47,
  name: 'OffsetDelete',
  stable: [0, 0],
  request: message({
    name: 'OffsetDeleteRequest',
    versions: [0, 0],
    fields: {
      groupId: string(),
      topics: array(
        struct({
          name: string(),
          partitions: array(
            struct({
              partitionIndex: int32()
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'OffsetDeleteResponse',
    versions: [0, 0],
    fields: {
      errorCode: int16(),
      throttleTimeMs: int32({ absent: 0 }),
      topics: array(
        struct({
          name: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              errorCode: int16()
            })
          )
        })
      )
    }
  })
})
