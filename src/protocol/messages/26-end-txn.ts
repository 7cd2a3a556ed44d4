/**
 * EndTxn (API 26): Commits or aborts a transaction (KIP-98).
 *
 * Version notes (+ field added, - field removed):
 * v1: the broker answers first and throttles afterwards (KIP-219)
 * v2: may answer PRODUCER_FENCED (KIP-588)
 * v3: flexible (KIP-482)
 * v4: may answer TRANSACTION_ABORTABLE (KIP-890)
 * v5: the producer epoch rises with every transaction and comes back in the answer (KIP-890); response + producerId, producerEpoch
 */
import { api } from '../api.js'
import { bool, int16, int32, int64, message, string } from '../schema.js'

export const endTxn = api({
  key: 26,
  name: 'EndTxn',
  stable: [0, 5],
  request: message({
    name: 'EndTxnRequest',
    versions: [0, 5],
    flexible: 3,
    fields: {
      transactionalId: string(),
      producerId: int64(),
      producerEpoch: int16(),
      committed: bool()
    }
  }),
  response: message({
    name: 'EndTxnResponse',
    versions: [0, 5],
    flexible: 3,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      producerId: int64({ since: 5, absent: -1, ignorable: true }),
      producerEpoch: int16({ since: 5, absent: -1, ignorable: true })
    }
  })
})
