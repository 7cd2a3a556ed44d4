/**
 * Fetch (API 1): Reads record batches from partitions, waiting for new ones if asked to; consumers and followers use it.
 *
 * Version notes (+ field added, - field removed):
 * v4: isolation level, last stable offset, aborted transactions (KIP-98)
 * v5: log start offset of follower and leader (KIP-107); request + topics.partitions.logStartOffset; response +
 *   responses.partitions.logStartOffset
 * v6: may answer KAFKA_STORAGE_ERROR (KIP-112)
 * v7: incremental sessions (KIP-227); request + sessionId, sessionEpoch, forgottenTopicsData; response + errorCode, sessionId
 * v8: the broker answers first and throttles afterwards (KIP-219)
 * v9: leader epochs fence stale readers (KIP-320); request + topics.partitions.currentLeaderEpoch
 * v10: zstd (KIP-110)
 * v11: rack of the consumer, preferred replica to read from (KIP-392); request + rackId; response +
 *   responses.partitions.preferredReadReplica
 * v12: last fetched epoch; diverging epoch and snapshot id for followers (KIP-595); flexible (KIP-482); request + clusterId,
 *   topics.partitions.lastFetchedEpoch; response + responses.partitions.divergingEpoch, responses.partitions.currentLeader,
 *   responses.partitions.snapshotId
 * v13: topic ids instead of names (KIP-516); request + topics.topicId, forgottenTopicsData.topicId; request - topics.topic,
 *   forgottenTopicsData.topic; response + responses.topicId; response - responses.topic
 * v14: may answer OFFSET_MOVED_TO_TIERED_STORAGE (KIP-405)
 * v15: the follower's broker epoch, together with its id (KIP-903); request + replicaState; request - replicaId
 * v16: addresses of new leaders (KIP-951); response + nodeEndpoints
 * v17: directory id of the replica (KIP-853); request + topics.partitions.replicaDirectoryId
 * v18: the follower's high watermark (KIP-1166); request + topics.partitions.highWatermark
 */
import { api } from '../api.js'
import { array, int16, int32, int64, int8, message, records, string, struct, uuid } from '../schema.js'

export const fetch = api({
  key: 1,
  name: 'Fetch',
  stable: [4, 18],
  request: message({
    name: 'FetchRequest',
    versions: [4, 18],
    flexible: 12,
    fields: {
      clusterId: string({ since: 12, absent: null, nullable: 12, tag: 0, ignorable: true }),
      replicaId: int32({ until: 14, absent: -1 }),
      replicaState: struct(
        {
          replicaId: int32({ absent: -1 }),
          replicaEpoch: int64({ absent: -1 })
        },
        { since: 15, tag: 1 }
      ),
      maxWaitMs: int32(),
      minBytes: int32(),
      maxBytes: int32({ absent: 2147483647 }),
      isolationLevel: int8({ absent: 0 }),
      sessionId: int32({ since: 7, absent: 0, ignorable: true }),
      sessionEpoch: int32({ since: 7, absent: -1, ignorable: true }),
      topics: array(
        struct({
          topic: string({ until: 12, ignorable: true }),
          topicId: uuid({ since: 13, ignorable: true }),
          partitions: array(
            struct({
              partition: int32(),
              currentLeaderEpoch: int32({ since: 9, absent: -1, ignorable: true }),
              fetchOffset: int64(),
              lastFetchedEpoch: int32({ since: 12, absent: -1 }),
              logStartOffset: int64({ since: 5, absent: -1, ignorable: true }),
              partitionMaxBytes: int32(),
              replicaDirectoryId: uuid({ since: 17, tag: 0, ignorable: true }),
              highWatermark: int64({ since: 18, absent: 2 ** 63, tag: 1, ignorable: true })
            })
          )
        })
      ),
      forgottenTopicsData: array(
        struct({
          topic: string({ until: 12, ignorable: true }),
          topicId: uuid({ since: 13, ignorable: true }),
          partitions: array(int32())
        }),
        { since: 7 }
      ),
      rackId: string({ since: 11, absent: '', ignorable: true })
    }
  }),
  response: message({
    name: 'FetchResponse',
    versions: [4, 18],
    flexible: 12,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16({ since: 7, ignorable: true }),
      sessionId: int32({ since: 7, absent: 0 }),
      responses: array(
        struct({
          topic: string({ until: 12, ignorable: true }),
          topicId: uuid({ since: 13, ignorable: true }),
          partitions: array(
            struct({
              partitionIndex: int32(),
              errorCode: int16(),
              highWatermark: int64(),
              lastStableOffset: int64({ absent: -1 }),
              logStartOffset: int64({ since: 5, absent: -1, ignorable: true }),
              divergingEpoch: struct(
                {
                  epoch: int32({ absent: -1 }),
                  endOffset: int64({ absent: -1 })
                },
                { since: 12, tag: 0 }
              ),
              currentLeader: struct(
                {
                  leaderId: int32({ absent: -1 }),
                  leaderEpoch: int32({ absent: -1 })
                },
                { since: 12, tag: 1 }
              ),
              snapshotId: struct(
                {
                  endOffset: int64({ absent: -1 }),
                  epoch: int32({ absent: -1 })
                },
                { since: 12, tag: 2 }
              ),
              abortedTransactions: array(
                struct({
                  producerId: int64(),
                  firstOffset: int64()
                }),
                { nullable: 4 }
              ),
              preferredReadReplica: int32({ since: 11, absent: -1 }),
              records: records({ nullable: 0 })
            })
          )
        })
      ),
      nodeEndpoints: array(
        struct({
          nodeId: int32(),
          host: string(),
          port: int32(),
          rack: string({ absent: null, nullable: 16 })
        }),
        { since: 16, tag: 0 }
      )
    }
  })
})
