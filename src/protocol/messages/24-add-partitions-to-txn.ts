/**
 * AddPartitionsToTxn (API 24).
 *
 * Version notes (+ added, - removed):
 * v3: flexible (KIP-482)
 * v4: request + transactions; request - v3AndBelowTransactionalId, v3AndBelowProducerId, v3AndBelowProducerEpoch, v3AndBelowTopics;
 *   response + errorCode, resultsByTransaction; response - resultsByTopicV3AndBelow
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
