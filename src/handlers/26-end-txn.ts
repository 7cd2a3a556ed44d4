/**
 * EndTxn: a producer commits or aborts its transaction. Answered when that is decided; the markers follow.
 *
 * Version notes: v2 PRODUCER_FENCED in place of INVALID_PRODUCER_EPOCH. v3 flexible. v4 TRANSACTION_ABORTABLE. v5 transaction version 2: the
 * answer has the epoch, or the id, of the next transaction (KIP-890).
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { endTxn } from '../protocol/messages/26-end-txn.js'
import { handler } from './handler.js'

const FIRST_VERSION_WITH_FENCED = 2
const FIRST_VERSION_WITH_EPOCHS = 5

export const endTxnHandler = handler({
  api: endTxn,
  minVersion: 0,
  maxVersion: 5,
  parks: true,
  async handle({ transactionalId, producerId, producerEpoch, committed }, { apiVersion }, { transactions }) {
    const clientVersion = apiVersion >= FIRST_VERSION_WITH_EPOCHS ? 2 : 0
    const answer = await transactions.endTransaction({ transactionalId, producerId, producerEpoch, commit: committed, clientVersion })
    const fenced = answer.errorCode === ErrorCode.PRODUCER_FENCED && apiVersion < FIRST_VERSION_WITH_FENCED
    return fenced ? { ...answer, errorCode: ErrorCode.INVALID_PRODUCER_EPOCH } : answer
  }
})
