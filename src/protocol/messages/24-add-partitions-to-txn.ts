/**
 * AddPartitionsToTxn (API 24): Adds partitions to a transaction (KIP-98).
 *
 * Version notes (+ field added, - field removed):
 * v1: the broker answers first and throttles afterwards (KIP-219)
 * v2: may answer PRODUCER_FENCED (KIP-588)
 * v3: flexible (KIP-482)
 * v4: for brokers only: several transactions at once, or only a check (KIP-890); request + transactions; request -
 *   v3AndBelowTransactionalId, v3AndBelowProducerId, v3AndBelowProducerEpoch, v3AndBelowTopics; response + errorCode,
 *   resultsByTransaction; response - resultsByTopicV3AndBelow
 * v5: may answer TRANSACTION_ABORTABLE (KIP-890)
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int64, message, string, struct } from '../schema.js'

const addPartitionsToTxnTopicFields = {
  name: string(),
  partitions: array(int32())
}

const addPartitionsToTxnPartitionResultFields = {
  partitionIndex: int32(),
  partitionErrorCode: int16()
}

const addPartitionsToTxnTopicResultFields = {
  name: string(),
  resultsByPartition: array(struct(addPartitionsToTxnPartitionResultFields))
}

export const addPartitionsToTxn = api({
  key: 24,
  name: 'AddPartitionsToTxn',
  stable: [0, 5],
  request: message({
    name: 'AddPartitionsToTxnRequest',
    versions: [0, 5],
    flexible: 3,
    fields: {
      transactions: array(
        struct({
          transactionalId: string(),
          producerId: int64(),
          producerEpoch: int16(),
          verifyOnly: bool({ absent: false }),
          topics: array(struct(addPartitionsToTxnTopicFields))
        }),
        { since: 4 }
      ),
      v3AndBelowTransactionalId: string({ until: 3 }),
      v3AndBelowProducerId: int64({ until: 3 }),
      v3AndBelowProducerEpoch: int16({ until: 3 }),
      v3AndBelowTopics: array(struct(addPartitionsToTxnTopicFields), { until: 3 })
    }
  }),
  response: message({
    name: 'AddPartitionsToTxnResponse',
    versions: [0, 5],
    flexible: 3,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16({ since: 4, ignorable: true }),
      resultsByTransaction: array(
        struct({
          transactionalId: string(),
          topicResults: array(struct(addPartitionsToTxnTopicResultFields))
        }),
        { since: 4 }
      ),
      resultsByTopicV3AndBelow: array(struct(addPartitionsToTxnTopicResultFields), { until: 3 })
    }
  })
})
