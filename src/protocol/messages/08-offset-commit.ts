/**
 * OffsetCommit (API 8): Stores how far a group has read.
 *
 * Version notes (+ field added, - field removed):
 * v2: retention time chosen by the client
 * v3: throttle time (KIP-124); response + throttleTimeMs
 * v4: the broker answers first and throttles afterwards (KIP-219)
 * v5: no retention time any more (KIP-211); request - retentionTimeMs
 * v6: leader epochs (KIP-320); request + topics.partitions.committedLeaderEpoch
 * v7: static members (KIP-345); request + groupInstanceId
 * v8: flexible (KIP-482)
 * v9: members of consumer groups of the new protocol (KIP-848)
 * v10: topic ids instead of names (KIP-848); request + topics.topicId; request - topics.name; response + topics.topicId; response -
 *   topics.name
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
