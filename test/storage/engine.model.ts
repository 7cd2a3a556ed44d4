/** What a log should hold after whatever was done to it: batches in an array, and everything else counted from them each time. */
import type { AbortedTransaction } from '../../src/storage/log.js'

export interface ModelRecord {
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

export interface ModelBatch {
  readonly first: number
  readonly last: number
  /** -1: of no producer. */
  readonly producerId: number
  readonly sequence: number
  readonly kind: 'plain' | 'idempotent' | 'data' | 'commit' | 'abort'
  /** A marker is one, too. */
  readonly records: readonly ModelRecord[]
}

export interface ModelSegment {
  readonly baseOffset: number
  readonly nextBaseOffset: number
  readonly size: number
}

export class EngineModel {
  /** Also those below `start`. */
  batches: ModelBatch[] = []
  start = 0
  end = 0
  /** Below it the log is compacted. */
  compactedTo = 0
  /** Offsets of records that compaction has removed. */
  readonly gone = new Set<number>()

  append(kind: ModelBatch['kind'], producerId: number, records: readonly Omit<ModelRecord, 'offset'>[]): ModelBatch {
    const first = this.end
    const batch = {
      first,
      last: first + records.length - 1,
      producerId,
      sequence: producerId < 0 ? -1 : this.nextSequence(producerId),
      kind,
      records: records.map(({ key, value, timestamp }, index) => ({ offset: first + index, key, value, timestamp }))
    }
    this.batches.push(batch)
    this.end = batch.last + 1
    return batch
  }

  /** The newest batch of a producer that is no marker. */
  lastOf(producerId: number): ModelBatch | undefined {
    return this.batches.findLast((one) => one.producerId === producerId && isData(one))
  }

  nextSequence(producerId: number): number {
    const last = this.lastOf(producerId)
    return last === undefined ? 0 : last.sequence + last.records.length
  }

  /** Open transactions by producer, the aborted ones in the order of their markers, and the offsets of all records of those. */
  transactions(): { open: Map<number, number>; aborted: AbortedTransaction[]; abortedRecords: Set<number> } {
    const open = new Map<number, number>()
    const records = new Map<number, number[]>()
    const aborted: AbortedTransaction[] = []
    const abortedRecords = new Set<number>()
    for (const { first, last, producerId, kind } of this.batches) {
      if (kind === 'data') {
        if (!open.has(producerId)) open.set(producerId, first)
        const own = records.get(producerId) ?? []
        for (let offset = first; offset <= last; offset++) own.push(offset)
        records.set(producerId, own)
      }
      if (kind !== 'commit' && kind !== 'abort') continue
      const began = open.get(producerId)
      open.delete(producerId)
      const own = records.get(producerId) ?? []
      records.delete(producerId)
      if (began === undefined || kind === 'commit') continue
      for (const offset of own) abortedRecords.add(offset)
      aborted.push({ producerId, firstOffset: began, lastOffset: first, lastStableOffset: Math.min(first + 1, ...open.values()) })
    }
    return { open, aborted, abortedRecords }
  }

  get lastStableOffset(): number {
    return Math.min(this.end, Math.max(this.start, Math.min(this.end, ...this.transactions().open.values())))
  }

  abortedIn(from: number, to: number): AbortedTransaction[] {
    return this.transactions().aborted.filter((one) => one.lastOffset >= from && one.firstOffset < to)
  }

  /** What is in the log, markers too. */
  everything(from = this.start): ModelRecord[] {
    return this.batches.flatMap(({ records }) => records.filter(({ offset }) => offset >= from && !this.gone.has(offset)))
  }

  /** What a reader sees. */
  visible(from: number, committed: boolean): ModelRecord[] {
    const to = committed ? this.lastStableOffset : this.end
    const left = committed ? this.transactions().abortedRecords : new Set<number>()
    return this.batches
      .filter(isData)
      .flatMap(({ records }) => records)
      .filter(({ offset }) => offset >= Math.max(from, this.start) && offset < to && !left.has(offset) && !this.gone.has(offset))
  }

  firstSince(timestamp: number): number | undefined {
    return this.everything().find((one) => one.timestamp >= timestamp)?.offset
  }

  /** Whole batches. */
  truncate(offset: number): void {
    if (offset < this.end) this.cutTo(this.batches.find((one) => one.last >= offset)?.first ?? offset)
  }

  cutTo(end: number): void {
    this.batches = this.batches.filter((one) => one.last < end)
    for (const offset of this.gone) if (offset >= end) this.gone.delete(offset)
    this.end = end
    this.start = Math.min(this.start, end)
    this.compactedTo = Math.min(this.compactedTo, end)
  }

  restart(offset: number): void {
    this.cutTo(0)
    this.start = this.end = offset
  }

  /** Where the log begins once retention has run over these segments. */
  retained(segments: readonly ModelSegment[], nowMs: number, retentionMs: number, retentionBytes: number): number {
    let total = segments.reduce((sum, { size }) => sum + size, 0)
    let { start } = this
    for (const [index, { baseOffset, nextBaseOffset, size }] of segments.entries()) {
      const active = index === segments.length - 1
      if (active && size === 0) break
      const inside = this.batches.filter(({ first }) => first >= baseOffset && first < nextBaseOffset)
      const newest = Math.max(...inside.flatMap(({ records }) => records.map(({ timestamp }) => timestamp)))
      const expired = newest < nowMs - retentionMs
      const surplus = total - retentionBytes >= size
      if (!expired && !surplus && (active || nextBaseOffset > this.start)) break
      total -= size
      start = Math.max(start, nextBaseOffset)
    }
    return start
  }

  /**
   * Compares what compaction has left, up to `to`, with what it may remove and what it must, and takes it over. `old`: by then a tombstone of that time
   * may be gone. Throws an Error that says what is wrong.
   */
  compacted(left: ReadonlySet<number>, to: number, old: number): void {
    const { abortedRecords } = this.transactions()
    const data = new Set(this.batches.filter(isData).flatMap(({ records }) => records.map(({ offset }) => offset)))
    const newest = new Map<string | null, number>()
    for (const { offset, key } of this.batches.filter(isData).flatMap(({ records }) => records))
      if (offset < to && !abortedRecords.has(offset)) newest.set(key, offset)
    for (const { offset, key, value, timestamp } of this.everything()) {
      const outdated = data.has(offset) && offset < to && (abortedRecords.has(offset) || newest.get(key) !== offset)
      if (left.has(offset)) {
        if (outdated) throw new Error(`compaction up to ${to} has left ${offset}`)
        continue
      }
      const tombstone = value === null && timestamp <= old
      if (offset >= to || (data.has(offset) && !outdated && !tombstone)) throw new Error(`compaction up to ${to} has removed ${offset}`)
      this.gone.add(offset)
    }
    this.compactedTo = Math.max(this.compactedTo, to)
  }
}

function isData({ kind }: ModelBatch): boolean {
  return kind !== 'commit' && kind !== 'abort'
}
