/**
 * TxnOffsetCommit (API 28): Stores offsets of a group as part of a transaction (KIP-98).
 *
 * Version notes (+ field added, - field removed):
 * v1: the broker answers first and throttles afterwards (KIP-219)
 * v2: leader epochs (KIP-320); request + topics.partitions.committedLeaderEpoch
 * v3: the member's generation, id and instance id, which are checked (KIP-447); flexible (KIP-482); request + generationIdOrMemberEpoch,
 *   memberId, groupInstanceId
 * v4: may answer TRANSACTION_ABORTABLE (KIP-890)
 * v5: adds the group to the transaction by itself (KIP-890)
 * v6: topic ids instead of names; request + topics.topicId; request - topics.name; response + topics.topicId; response - topics.name
 */
import { api } from '../api.js'
import { array, int16, int32, int64, message, string, struct, uuid } from '../schema.js'

export const txnOffsetCommit = api({
  key: 28,
  name: 'TxnOffsetCommit',
  stable: [0, 5],
  request: message({
    name: 'TxnOffsetCommitRequest',
    versions: [0, 6],
    flexible: 3,
    fields: {
      transactionalId: string(),
      groupId: string(),
      producerId: int64(),
      producerEpoch: int16(),
      generationIdOrMemberEpoch: int32({ since: 3, absent: -1 }),
      memberId: string({ since: 3, absent: '' }),
      groupInstanceId: string({ since: 3, absent: null, nullable: 3 }),
      topics: array(
        struct({
          name: string({ until: 5, ignorable: true }),
          topicId: uuid({ since: 6, ignorable: true }),
          partitions: array(
            struct({
              partitionIndex: int32(),
              committedOffset: int64(),
              committedLeaderEpoch: int32({ since: 2, absent: -1, ignorable: true }),
              committedMetadata: string({ nullable: 0 })
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'TxnOffsetCommitResponse',
    versions: [0, 6],
    flexible: 3,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      topics: array(
        struct({
          name: string({ until: 5, ignorable: true }),
          topicId: uuid({ since: 6, ignorable: true }),
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
