/**
 * InitProducerId: a producer id for an idempotent producer, never given out before. With a transactional id the transaction coordinator
 * would answer; there is none yet, so that the answer is COORDINATOR_NOT_AVAILABLE, as FindCoordinator says for it.
 *
 * Version notes: v2 flexible. v3 a producer may name the id and epoch it has (KIP-360): of use to transactions only. v4 PRODUCER_FENCED in
 * place of INVALID_PRODUCER_EPOCH. v5 TRANSACTION_ABORTABLE. v6 (KIP-939) is not stable and not offered.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { initProducerId } from '../protocol/messages/22-init-producer-id.js'
import { handler } from './handler.js'

const NO_PRODUCER = { producerId: -1, producerEpoch: -1 }

export const initProducerIdHandler = handler({
  api: initProducerId,
  minVersion: 0,
  maxVersion: 5,
  async handle({ transactionalId, producerId, producerEpoch }, _context, { controller }) {
    // Both or none.
    if (producerId < -1 || producerEpoch < -1 || (producerId === -1) !== (producerEpoch === -1)) {
      return { ...NO_PRODUCER, errorCode: ErrorCode.INVALID_REQUEST }
    }
    if (transactionalId !== null) {
      const errorCode = transactionalId === '' ? ErrorCode.INVALID_REQUEST : ErrorCode.COORDINATOR_NOT_AVAILABLE
      return { ...NO_PRODUCER, errorCode }
    }
    const next = await controller.nextProducerId()
    // A client asks again after this one, and does not after an error of storage.
    if (next.errorCode !== ErrorCode.NONE) return { ...NO_PRODUCER, errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS }
    return { errorCode: ErrorCode.NONE, producerId: next.producerId, producerEpoch: 0 }
  },
  failed: (_request, errorCode) => ({ ...NO_PRODUCER, errorCode })
})
