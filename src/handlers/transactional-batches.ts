/** The batches of transactions in a Produce: which there are, and whether they may be appended. */
import { admit, produceError, type Admission } from '../broker/transaction-admission.js'
import type { BrokerServices } from '../broker/services.js'
import type { Frame } from '../native/runtime.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { batch } from '../record/index.js'

const FIRST_VERSION_WITH_ABORTABLE = 11
const FIRST_VERSION_THAT_ADDS = 12

export interface TransactionalBatch {
  readonly topic: string
  readonly index: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
}

/** What the header of a transactional batch says; undefined: it is none. */
export function transactionalBatch(topic: string, index: number, records: Uint8Array, { buffer }: Frame): TransactionalBatch | undefined {
  const at = records.byteOffset - buffer.byteOffset
  if (!batch.isTransactional(buffer, at) || !batch.hasProducerId(buffer, at)) return undefined
  return {
    topic,
    index,
    producerId: batch.producerId(buffer, at),
    producerEpoch: batch.producerEpoch(buffer, at),
    baseSequence: batch.baseSequence(buffer, at)
  }
}

/** A request has the batches of one producer. */
export function ofSeveralProducers(batches: readonly TransactionalBatch[]): boolean {
  const [first] = batches
  return batches.some((each) => each.producerId !== first!.producerId || each.producerEpoch !== first!.producerEpoch)
}

/** Of one producer. Resolved: what was found holds in this turn of the event loop. */
export async function admitBatches(
  transactionalId: string,
  batches: readonly TransactionalBatch[],
  apiVersion: number,
  broker: BrokerServices
): Promise<Admission> {
  const [first] = batches
  if (first === undefined) return () => ErrorCode.NONE
  const { producerId, producerEpoch } = first
  const adds = apiVersion >= FIRST_VERSION_THAT_ADDS
  const admission = await admit(broker, {
    transactionalId,
    producerId,
    producerEpoch,
    places: batches.map(({ topic, index, baseSequence }) => [topic, index, baseSequence] as const),
    adds,
    knowsAbortable: apiVersion >= FIRST_VERSION_WITH_ABORTABLE
  })
  return (topic, index) => produceError(admission(topic, index), adds)
}
