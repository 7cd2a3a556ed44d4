/**
 * DescribeShareGroupOffsets (API 90): Tells the start offsets of a share group (KIP-932).
 *
 * Version notes (+ field added, - field removed):
 * v1: lag (KIP-1226); response + groups.topics.partitions.lag
 */
import { api } from '../api.js'
import { array, int16, int32, int64, message, string, struct, uuid } from '../schema.js'

export const describeShareGroupOffsets = api({
  key: 90,
  name: 'DescribeShareGroupOffsets',
  stable: [0, 1],
  request: message({
    name: 'DescribeShareGroupOffsetsRequest',
    versions: [0, 1],
    flexible: 0,
    fields: {
      groups: array(
        struct({
          groupId: string(),
          topics: array(
            struct({
              topicName: string(),
              partitions: array(int32())
            }),
            { nullable: 0 }
          )
        })
      )
    }
  }),
  response: message({
    name: 'DescribeShareGroupOffsetsResponse',
    versions: [0, 1],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      groups: array(
        struct({
          groupId: string(),
          topics: array(
            struct({
              topicName: string(),
              topicId: uuid(),
              partitions: array(
                struct({
                  partitionIndex: int32(),
                  startOffset: int64(),
                  leaderEpoch: int32(),
                  lag: int64({ since: 1, absent: -1, ignorable: true }),
                  errorCode: int16(),
                  errorMessage: string({ absent: null, nullable: 0 })
                })
              )
            })
          ),
          errorCode: int16(),
          errorMessage: string({ absent: null, nullable: 0 })
        })
      )
    }
  })
})
