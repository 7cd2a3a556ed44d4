/**
 * InitProducerId: a producer id for an idempotent producer, never given out before; for a transactional one its id and next epoch, after what its
 * predecessor left open is aborted.
 *
 * Version notes: v2 flexible. v3 a producer may name the id and epoch it has (KIP-360). v4 PRODUCER_FENCED in place of INVALID_PRODUCER_EPOCH.
 * v5 TRANSACTION_ABORTABLE. v6 (KIP-939) is not stable and not offered.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { initProducerId } from '../protocol/messages/22-init-producer-id.js'
import { handler } from './handler.js'

const FIRST_VERSION_WITH_FENCED = 4
const NO_PRODUCER = { producerId: -1, producerEpoch: -1 }

export const initProducerIdHandler = handler({
  api: initProducerId,
  minVersion: 0,
  maxVersion: 5,
  parks: true,
  async handle(request, { apiVersion }, { controller, transactions }) {
    const { transactionalId, producerId, producerEpoch } = request
    // Both or none.
    if ((producerId === -1) !== (producerEpoch === -1)) {
      return { ...NO_PRODUCER, errorCode: ErrorCode.INVALID_REQUEST }
    }
    if (transactionalId === null) {
      const next = await controller.nextProducerId()
      // A client asks again after this one, and does not after an error of storage.
      if (next.errorCode !== ErrorCode.NONE) return { ...NO_PRODUCER, errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS }
      return { errorCode: ErrorCode.NONE, producerId: next.producerId, producerEpoch: 0 }
    }
    const answer = await transactions.initProducerId({
      transactionalId,
      timeoutMs: request.transactionTimeoutMs,
      expected: producerId === -1 ? undefined : { producerId, producerEpoch },
      enableTwoPhaseCommit: request.enable2Pc,
      keepPreparedTransaction: request.keepPreparedTxn
    })
    const fenced = answer.errorCode === ErrorCode.PRODUCER_FENCED && apiVersion < FIRST_VERSION_WITH_FENCED
    return fenced ? { ...answer, errorCode: ErrorCode.INVALID_PRODUCER_EPOCH } : answer
  },
  failed: (_request, errorCode) => ({ ...NO_PRODUCER, errorCode })
})
