/**
 * What a log knows of its idempotent and transactional producers: sequence and epoch checks, the duplicate window, open transactions.
 * Pure. Entries are never changed but replaced, so that a batch that could not be written is undone by putting the old entry back.
 */
import { MAX_INT32, NO_PRODUCER_EPOCH, NO_SEQUENCE } from '../record/batch.js'
import { ErrorCode } from '../protocol/error-codes.js'
import type { AbortedTransaction } from './transaction-index.js'

/** A retry is known as such as long as its original is among the producer's last five batches: as many as a client may have in flight. */
export const DUPLICATE_WINDOW = 5
/** Producers of one log that are waited for: the oldest is forgotten first. */
const AWAITED_LIMIT = 1000

export interface BatchMark {
  readonly lastSequence: number
  readonly lastOffset: number
  readonly offsetDelta: number
  readonly timestamp: number
}

export interface ProducerEntry {
  readonly producerId: number
  /** -1: known only by an end-transaction marker of no epoch; never checked against. */
  readonly epoch: number
  /** The oldest first, at most DUPLICATE_WINDOW. */
  readonly batches: readonly BatchMark[]
  readonly coordinatorEpoch: number
  readonly lastTimestamp: number
  /** -1: no open transaction. */
  readonly currentTxnFirstOffset: number
}

/** What a batch says of its producer. */
export interface ProducerBatch {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly lastSequence: number
  readonly transactional: boolean
}

export interface EndMarker {
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  /** False: the transaction is aborted. */
  readonly commit: boolean
}

/** `duplicate`: the batch that was written, or is being written, first. */
export type SequenceCheck =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'duplicate'; readonly of: BatchMark }
  | { readonly kind: 'refused'; readonly errorCode: number; readonly message: string }

/** Undoes one change. */
export interface Undo {
  readonly producerId: number
  readonly before: ProducerEntry | undefined
}

/** A transaction may begin in the log: a coordinator is or was asked about a batch of it, and none is written yet. */
interface Awaited {
  readonly epoch: number
  /** Of the batches that came: one behind a first one that was refused for a passing reason must not be written before it. */
  readonly lowestSequence: number
  /** Its epoch is of this transaction alone (KIP-890), so that its sequences begin at 0. */
  readonly anew: boolean
  readonly sinceMs: number
}

const ACCEPTED: SequenceCheck = { kind: 'accepted' }

export class ProducerStates {
  readonly #entries = new Map<number, ProducerEntry>()
  // Most logs see no transaction: a Map takes more than the rest of this.
  // First offset of a transaction → its producer; in rising order because offsets are assigned so. An ended one stays until its end is written.
  #open: Map<number, number> | undefined
  // First offset of a transaction whose end is written but not replicated → the offset of its marker.
  #unreplicated: Map<number, number> | undefined
  // By producer.
  #awaited: Map<number, Awaited> | undefined

  get size(): number {
    return this.#entries.size
  }

  get(producerId: number): ProducerEntry | undefined {
    return this.#entries.get(producerId)
  }

  values(): IterableIterator<ProducerEntry> {
    return this.#entries.values()
  }

