/**
 * InitProducerId (API 22): Gives a producer its id and epoch; for a transactional one, ends what its predecessor left open (KIP-98).
 *
 * Version notes (+ field added, - field removed):
 * v1: the broker answers first and throttles afterwards (KIP-219)
 * v2: flexible (KIP-482)
 * v3: a producer that lost its state can keep its id with a higher epoch (KIP-360); request + producerId, producerEpoch
 * v4: may answer PRODUCER_FENCED (KIP-588)
 * v5: may answer TRANSACTION_ABORTABLE (KIP-890)
 * v6: two-phase commit (KIP-939); off by default; request + enable2Pc, keepPreparedTxn; response + ongoingTxnProducerId,
 *   ongoingTxnProducerEpoch
 */
import { api } from '../api.js'
import { bool, int16, int32, int64, message, string } from '../schema.js'

export const initProducerId = api({
  key: 22,
  name: 'InitProducerId',
  stable: [0, 5],
  request: message({
    name: 'InitProducerIdRequest',
    versions: [0, 6],
    flexible: 2,
    fields: {
      transactionalId: string({ nullable: 0 }),
      transactionTimeoutMs: int32(),
      producerId: int64({ since: 3, absent: -1 }),
      producerEpoch: int16({ since: 3, absent: -1 }),
      enable2Pc: bool({ since: 6, absent: false }),
      keepPreparedTxn: bool({ since: 6, absent: false })
    }
  }),
  response: message({
    name: 'InitProducerIdResponse',
    versions: [0, 6],
    flexible: 2,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      producerId: int64({ absent: -1 }),
      producerEpoch: int16(),
      ongoingTxnProducerId: int64({ since: 6, absent: -1 }),
      ongoingTxnProducerEpoch: int16({ since: 6, absent: -1 })
    }
  })
})
