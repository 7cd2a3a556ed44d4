/**
 * The transitions of a transactional id: from what it is and what is asked, to what it becomes or why it does not. Pure; nothing is changed here.
 *
 * Transaction version 2 (KIP-890): the epoch rises with each end, so that nothing of an earlier transaction can get into a later one, and an
 * end that is asked for again is known by the epoch before. Version 0 and 1: the epoch rises when a producer begins, or is fenced.
 */
import { ErrorCode } from '../../protocol/error-codes.js'
import {
  LARGEST_EPOCH,
  NO_PARTITIONS,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  containsAll,
  isEnding,
  isExhausted,
  union,
  type PartitionSet,
  type TransactionMetadata
} from './transaction-metadata.js'

/** From this transaction version on the epoch rises with each transaction. */
const EPOCH_RISES = 2

/** `done`: an answer without a change; `needs-producer-id`: ask again with one; `move`: the id becomes `to`. */
export type Step =
  | { readonly kind: 'refused'; readonly errorCode: number }
  | { readonly kind: 'done' }
  | { readonly kind: 'needs-producer-id' }
  | { readonly kind: 'move'; readonly to: TransactionMetadata }

export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

const DONE: Step = { kind: 'done' }
const NEEDS_PRODUCER_ID: Step = { kind: 'needs-producer-id' }
const BUSY: Step = { kind: 'refused', errorCode: ErrorCode.CONCURRENT_TRANSACTIONS }

const refused = (errorCode: number): Step => ({ kind: 'refused', errorCode })
const move = (to: TransactionMetadata): Step => ({ kind: 'move', to })

export interface Initialization {
  readonly timeoutMs: number
  /** What a producer that goes on after an error says it is (KIP-360). */
  readonly expected: ProducerIdentity | undefined
  /** One that nobody has, if it was found to be needed. */
  readonly newProducerId: number | undefined
  readonly now: number
}

/** A producer begins, or begins anew. An ongoing transaction must be fenced first: that is not this step. */
export function initialize(current: TransactionMetadata | undefined, asked: Initialization): Step {
  const { timeoutMs, expected, newProducerId, now } = asked
  if (current === undefined) return newProducerId === undefined ? NEEDS_PRODUCER_ID : move(firstOf(newProducerId, timeoutMs, now))
  if (isEnding(current)) return BUSY
  if (expected && !isKnown(current, expected)) return refused(ErrorCode.PRODUCER_FENCED)
  const begun: TransactionMetadata = {
    ...current,
    state: 'Empty',
    previousProducerId: current.producerId,
    nextProducerId: NO_PRODUCER_ID,
    timeoutMs,
    partitions: NO_PARTITIONS,
    startMs: -1,
    lastUpdateMs: now
  }
  if (isExhausted(current.producerEpoch) && (!expected || mayRotate(current, expected))) {
    if (newProducerId === undefined) return NEEDS_PRODUCER_ID
    return move({
      ...begun,
      producerId: newProducerId,
      producerEpoch: 0,
      lastProducerEpoch: expected ? current.producerEpoch : NO_PRODUCER_EPOCH
    })
  }
  if (expected === undefined) return move({ ...begun, producerEpoch: current.producerEpoch + 1, lastProducerEpoch: NO_PRODUCER_EPOCH })
  if (expected.producerEpoch === current.producerEpoch) {
    return move({ ...begun, producerEpoch: current.producerEpoch + 1, lastProducerEpoch: current.producerEpoch })
  }
  // It was raised already, and the answer got lost. Nobody else has begun meanwhile: that would have forgotten the last epoch.
  return expected.producerEpoch === current.lastProducerEpoch ? move(begun) : refused(ErrorCode.PRODUCER_FENCED)
}

/** The last epoch is for a fenced transaction's markers: a producer that was at the one before gets a new id as well. */
function mayRotate(current: TransactionMetadata, { producerEpoch }: ProducerIdentity): boolean {
  return producerEpoch === current.producerEpoch || (current.producerEpoch === LARGEST_EPOCH && producerEpoch === current.lastProducerEpoch)
}

function firstOf(producerId: number, timeoutMs: number, now: number): TransactionMetadata {
  return {
    state: 'Empty',
    producerId,
    previousProducerId: producerId,
    nextProducerId: NO_PRODUCER_ID,
    producerEpoch: 0,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs,
    partitions: NO_PARTITIONS,
    startMs: -1,
    lastUpdateMs: now,
    clientVersion: 0
  }
}

/** Whether a producer that says who it is may go on: it is the one, or was until its epochs were used up. */
export function isKnown(current: TransactionMetadata, { producerId, producerEpoch }: ProducerIdentity): boolean {
  return producerId === current.producerId || (producerId === current.previousProducerId && isExhausted(producerEpoch))
}

/** Aborts an ongoing transaction by another hand than its producer's, which is fenced with it. `serverVersion`: the cluster's transaction version. */
export function fence(current: TransactionMetadata, serverVersion: number, now: number): TransactionMetadata {
  const rises = serverVersion >= EPOCH_RISES
  return {
    ...current,
    state: 'PrepareAbort',
    previousProducerId: current.producerId,
    nextProducerId: NO_PRODUCER_ID,
    producerEpoch: current.producerEpoch + 1,
    lastProducerEpoch: rises ? current.producerEpoch : NO_PRODUCER_EPOCH,
    lastUpdateMs: now,
    clientVersion: rises ? serverVersion : 0
  }
}

