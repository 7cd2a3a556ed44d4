/**
 * AlterShareGroupOffsets (API 91): Moves the start offsets of an empty share group (KIP-932).
 */
import { api } from '../api.js'
import { array, int16, int32, int64, message, string, struct, uuid } from '../schema.js'

export const alterShareGroupOffsets = api({
  key: 91,
  name: 'AlterShareGroupOffsets',
  stable: [0, 0],
  request: message({
    name: 'AlterShareGroupOffsetsRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      groupId: string(),
      topics: array(
        struct({
          topicName: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              startOffset: int64()
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'AlterShareGroupOffsetsResponse',
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
          partitions: array(
            struct({
              partitionIndex: int32(),
              errorCode: int16(),
              errorMessage: string({ absent: null, nullable: 0 })
            })
          )
        })
      )
    }
  })
})