  /** The first offset of the earliest transaction that is open, or whose end is not written and replicated yet; undefined: none. */
  get firstUnstableOffset(): number | undefined {
    let first: number | undefined = this.#open?.keys().next().value
    for (const offset of this.#unreplicated?.keys() ?? []) first = Math.min(first ?? offset, offset)
    return first
  }

  /** A coordinator is asked whether a batch may begin a transaction here. */
  awaits(batch: Pick<ProducerBatch, 'producerId' | 'producerEpoch' | 'baseSequence'>, anew: boolean, nowMs: number): void {
    const { producerId, producerEpoch, baseSequence } = batch
    const all = (this.#awaited ??= new Map())
    const known = all.get(producerId)
    if (known !== undefined && (producerEpoch < known.epoch || (producerEpoch === known.epoch && baseSequence >= known.lowestSequence)))
      return
    const first = { epoch: producerEpoch, lowestSequence: baseSequence, anew: known?.anew ?? anew, sinceMs: known?.sinceMs ?? nowMs }
    if (known === undefined && all.size >= AWAITED_LIMIT) all.delete(all.keys().next().value!)
    all.set(producerId, first)
  }

  /** Whether a batch of a client, or of a coordinator (whose sequences are not checked), may be appended. */
  check(batch: ProducerBatch, fromClient: boolean): SequenceCheck {
    const entry = this.#entries.get(batch.producerId)
    if (entry === undefined) return fromClient && !this.#isInTurn(batch) ? outOfOrder(batch, undefined) : ACCEPTED
    if (fromClient) {
      const of = duplicateOf(entry, batch)
      if (of !== undefined) return { kind: 'duplicate', of }
    }
    if (batch.producerEpoch < entry.epoch) {
      return refused(
        ErrorCode.INVALID_PRODUCER_EPOCH,
        `epoch ${batch.producerEpoch} of producer ${batch.producerId} is below ${entry.epoch}`
      )
    }
    if (fromClient && !(continues(entry, batch) && this.#isInTurn(batch))) return outOfOrder(batch, entry)
    if (entry.currentTxnFirstOffset >= 0 && !batch.transactional) {
      return refused(ErrorCode.INVALID_TXN_STATE, `producer ${batch.producerId} has an open transaction and writes outside of it`)
    }
    return ACCEPTED
  }

  #isInTurn({ producerId, baseSequence }: ProducerBatch): boolean {
    const awaited = this.#awaited?.get(producerId)
    if (awaited === undefined) return true
    // Without its first batch the rest may be a retry that comes late.
    const begun = (this.#entries.get(producerId)?.batches.length ?? 0) > 0
    return (begun || !awaited.anew || baseSequence === 0) && baseSequence <= awaited.lowestSequence
  }

  /**
   * Whether a coordinator may end the producer's transaction. From transaction version 2 on each transaction has an epoch of its own (KIP-890):
   * its marker must bring a new one.
   */
  checkMarker(marker: EndMarker, transactionVersion = 0): SequenceCheck {
    const entry = this.#entries.get(marker.producerId)
    if (entry === undefined) return ACCEPTED
    if (transactionVersion >= 2 && marker.producerEpoch === entry.epoch) {
      return refused(
        ErrorCode.INVALID_PRODUCER_EPOCH,
        `epoch ${marker.producerEpoch} of producer ${marker.producerId} is not above ${entry.epoch}`
      )
    }
    if (marker.producerEpoch < entry.epoch) {
      return refused(
        ErrorCode.INVALID_PRODUCER_EPOCH,
        `epoch ${marker.producerEpoch} of producer ${marker.producerId} is below ${entry.epoch}`
      )
    }
    if (marker.coordinatorEpoch < entry.coordinatorEpoch) {
      return refused(
        ErrorCode.TRANSACTION_COORDINATOR_FENCED,
        `coordinator epoch ${marker.coordinatorEpoch} for producer ${marker.producerId} is below ${entry.coordinatorEpoch}`
      )
    }
    return ACCEPTED
  }

  /** Takes over a batch that was accepted and has its offsets. */
  append(batch: ProducerBatch, firstOffset: number, lastOffset: number, timestamp: number): Undo {
    const before = this.#entries.get(batch.producerId)
    if (batch.transactional) this.#awaited?.delete(batch.producerId)
    const mark = { lastSequence: batch.lastSequence, lastOffset, offsetDelta: lastOffset - firstOffset, timestamp }
    const kept = before !== undefined && before.epoch === batch.producerEpoch ? before.batches.slice(1 - DUPLICATE_WINDOW) : []
    const open = before?.currentTxnFirstOffset ?? -1
    const currentTxnFirstOffset = open < 0 && batch.transactional ? firstOffset : open
    if (open < 0 && batch.transactional) this.#begin(firstOffset, batch.producerId)
    this.#entries.set(batch.producerId, {
      producerId: batch.producerId,
      epoch: batch.producerEpoch,
      batches: [...kept, mark],
      coordinatorEpoch: before?.coordinatorEpoch ?? -1,
      lastTimestamp: timestamp,
      currentTxnFirstOffset
    })
    return { producerId: batch.producerId, before }
  }

  /** What a transaction index must tell once the marker is written at `offset`; undefined: it aborts nothing. To be asked before `end`. */
  aborts(marker: EndMarker, offset: number): AbortedTransaction | undefined {
    const { producerId } = marker
    const firstOffset = this.#entries.get(producerId)?.currentTxnFirstOffset ?? -1
    if (marker.commit || firstOffset < 0) return undefined
    return { producerId, firstOffset, lastOffset: offset, lastStableOffset: this.#firstOngoingOfOthers(producerId) ?? offset + 1 }
  }

  // Without those that have ended, whether that is written or not: behind them in the log they are decided.
  #firstOngoingOfOthers(producerId: number): number | undefined {
    for (const [first, owner] of this.#open ?? []) {
      if (owner !== producerId && this.#entries.get(owner)?.currentTxnFirstOffset === first) return first
    }
    return undefined
  }

  /** Ends the producer's transaction. Until `ended` is called its first offset still holds back the last stable offset. */
  end(marker: EndMarker, timestamp: number): Undo {
    const before = this.#entries.get(marker.producerId)
    const awaited = this.#awaited?.get(marker.producerId)
    // What is awaited with the epoch that the marker brings is the next transaction.
    if (awaited !== undefined && !(awaited.anew && awaited.epoch === marker.producerEpoch)) this.#awaited?.delete(marker.producerId)
    this.#entries.set(marker.producerId, {
      producerId: marker.producerId,
      epoch: marker.producerEpoch,
      batches: before?.epoch === marker.producerEpoch ? before.batches : [],
      coordinatorEpoch: marker.coordinatorEpoch,
      lastTimestamp: timestamp,
      currentTxnFirstOffset: -1
    })
    return { producerId: marker.producerId, before }
  }

  /** The end marker at an offset is written: a transaction of the producer that began before it is decided once the high watermark has passed it. */
  ended(producerId: number, markerOffset: number, highWatermark = Infinity): void {
    for (const [first, owner] of this.#open ?? []) {
      if (first >= markerOffset) return
      if (owner !== producerId) continue
      this.#open?.delete(first)
      if (markerOffset >= highWatermark) this.#unreplicated = (this.#unreplicated ?? new Map()).set(first, markerOffset)
    }
  }

  /** Everything below `highWatermark` is replicated. */
  replicated(highWatermark: number): void {
    for (const [first, marker] of this.#unreplicated ?? []) if (marker < highWatermark) this.#unreplicated?.delete(first)
  }

  /** Puts back what was before; called for the newest change first. */
  undo({ producerId, before }: Undo): void {
    const now = this.#entries.get(producerId)
    // An end that was not written has left its transaction in #open; only a beginning has to be taken out again.
    const began = now?.currentTxnFirstOffset ?? -1
    if (began >= 0 && began !== before?.currentTxnFirstOffset) this.#open?.delete(began)
    if (before === undefined) this.#entries.delete(producerId)
    else this.#entries.set(producerId, before)
  }

  /** Takes entries of a snapshot. */
  load(entries: Iterable<ProducerEntry>): void {
    for (const entry of entries) this.#entries.set(entry.producerId, entry)
    this.#reopen()
  }

  /** Forgets producers that wrote nothing for so long and have no open transaction. */
  expire(nowMs: number, expirationMs: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.currentTxnFirstOffset < 0 && nowMs - entry.lastTimestamp >= expirationMs) this.#entries.delete(entry.producerId)
    }
    for (const [producerId, { sinceMs }] of this.#awaited ?? []) if (nowMs - sinceMs >= expirationMs) this.#awaited?.delete(producerId)
  }

  #reopen(): void {
    const open = [...this.#entries.values()].filter((entry) => entry.currentTxnFirstOffset >= 0)
    open.sort((a, b) => a.currentTxnFirstOffset - b.currentTxnFirstOffset)
    this.#open = undefined
    for (const entry of open) this.#begin(entry.currentTxnFirstOffset, entry.producerId)
  }

  #begin(firstOffset: number, producerId: number): void {
    this.#open = (this.#open ?? new Map()).set(firstOffset, producerId)
  }
}

