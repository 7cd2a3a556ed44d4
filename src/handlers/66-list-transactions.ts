/**
 * ListTransactions: the transactional ids that this broker coordinates, filtered (KIP-664).
 *
 * Version notes: v1 by how long they have been running (KIP-994). v2 by a pattern of the transactional id (KIP-1152).
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { LinearRegex } from '../regex/matcher.js'
import { TRANSACTION_STATES } from '../coordinator/transaction/transaction-metadata.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { listTransactions } from '../protocol/messages/66-list-transactions.js'
import { handler } from './handler.js'

/** About two milliseconds of work. */
const SLICE_STEPS = 100_000

export const listTransactionsHandler = handler({
  api: listTransactions,
  minVersion: 0,
  maxVersion: 2,
  async handle({ stateFilters, producerIdFilters, durationFilter, transactionalIdPattern }, _context, { transactions: coordinator }) {
    const unknownStateFilters = stateFilters.filter((name) => !TRANSACTION_STATES.some((state) => state === name))
    const pattern =
      transactionalIdPattern === null || transactionalIdPattern === '' ? undefined : LinearRegex.compile(transactionalIdPattern)
    if (typeof pattern === 'string')
      return { errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION, unknownStateFilters: [], transactionStates: [] }
    const { errorCode, transactions } = await coordinator.list({
      states: stateFilters,
      producerIds: producerIdFilters,
      longerThanMs: durationFilter
    })
    return { errorCode, unknownStateFilters, transactionStates: pattern ? await matching(pattern, transactions) : transactions }
  },
  failed: (_request, errorCode) => ({ errorCode, unknownStateFilters: [], transactionStates: [] })
})

/** Ids and pattern are as long as clients like: others get their turn in between. */
async function matching<T extends { readonly transactionalId: string }>(pattern: LinearRegex, all: readonly T[]): Promise<T[]> {
  const found: T[] = []
  let turnEnds = pattern.steps + SLICE_STEPS
  for (const each of all) {
    if (await pattern.matchesInSlices(each.transactionalId, SLICE_STEPS, nextTurn)) found.push(each)
    if (pattern.steps < turnEnds) continue
    await nextTurn()
    turnEnds = pattern.steps + SLICE_STEPS
  }
  return found
}