/** What stands in the way of a producer, whatever it wants to do with its transaction. */
export function producerError(current: TransactionMetadata | undefined, producer: ProducerIdentity): number {
  if (current === undefined || current.producerId !== producer.producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING
  if (current.producerEpoch !== producer.producerEpoch) return ErrorCode.PRODUCER_FENCED
  return isEnding(current) ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.NONE
}

/** Adds partitions to the transaction, which begins with the first. */
export function addPartitions(
  current: TransactionMetadata | undefined,
  producer: ProducerIdentity,
  added: PartitionSet,
  clientVersion: number,
  now: number
): Step {
  const errorCode = producerError(current, producer)
  if (current === undefined || errorCode !== ErrorCode.NONE) {
    // While the end of its last transaction is on its way the producer may have its next epoch, or id, already.
    return current && isEnding(current) && willBe(current, producer) ? BUSY : refused(errorCode)
  }
  const ongoing = current.state === 'Ongoing'
  if (ongoing && containsAll(current.partitions, added)) return DONE
  return move({
    ...current,
    state: 'Ongoing',
    previousProducerId: current.producerId,
    partitions: union(current.partitions, added),
    startMs: ongoing ? current.startMs : now,
    lastUpdateMs: now,
    clientVersion
  })
}

function willBe(current: TransactionMetadata, producer: ProducerIdentity): boolean {
  const next = completed(current, current.lastUpdateMs)
  return next.producerId === producer.producerId && next.producerEpoch === producer.producerEpoch
}

export interface Ending extends ProducerIdentity {
  readonly commit: boolean
  /** By the version of the request: 2 from EndTxn v5 on, else 0. */
  readonly clientVersion: number
  readonly newProducerId: number | undefined
  readonly now: number
}

/** The producer ends its transaction. */
export function end(current: TransactionMetadata | undefined, asked: Ending): Step {
  if (current === undefined) return refused(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  return asked.clientVersion >= EPOCH_RISES ? endWithNewEpoch(current, asked) : endWithSameEpoch(current, asked)
}

const INVALID: Step = refused(ErrorCode.INVALID_TXN_STATE)

function endWithSameEpoch(current: TransactionMetadata, asked: Ending): Step {
  if (current.producerId !== asked.producerId) return refused(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  if (current.producerEpoch !== asked.producerEpoch) return refused(ErrorCode.PRODUCER_FENCED)
  switch (current.state) {
    case 'Ongoing':
      return move(prepared(current, asked, NO_PRODUCER_ID))
    case 'PrepareCommit':
      return asked.commit ? BUSY : INVALID
    case 'PrepareAbort':
      return asked.commit ? INVALID : BUSY
    case 'CompleteCommit':
      return asked.commit ? DONE : INVALID
    case 'CompleteAbort':
      return asked.commit ? INVALID : DONE
    default:
      return INVALID
  }
}

function endWithNewEpoch(current: TransactionMetadata, asked: Ending): Step {
  const { state } = current
  const overflowed =
    current.previousProducerId === asked.producerId &&
    current.producerId !== asked.producerId &&
    isExhausted(asked.producerEpoch) &&
    current.producerEpoch === 0
  const again = overflowed || (current.producerId === asked.producerId && current.producerEpoch === asked.producerEpoch + 1)
  // It ends the next transaction already, with the identity that the end of this one gave it.
  if (isEnding(current) && willBe(current, asked)) return BUSY
  if (current.producerId !== asked.producerId && !overflowed) return refused(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  const known = again ? state !== 'Ongoing' && state !== 'Empty' : !isEnding(current) && current.producerEpoch === asked.producerEpoch
  if (!known) return refused(ErrorCode.PRODUCER_FENCED)
  if (again) {
    if (asked.commit !== (state === 'PrepareCommit' || state === 'CompleteCommit')) return INVALID
    return isEnding(current) ? BUSY : DONE
  }
  // A transaction of no partitions may be aborted: the producer wants to be sure that nothing of it comes later. It can't be committed.
  if (state !== 'Ongoing' && asked.commit) return INVALID
  if (!isExhausted(current.producerEpoch)) return move(prepared(current, asked, NO_PRODUCER_ID))
  return asked.newProducerId === undefined ? NEEDS_PRODUCER_ID : move(prepared(current, asked, asked.newProducerId))
}

function prepared(current: TransactionMetadata, { commit, clientVersion, now }: Ending, nextProducerId: number): TransactionMetadata {
  const rises = clientVersion >= EPOCH_RISES
  return {
    ...current,
    state: commit ? 'PrepareCommit' : 'PrepareAbort',
    previousProducerId: current.producerId,
    nextProducerId,
    producerEpoch: rises ? current.producerEpoch + 1 : current.producerEpoch,
    lastProducerEpoch: rises ? current.producerEpoch : current.lastProducerEpoch,
    startMs: current.state === 'Ongoing' ? current.startMs : now,
    lastUpdateMs: now,
    clientVersion
  }
}

/** What an ending transaction becomes when its markers are written. */
export function completed(current: TransactionMetadata, now: number): TransactionMetadata {
  const rotates = current.clientVersion >= EPOCH_RISES && current.nextProducerId !== NO_PRODUCER_ID
  return {
    ...current,
    state: current.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
    producerId: rotates ? current.nextProducerId : current.producerId,
    previousProducerId: current.producerId,
    nextProducerId: NO_PRODUCER_ID,
    producerEpoch: rotates ? 0 : current.producerEpoch,
    partitions: NO_PARTITIONS,
    lastUpdateMs: now
  }
}
