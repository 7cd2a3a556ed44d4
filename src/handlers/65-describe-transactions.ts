/**
 * DescribeTransactions: the state of transactional ids, and the partitions of their open transactions (KIP-664).
 *
 * Version notes: only v0 exists.
 */
import { describeTransactions } from '../protocol/messages/65-describe-transactions.js'
import { undescribed } from '../coordinator/transaction/transaction-shard.js'
import { handler } from './handler.js'

export const describeTransactionsHandler = handler({
  api: describeTransactions,
  minVersion: 0,
  maxVersion: 0,
  async handle({ transactionalIds }, _context, { transactions }) {
    return { transactionStates: await Promise.all(transactionalIds.map((id) => transactions.describe(id))) }
  },
  failed: ({ transactionalIds }, errorCode) => ({
    transactionStates: transactionalIds.map((id) => undescribed(id, errorCode))
  })
})
