/** One compaction of one log: a thin face over the native calls, which binding.ts describes. */
import { CLEAN_FIGURES, CLEAN_SLOT_BYTES, CleanFigure, CleanStep } from './numbers.js'
import type { Frame, Runtime } from './runtime.js'
import type { NativeSegment } from './segment.js'

export { CLEAN_SLOT_BYTES, CleanStep }

/** A transaction that was aborted, as the transaction index knows it. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Of its marker. */
  readonly lastOffset: number
  readonly lastStableOffset: number
}

/** Of a producer that is known: its last record, -1 when only its end of a transaction is left, and its epoch. */
export interface LastRecord {
  readonly producerId: number
  readonly lastOffset: number
  readonly epoch: number
}

export interface CleanPiece {
  /** CleanStep */
  readonly step: number
  /** Where to go on. */
  readonly position: number
  /** `compressed`: a copy of the batch whose records are wanted. */
  readonly batch: Buffer | undefined
}

const figures = new Float64Array(CLEAN_FIGURES)

export class NativeLogClean {
  readonly #runtime: Runtime
  readonly #handle: number

  constructor(runtime: Runtime, slots: number, mostKeys: number, bufferBytes: number) {
    this.#runtime = runtime
    this.#handle = runtime.native.cleanOpen(slots, mostKeys, bufferBytes)
  }

  beginMap(start: number): void {
    this.#runtime.native.cleanBeginMap(this.#handle, start)
  }

  addAborted(transactions: readonly AbortedTransaction[]): void {
    const rows = transactions.flatMap((one) => [one.producerId, one.firstOffset, one.lastOffset, one.lastStableOffset])
    this.#runtime.native.cleanAborted(this.#handle, Float64Array.from(rows))
  }

  map(segment: NativeSegment, position: number, maxBytes: number): Promise<CleanPiece> {
    return this.#piece(segment, (ticket) => this.#runtime.native.cleanMap(this.#handle, segment.handle, position, maxBytes, ticket))
  }

  /** True: the map is full. */
  async mapRecords(segment: NativeSegment, records: Uint8Array): Promise<boolean> {
    const { native } = this.#runtime
    const [status] = await this.#runtime.run(segment.path, (ticket) =>
      native.cleanMapRecords(this.#handle, segment.handle, records, ticket)
    )
    return status === CleanStep.full
  }

  mappedTo(offset: number): void {
    this.#runtime.native.cleanMapped(this.#handle, offset)
  }

  beginFilter(nowMs: number, deleteRetentionMs: number, endOffset: number, producers: readonly LastRecord[]): void {
    const rows = producers.flatMap((one) => [one.producerId, one.lastOffset, one.epoch])
    this.#runtime.native.cleanBeginFilter(this.#handle, nowMs, deleteRetentionMs, endOffset, Float64Array.from(rows))
  }

  filter(segment: NativeSegment, into: NativeSegment, position: number, maxBytes: number): Promise<CleanPiece> {
    const { native } = this.#runtime
    return this.#piece(segment, (ticket) => native.cleanFilter(this.#handle, segment.handle, into.handle, position, maxBytes, ticket))
  }

  /** A batch to be compressed and written; undefined: all is done. */
  async filterRecords(into: NativeSegment, records: Uint8Array): Promise<Buffer | undefined> {
    const { native } = this.#runtime
    const [status, id] = await this.#runtime.run(into.path, (ticket) =>
      native.cleanFilterRecords(this.#handle, into.handle, records, ticket)
    )
    return status === CleanStep.compressed ? this.#copy(this.#runtime.frame(id)) : undefined
  }

  async write(into: NativeSegment, batch: Uint8Array): Promise<void> {
    await this.#runtime.run(into.path, (ticket) => this.#runtime.native.cleanWrite(this.#handle, into.handle, batch, ticket))
  }

  /** Resolves to the size of the cleaned segment, which is on the disk. */
  async finish(into: NativeSegment): Promise<number> {
    const [, size] = await this.#runtime.run(into.path, (ticket) => this.#runtime.native.cleanFinish(this.#handle, into.handle, ticket))
    return size
  }

  keptAborted(): AbortedTransaction[] {
    const rows = this.#runtime.native.cleanKeptAborted(this.#handle)
    return Array.from({ length: rows.length / 4 }, (_, index) => ({
      producerId: rows[index * 4]!,
      firstOffset: rows[index * 4 + 1]!,
      lastOffset: rows[index * 4 + 2]!,
      lastStableOffset: rows[index * 4 + 3]!
    }))
  }

  figures(): { latestOffset: number; keys: number; recordsRead: number; recordsKept: number; recordsWithoutKey: number } {
    this.#runtime.native.cleanFigures(this.#handle, figures)
    return {
      latestOffset: figures[CleanFigure.latestOffset]!,
      keys: figures[CleanFigure.keys]!,
      recordsRead: figures[CleanFigure.recordsRead]!,
      recordsKept: figures[CleanFigure.recordsKept]!,
      recordsWithoutKey: figures[CleanFigure.recordsWithoutKey]!
    }
  }

  drop(): void {
    this.#runtime.native.cleanDrop(this.#handle)
  }

  async #piece(segment: NativeSegment, call: (ticket: number) => void): Promise<CleanPiece> {
    const [step, id, position] = await this.#runtime.run(segment.path, call)
    return { step, position, batch: step === CleanStep.compressed ? this.#copy(this.#runtime.frame(id)) : undefined }
  }

  #copy(frame: Frame): Buffer {
    const copy = Buffer.from(frame.buffer.subarray(frame.start, frame.end))
    this.#runtime.release(frame)
    return copy
  }
}
