/**
 * OffsetCommit (API 8).
 *
 * Version notes (+ added, - removed):
 * v3: response + throttleTimeMs
 * v5: request - retentionTimeMs
 * v6: request + topics.partitions.committedLeaderEpoch
 * v7: request + groupInstanceId
 * v8: flexible (KIP-482)
 * v10: request + topics.topicId; request - topics.name; response + topics.topicId; response - topics.name
 */
import { api } from '../api.js'
import { array, int16, int32, int64, message, string, struct, uuid } from '../schema.js'

export const offsetCommit = api({
  key: 8,
  name: 'OffsetCommit',
  stable: [2, 10],
  request: message({
    name: 'OffsetCommitRequest',
    versions: [2, 10],
    flexible: 8,
    fields: {
      groupId: string(),
      generationIdOrMemberEpoch: int32({ absent: -1 }),
      memberId: string(),
      groupInstanceId: string({ since: 7, absent: null, nullable: 7 }),
      retentionTimeMs: int64({ until: 4, absent: -1, ignorable: true }),
      topics: array(
        struct({
          name: string({ until: 9, ignorable: true }),
          topicId: uuid({ since: 10, ignorable: true }),
          partitions: array(
            struct({
              partitionIndex: int32(),
              committedOffset: int64(),
              committedLeaderEpoch: int32({ since: 6, absent: -1, ignorable: true }),
              committedMetadata: string({ nullable: 0 })
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'OffsetCommitResponse',
    versions: [2, 10],
    flexible: 8,
    fields: {
      throttleTimeMs: int32({ since: 3, absent: 0, ignorable: true }),
      topics: array(
        struct({
          name: string({ until: 9, ignorable: true }),
          topicId: uuid({ since: 10, ignorable: true }),
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
