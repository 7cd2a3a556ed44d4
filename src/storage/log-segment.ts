/** A segment as the log keeps it: the native one, and what the log must know without asking it. */
import { stat } from 'node:fs/promises'
import type { TopicConfig } from '../config/index.js'
import { NativeSegment, type Strand } from '../native/segment.js'
import type { Runtime } from '../native/runtime.js'
import { readInt64 } from '../record/batch.js'
import { isMissing, openFile, storageError } from './files.js'
import { LOG_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX } from './names.js'
import { TransactionIndex } from './transaction-index.js'

const OFFSET_ENTRY_BYTES = 8
const TIME_ENTRY_BYTES = 12
const MAX_INT32 = 0x7fffffff

export class LogSegment {
  readonly native: NativeSegment
  readonly transactions: TransactionIndex
  readonly baseOffset: number
  /** Of the log's clock: what the roll by time counts from while no record tells a time. */
  createdMs: number
  /** Written bytes: what readers see. */
  size: number
  /** Bytes that are written, though perhaps not shown to readers yet: flush.messages shows them when they are flushed. */
  writtenBytes: number
  /** Bytes that are written or on their way. */
  assignedBytes: number
  /** Bytes known to be on the disk, with their entries in the indexes. */
  durableBytes = 0
  #syncedBytes = 0
  /** Its name in the folder is on the disk too. */
  inFolder = false
  /** That, and all segments before it are on the disk: appends to it can be made durable one by one, without a flush of the log. */
  followsDurable = false
  /** Rises when the indexes changed behind the last append: they must be flushed once more. */
  indexChanges = 0
  sealed = false
  /** The largest timestamp of the first batch; undefined while there is none or it is not known. */
  firstTimestamp: number | undefined
  /** Of what this process appended or scanned; -1: nothing yet. */
  largestTimestamp = -1
  offsetOfLargestTimestamp: number
  /** `largestTimestamp` covers the whole segment, also what was there before this process. */
  timestampsKnown: boolean
  readonly #indexInterval: number
  readonly #indexBytes: number

  /** `strand`: the log's. `readOnly`: the files are somebody else's. */
  constructor(
    runtime: Runtime,
    pathWithoutSuffix: string,
    baseOffset: number,
    size: number,
    config: TopicConfig,
    nowMs: number,
    strand: Strand,
    readOnly = false
  ) {
    this.#indexInterval = config.indexIntervalBytes
    this.#indexBytes = config.segmentIndexBytes
    const { segmentIndexBytes: indexBytes, indexIntervalBytes } = config
    const reserveBytes = config.preallocate ? config.segmentBytes : 0
    this.native = new NativeSegment(
      runtime,
      pathWithoutSuffix,
      { baseOffset, size, indexBytes, indexIntervalBytes, reserveBytes, readOnly },
      strand
    )
    this.transactions = new TransactionIndex(() => this.path + TXN_INDEX_SUFFIX, baseOffset, size < 0)
    this.baseOffset = baseOffset
    this.createdMs = nowMs
    this.size = Math.max(0, size)
    this.writtenBytes = this.size
    this.assignedBytes = this.size
    this.offsetOfLargestTimestamp = baseOffset
    this.timestampsKnown = this.size === 0
  }

  get path(): string {
    return this.native.path
  }

  /** Whether a batch must go into a new segment (Kafka's rules; the index can only be full when its entries are counted). `ageMs`: see rollAgeMs. */
  mustRoll(bytes: number, lastOffset: number, batchTimestamp: number, segmentBytes: number, ageMs: number, nowMs: number): boolean {
    if (this.sealed) return true
    if (this.assignedBytes === 0) return lastOffset - this.baseOffset > MAX_INT32
    if (this.assignedBytes + bytes > segmentBytes || lastOffset - this.baseOffset > MAX_INT32) return true
    const since =
      this.firstTimestamp !== undefined && this.firstTimestamp >= 0 ? batchTimestamp - this.firstTimestamp : nowMs - this.createdMs
    return since > ageMs || this.#indexFull()
  }

  /** A batch is on its way into the segment. */
  assign(bytes: number, maxTimestamp: number): void {
    if (this.assignedBytes === 0) this.firstTimestamp = maxTimestamp
    this.assignedBytes += bytes
  }

  /** The indexes were changed without an append. */
  indexesChanged(): void {
    this.indexChanges++
    this.durableBytes = 0
  }

