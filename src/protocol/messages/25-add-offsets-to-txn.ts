/**
 * AddOffsetsToTxn (API 25): Adds a group's offsets to a transaction (KIP-98).
 *
 * Version notes (+ field added, - field removed):
 * v1: the broker answers first and throttles afterwards (KIP-219)
 * v2: may answer PRODUCER_FENCED (KIP-588)
 * v3: flexible (KIP-482)
 * v4: may answer TRANSACTION_ABORTABLE (KIP-890)
 */
import { api } from '../api.js'
import { int16, int32, int64, message, string } from '../schema.js'

export const addOffsetsToTxn = api({
  key: 25,
  name: 'AddOffsetsToTxn',
  stable: [0, 4],
  request: message({
    name: 'AddOffsetsToTxnRequest',
    versions: [0, 4],
    flexible: 3,
    fields: {
      transactionalId: string(),
      producerId: int64(),
      producerEpoch: int16(),
      groupId: string()
    }
  }),
  response: message({
    name: 'AddOffsetsToTxnResponse',
    versions: [0, 4],
    flexible: 3,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16()
    }
  })
})
