/**
 * InitProducerId (API 22).
 *
 * Version notes (+ added, - removed):
 * v2: flexible (KIP-482)
 * v3: request + producerId, producerEpoch
 * v6: request + enable2Pc, keepPreparedTxn; response + ongoingTxnProducerId, ongoingTxnProducerEpoch
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