  /** Bytes known to be on the disk, if only of the `.log`. */
  get syncedBytes(): number {
    return Math.max(this.#syncedBytes, this.durableBytes)
  }

  /** The first `bytes` of the `.log` are on the disk. */
  noteSynced(bytes: number): void {
    this.#syncedBytes = Math.max(this.#syncedBytes, bytes)
  }

  /** What was on its way was not written. */
  unassign(): void {
    this.writtenBytes = this.size
    this.#syncedBytes = Math.min(this.#syncedBytes, this.size)
    this.assignedBytes = this.size
    if (this.size === 0) this.firstTimestamp = undefined
  }

  /** The file ends at `position` now, and is appended to again. */
  cut(position: number, nowMs: number): void {
    this.size = position
    this.indexesChanged()
    this.sealed = false
    this.unassign()
    this.largestTimestamp = -1
    this.offsetOfLargestTimestamp = this.baseOffset
    this.timestampsKnown = position === 0
    if (position === 0) this.createdMs = nowMs
  }

  /** The first offset with the largest timestamp counts. */
  noteTimestamp(timestamp: number, offset: number): void {
    if (timestamp < this.largestTimestamp || (timestamp === this.largestTimestamp && offset >= this.offsetOfLargestTimestamp)) return
    this.largestTimestamp = timestamp
    this.offsetOfLargestTimestamp = offset
  }

  /** What retention goes by: the largest timestamp of the records, else when the file was last written. */
  async retentionTimestamp(): Promise<number> {
    if (!this.timestampsKnown) {
      const last = await lastTimeIndexEntry(this.path + TIME_INDEX_SUFFIX, this.baseOffset)
      if (last !== undefined) this.noteTimestamp(last.timestamp, last.offset)
      // Only a sealed segment's index ends in the segment's largest timestamp.
      this.timestampsKnown = this.sealed
    }
    if (this.largestTimestamp >= 0) return this.largestTimestamp
    try {
      return (await stat(this.path + LOG_SUFFIX)).mtimeMs
    } catch (error) {
      throw storageError(error, this.path + LOG_SUFFIX)
    }
  }

  // Each entry stands for more than the interval: below that many bytes no count is needed. The time index keeps a place for its last entry.
  #indexFull(): boolean {
    const mostOffsets = Math.floor(this.#indexBytes / OFFSET_ENTRY_BYTES)
    const mostTimes = Math.floor(this.#indexBytes / TIME_ENTRY_BYTES) - 1
    if (this.assignedBytes <= Math.min(mostOffsets, mostTimes) * this.#indexInterval) return false
    const { offsetIndexEntries, timeIndexEntries } = this.native.stat()
    return offsetIndexEntries >= mostOffsets || timeIndexEntries >= mostTimes
  }
}

/** The last entry of a time index file; undefined when it is missing or empty. */
async function lastTimeIndexEntry(file: string, baseOffset: number): Promise<{ timestamp: number; offset: number } | undefined> {
  try {
    const handle = await openFile(file)
    try {
      const { size } = await handle.stat()
      if (size < TIME_ENTRY_BYTES) return undefined
      const entry = Buffer.alloc(TIME_ENTRY_BYTES)
      const { bytesRead } = await handle.read(entry, 0, TIME_ENTRY_BYTES, size - (size % TIME_ENTRY_BYTES) - TIME_ENTRY_BYTES)
      if (bytesRead < TIME_ENTRY_BYTES) return undefined
      const timestamp = readInt64(entry, 0)
      return timestamp > 0 ? { timestamp, offset: baseOffset + entry.readInt32BE(8) } : undefined
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw storageError(error, file)
  }
}

/**
 * The age at which a segment ends: `segment.ms`, less what `segment.jitter.ms` takes off it. Kafka draws that at random for each segment; here it
 * follows from the names of log and segment, which spreads as well and needs no randomness. A compacted log's segment ends in time for
 * `max.compaction.lag.ms`, because the cleaner leaves the active one alone.
 */
export function rollAgeMs(topic: string, partition: number, baseOffset: number, config: TopicConfig): number {
  const { segmentMs, segmentJitterMs, cleanupPolicy, maxCompactionLagMs } = config
  const ageMs = maxCompactionLagMs < segmentMs && cleanupPolicy.includes('compact') ? maxCompactionLagMs : segmentMs
  if (segmentJitterMs <= 0) return ageMs
  let hash = Math.imul(partition + 1, 0x9e3779b1) ^ Math.imul(baseOffset % 0x1_0000_0000, 0x85ebca77)
  for (const character of topic) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193)
  // The last bits of a product know only of the last bits of its factors.
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x2c1b3c6d)
  return ageMs - (((hash ^ (hash >>> 12)) >>> 0) % Math.min(segmentJitterMs, segmentMs))
}
