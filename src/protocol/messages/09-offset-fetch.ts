/**
 * OffsetFetch (API 9): Gives the offsets that groups have stored.
 *
 * Version notes (+ field added, - field removed):
 * v1: stored in the group's own log rather than in ZooKeeper
 * v2: null asks for all topics; an error for the whole group (KIP-88); response + errorCode
 * v3: throttle time (KIP-124); response + throttleTimeMs
 * v4: the broker answers first and throttles afterwards (KIP-219)
 * v5: leader epochs (KIP-320); response + topics.partitions.committedLeaderEpoch
 * v6: flexible (KIP-482)
 * v7: offsets of open transactions can be waited for (KIP-447); request + requireStable
 * v8: several groups at once (KIP-709); request + groups; request - groupId, topics, topics.name, topics.partitionIndexes; response +
 *   groups; response - topics, topics.name, topics.partitions, topics.partitions.partitionIndex, topics.partitions.committedOffset,
 *   topics.partitions.committedLeaderEpoch, topics.partitions.metadata, topics.partitions.errorCode, errorCode
 * v9: member id and epoch, which are checked (KIP-848); request + groups.memberId, groups.memberEpoch
 * v10: topic ids instead of names (KIP-848); request + groups.topics.topicId; request - groups.topics.name; response +
 *   groups.topics.topicId; response - groups.topics.name
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