function duplicateOf(entry: ProducerEntry, batch: ProducerBatch): BatchMark | undefined {
  if (entry.epoch !== batch.producerEpoch) return undefined
  return entry.batches.find((mark) => mark.lastSequence === batch.lastSequence && firstSequence(mark) === batch.baseSequence)
}

/** The first sequence of a retained batch; sequences wrap after 2147483647. */
export function firstSequence(mark: BatchMark): number {
  const first = mark.lastSequence - mark.offsetDelta
  return first >= 0 ? first : first + MAX_INT32 + 1
}

// A new producer id may begin at any sequence: its earlier state may have been lost to retention. A new epoch begins at 0.
function continues(entry: ProducerEntry, batch: ProducerBatch): boolean {
  if (entry.epoch === NO_PRODUCER_EPOCH) return true
  if (batch.producerEpoch !== entry.epoch) return batch.baseSequence === 0
  const last = entry.batches.at(-1)?.lastSequence ?? NO_SEQUENCE
  return batch.baseSequence === (last === MAX_INT32 ? 0 : last + 1)
}

function outOfOrder(batch: ProducerBatch, entry: ProducerEntry | undefined): SequenceCheck {
  const last = batch.producerEpoch === entry?.epoch ? (entry.batches.at(-1)?.lastSequence ?? NO_SEQUENCE) : NO_SEQUENCE
  return refused(
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    `sequence ${batch.baseSequence} of producer ${batch.producerId} (epoch ${batch.producerEpoch}) does not follow ${last} (epoch ${entry?.epoch ?? NO_PRODUCER_EPOCH})`
  )
}

function refused(errorCode: number, message: string): SequenceCheck {
  return { kind: 'refused', errorCode, message }
}
