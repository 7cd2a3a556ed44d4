/**
 * EndTxn (API 26).
 *
 * Version notes (+ added, - removed):
 * v3: flexible (KIP-482)
 * v5: response + producerId, producerEpoch
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
