/**
 * Produce (API 0): Appends record batches to partitions; with acks=0 it has no response.
 *
 * Version notes (+ field added, - field removed):
 * v3: record batches v2 and transactions (KIP-98)
 * v4: may answer KAFKA_STORAGE_ERROR (KIP-112)
 * v5: the log start offset, so that a producer can tell lost records from deleted ones; response +
 *   responses.partitionResponses.logStartOffset
 * v6: the broker answers first and throttles afterwards (KIP-219)
 * v7: zstd (KIP-110)
 * v8: which records were refused, and why (KIP-467); response + responses.partitionResponses.recordErrors,
 *   responses.partitionResponses.errorMessage
 * v9: flexible (KIP-482)
 * v10: the new leader and its address in errors (KIP-951); response + responses.partitionResponses.currentLeader, nodeEndpoints
 * v11: may answer TRANSACTION_ABORTABLE (KIP-890)
 * v12: a transactional write adds its partition to the transaction by itself (KIP-890)
 * v13: topic ids instead of names (KIP-516); request + topicData.topicId; request - topicData.name; response + responses.topicId;
 *   response - responses.name
 */
import { api } from '../api.js'
import { array, int16, int32, int64, message, records, string, struct, uuid } from '../schema.js'

export const produce = api({
  key: 0,
  name: 'Produce',
  stable: [3, 13],
  request: message({
    name: 'ProduceRequest',
    versions: [3, 13],
    flexible: 9,
    fields: {
      transactionalId: string({ absent: null, nullable: 3 }),
      acks: int16(),
      timeoutMs: int32(),
      topicData: array(
        struct({
          name: string({ until: 12, ignorable: true }),
          topicId: uuid({ since: 13, ignorable: true }),
          partitionData: array(
            struct({
              index: int32(),
              records: records({ nullable: 0 })
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'ProduceResponse',
    versions: [3, 13],
    flexible: 9,
    fields: {
      responses: array(
        struct({
          name: string({ until: 12, ignorable: true }),
          topicId: uuid({ since: 13, ignorable: true }),
          partitionResponses: array(
            struct({
              index: int32(),
              errorCode: int16(),
              baseOffset: int64(),
              logAppendTimeMs: int64({ absent: -1 }),
              logStartOffset: int64({ since: 5, absent: -1, ignorable: true }),
              recordErrors: array(
                struct({
                  batchIndex: int32(),
                  batchIndexErrorMessage: string({ absent: null, nullable: 8 })
                }),
                { since: 8, ignorable: true }
              ),
              errorMessage: string({ since: 8, absent: null, nullable: 8, ignorable: true }),
              currentLeader: struct(
                {
                  leaderId: int32({ absent: -1 }),
                  leaderEpoch: int32({ absent: -1 })
                },
                { since: 10, tag: 0 }
              )
            })
          )
        })
      ),
      throttleTimeMs: int32({ absent: 0 }),
      nodeEndpoints: array(
        struct({
          nodeId: int32(),
          host: string(),
          port: int32(),
          rack: string({ absent: null, nullable: 10 })
        }),
        { since: 10, tag: 0 }
      )
    }
  })
})
