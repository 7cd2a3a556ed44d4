/**
 * ListTransactions (API 66): Lists transactions, filtered by state and producer (KIP-664).
 *
 * Version notes (+ field added, - field removed):
 * v1: filter by how long they have been running (KIP-994); request + durationFilter
 * v2: filter by a pattern of the transactional id (KIP-1152); request + transactionalIdPattern
 */
import { api } from '../api.js'
import { array, int16, int32, int64, message, string, struct } from '../schema.js'

export const listTransactions = api({
  key: 66,
  name: 'ListTransactions',
  stable: [0, 2],
  request: message({
    name: 'ListTransactionsRequest',
    versions: [0, 2],
    flexible: 0,
    fields: {
      stateFilters: array(string()),
      producerIdFilters: array(int64()),
      durationFilter: int64({ since: 1, absent: -1 }),
      transactionalIdPattern: string({ since: 2, absent: null, nullable: 2 })
    }
  }),
  response: message({
    name: 'ListTransactionsResponse',
    versions: [0, 2],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      unknownStateFilters: array(string()),
      transactionStates: array(
        struct({
          transactionalId: string(),
          producerId: int64(),
          transactionState: string()
        })
      )
    }
  })
})
