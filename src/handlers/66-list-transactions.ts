/**
 * ListTransactions: the transactional ids that this broker coordinates, filtered (KIP-664).
 *
 * Version notes: v1 by how long they have been running (KIP-994). v2 by a pattern of the transactional id (KIP-1152).
 */
import { TopicRegex } from '../coordinator/group/consumer/regex/matcher.js'
import { TRANSACTION_STATES } from '../coordinator/transaction/transaction-metadata.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { listTransactions } from '../protocol/messages/66-list-transactions.js'
import { handler } from './handler.js'

export const listTransactionsHandler = handler({
  api: listTransactions,
  minVersion: 0,
  maxVersion: 2,
  async handle({ stateFilters, producerIdFilters, durationFilter, transactionalIdPattern }, _context, { transactions: coordinator }) {
    const unknownStateFilters = stateFilters.filter((name) => !TRANSACTION_STATES.some((state) => state === name))
    const pattern =
      transactionalIdPattern === null || transactionalIdPattern === '' ? undefined : TopicRegex.compile(transactionalIdPattern)
    if (typeof pattern === 'string') return { errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION, unknownStateFilters, transactionStates: [] }
    const { errorCode, transactions } = await coordinator.list({
      states: stateFilters,
      producerIds: producerIdFilters,
      longerThanMs: durationFilter,
      matches: (transactionalId) => pattern?.matches(transactionalId) ?? true
    })
    return { errorCode, unknownStateFilters, transactionStates: transactions }
  },
  failed: (_request, errorCode) => ({ errorCode, unknownStateFilters: [], transactionStates: [] })
})
