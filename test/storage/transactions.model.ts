/** What a log with transactions and truncations should hold: batches in an array, and everything else counted from them. */
import type { AbortedTransaction } from '../../src/storage/log.js'

export interface ModelBatch {
  readonly first: number
  readonly last: number
  /** -1: of no producer. */
  readonly producerId: number
  readonly kind: 'plain' | 'data' | 'commit' | 'abort'
  readonly epoch: number
}

export class TransactionModel {
  batches: ModelBatch[] = []
  start = 0
  end = 0
  /** Leader epochs that were begun: [epoch, first offset]. */
  epochs: [number, number][] = []

  append(kind: ModelBatch['kind'], producerId: number, count: number, epoch: number): void {
    const last = this.end + count - 1
    this.batches.push({ first: this.end, last, producerId, kind, epoch })
    if (epoch > (this.epochs.at(-1)?.[0] ?? -1)) this.epochs.push([epoch, this.end])
    this.end = last + 1
  }

  /** Of what is no marker. */
  get recordOffsets(): number[] {
    return this.batches
      .filter(({ kind }) => kind === 'plain' || kind === 'data')
      .flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => first + index))
      .filter((offset) => offset >= this.start)
  }

  /** By Kafka's rules: a marker of a producer without a transaction ends nothing. */
  walk(): { open: Map<number, number>; aborted: AbortedTransaction[] } {
    const open = new Map<number, number>()
    const aborted: AbortedTransaction[] = []
    for (const { first, producerId, kind } of this.batches) {
      if (kind === 'data' && !open.has(producerId)) open.set(producerId, first)
      if (kind !== 'commit' && kind !== 'abort') continue
      const began = open.get(producerId)
      open.delete(producerId)
      if (began === undefined || kind === 'commit') continue
      const lastStableOffset = Math.min(first + 1, ...open.values())
      aborted.push({ producerId, firstOffset: began, lastOffset: first, lastStableOffset })
    }
    return { open, aborted }
  }

  get lastStableOffset(): number {
    return Math.min(this.end, Math.max(this.start, Math.min(this.end, ...this.walk().open.values())))
  }

  abortedIn(from: number, to: number): AbortedTransaction[] {
    return this.walk().aborted.filter((one) => one.lastOffset >= from && one.firstOffset < to)
  }

  /** Where a truncation to `offset` really cuts: batches go as a whole. */
  cutAt(offset: number): number {
    return Math.min(offset, this.batches.find((one) => one.last >= offset)?.first ?? offset)
  }

  truncate(offset: number): void {
    if (offset >= this.end) return
    const end = this.cutAt(offset)
    this.batches = this.batches.filter((one) => one.last < end)
    this.end = end
    this.start = Math.min(this.start, end)
    this.epochs = this.epochs.filter(([, first]) => first < end)
  }

  restart(offset: number): void {
    this.batches = []
    this.start = this.end = offset
    this.epochs = []
  }

  /** Naively: walk through the batches that are left. */
  epochEnd(epoch: number): { epoch: number; endOffset: number } {
    const here = this.batches.filter((one) => one.last >= this.start)
    const latest = here.at(-1)?.epoch
    if (latest === undefined || epoch > latest) return { epoch: -1, endOffset: -1 }
    if (epoch === latest) return { epoch, endOffset: this.end }
    const found = here.findLast((one) => one.epoch <= epoch)
    const next = here.find((one) => one.epoch > epoch)!
    return { epoch: found?.epoch ?? epoch, endOffset: found === undefined ? Math.max(next.first, this.start) : next.first }
  }
}
