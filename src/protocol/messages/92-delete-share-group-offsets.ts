/**
 * DeleteShareGroupOffsets (API 92): Deletes the offsets of an empty share group for topics (KIP-932).
 */
import { api } from '../api.js'
import { array, int16, int32, message, string, struct, uuid } from '../schema.js'

export const deleteShareGroupOffsets = api({
  key: 92,
  name: 'DeleteShareGroupOffsets',
  stable: [0, 0],
  request: message({
    name: 'DeleteShareGroupOffsetsRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      groupId: string(),
      topics: array(
        struct({
          topicName: string()
        })
      )
    }
  }),
  response: message({
    name: 'DeleteShareGroupOffsetsResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ absent: null, nullable: 0 }),
      responses: array(
        struct({
          topicName: string(),
          topicId: uuid(),
          errorCode: int16(),
          errorMessage: string({ absent: null, nullable: 0 })
        })
      )
    }
  })
})
