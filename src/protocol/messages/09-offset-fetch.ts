/**
 * OffsetFetch (API 9).
 *
 * Version notes (+ added, - removed):
 * v2: response + errorCode
 * v3: response + throttleTimeMs
 * v5: response + topics.partitions.committedLeaderEpoch
 * v6: flexible (KIP-482)
 * v7: request + requireStable
 * v8: request + groups; request - groupId, topics, topics.name, topics.partitionIndexes; response + groups; response - topics,
 *   topics.name, topics.partitions, topics.partitions.partitionIndex, topics.partitions.committedOffset,
 *   topics.partitions.committedLeaderEpoch, topics.partitions.metadata, topics.partitions.errorCode, errorCode
 * v9: request + groups.memberId, groups.memberEpoch
 * v10: request + groups.topics.topicId; request - groups.topics.name; response + groups.topics.topicId; response - groups.topics.name
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int64, message, string, struct, uuid } from '../schema.js'

export const offsetFetch = api({
  key: 9,
  name: 'OffsetFetch',
  stable: [1, 10],
  request: message({
    name: 'OffsetFetchRequest',
    versions: [1, 10],
    flexible: 6,
    fields: {
      groupId: string({ until: 7 }),
      topics: array(
        struct({
          name: string(),
          partitionIndexes: array(int32())
        }),
        { until: 7, nullable: 2 }
      ),
      groups: array(
        struct({
          groupId: string(),
          memberId: string({ since: 9, absent: null, nullable: 9, ignorable: true }),
          memberEpoch: int32({ since: 9, absent: -1, ignorable: true }),
          topics: array(
            struct({
              name: string({ until: 9, ignorable: true }),
              topicId: uuid({ since: 10, ignorable: true }),
              partitionIndexes: array(int32())
            }),
            { nullable: 8 }
          )
        }),
        { since: 8 }
      ),
      requireStable: bool({ since: 7, absent: false })
    }
  }),
  response: message({
    name: 'OffsetFetchResponse',
    versions: [1, 10],
    flexible: 6,
    fields: {
      throttleTimeMs: int32({ since: 3, absent: 0, ignorable: true }),
      topics: array(
        struct({
          name: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              committedOffset: int64(),
              committedLeaderEpoch: int32({ since: 5, absent: -1, ignorable: true }),
              metadata: string({ nullable: 0 }),
              errorCode: int16()
            })
          )
        }),
        { until: 7 }
      ),
      errorCode: int16({ since: 2, until: 7, absent: 0, ignorable: true }),
      groups: array(
        struct({
          groupId: string(),
          topics: array(
            struct({
              name: string({ until: 9, ignorable: true }),
              topicId: uuid({ since: 10, ignorable: true }),
              partitions: array(
                struct({
                  partitionIndex: int32(),
                  committedOffset: int64(),
                  committedLeaderEpoch: int32({ absent: -1 }),
                  metadata: string({ nullable: 8 }),
                  errorCode: int16()
                })
              )
            })
          ),
          errorCode: int16({ absent: 0 })
        }),
        { since: 8 }
      )
    }
  })
})
