/** What the bytes of a batch say of its producer. */
import * as batch from '../record/batch.js'
import { describeBatch, readEndTransaction, recordsOf } from '../record/index.js'
import type { EndMarker, ProducerBatch } from './producer-state.js'

/** Undefined: the batch has no producer id, or is a control batch. */
export function readProducer(buffer: Buffer, at: number): ProducerBatch | undefined {
  if (!batch.hasProducerId(buffer, at) || batch.isControl(buffer, at)) return undefined
  return {
    producerId: batch.producerId(buffer, at),
    producerEpoch: batch.producerEpoch(buffer, at),
    baseSequence: batch.baseSequence(buffer, at),
    lastSequence: batch.lastSequence(buffer, at),
    transactional: batch.isTransactional(buffer, at)
  }
}

/** Undefined: the batch does not end a transaction. */
export function readEndMarker(buffer: Buffer, at: number): EndMarker | undefined {
  if (!batch.isControl(buffer, at) || !batch.hasProducerId(buffer, at)) return undefined
  const header = describeBatch(buffer, at)
  for (const record of recordsOf(buffer, header)) {
    const end = readEndTransaction(record)
    if (end) return { producerId: header.producerId, producerEpoch: header.producerEpoch, ...end }
  }
  return undefined
}
