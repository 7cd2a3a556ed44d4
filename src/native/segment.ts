/**
 * One segment of a log: `.log`, `.index` and `.timeindex` under a path that ends in the 20-digit base offset. A thin face over the native
 * calls: what each does, on which thread, and when it completes stands in binding.ts.
 */
import { Location, LOG_COUNTERS, SCAN_ROW_BYTES, SegmentStat } from './numbers.js'
import type { Completion, Frame, Runtime } from './runtime.js'

export interface BatchLocation {
  /** File position of the batch. */
  readonly position: number
  /** Its base offset; -1 when there is none. */
  readonly baseOffset: number
  /** 0 when there is none. Its size or, where it is at most the limit that was given, how much of the limit is whole batches (large ones; else the limit). */
  readonly bytes: number
}

/** Scanned batches: `count` rows of SCAN_ROW_BYTES in `frame`, which the receiver releases. */
export interface ScanResult {
  /** 0: the end was reached; 1: more follows at `position`; 2: the bytes at `position` are not a valid batch. */
  readonly status: number
  readonly frame: Frame | undefined
  readonly count: number
  readonly position: number
  readonly reason: number
}

/** Instead of a handle, which is never below 1. A closed one is as stale for native calls as any other. */
const UNUSED = -1
const CLOSED = 0

/** Keeps the order of one log's appends, seals and cuts. Broken by one of these that failed, until `reset`. */
export class Strand {
  readonly #runtime: Runtime
  #handle = UNUSED

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** Made when it is first needed: most logs of a broker with thousands are only known. */
  get handle(): number {
    if (this.#handle === UNUSED) this.#handle = this.#runtime.native.strandOpen()
    return this.#handle
  }

  reset(): void {
    if (this.#handle !== UNUSED) this.#runtime.native.strandReset(this.#handle)
  }

  close(): void {
    if (this.#handle > 0) this.#runtime.native.strandClose(this.#handle)
    this.#handle = CLOSED
  }

  /** Adds its log's LOG_COUNTERS numbers to `sums` (see LogCounter). */
  addCountersTo(sums: Float64Array): void {
    if (this.#handle <= 0) return
    this.#runtime.native.strandCounters(this.handle, counters)
    for (let i = 0; i < LOG_COUNTERS; i++) sums[i]! += counters[i]!
  }
}

export interface SegmentOptions {
  readonly baseOffset: number
  /** Valid bytes of `.log`; -1: the files are created. */
  readonly size: number
  /** `segment.index.bytes` */
  readonly indexBytes: number
  /** `index.interval.bytes` */
  readonly indexIntervalBytes: number
  /** Room on the disk that a new `.log` gets before its first byte; 0: none. */
  readonly reserveBytes?: number
  /** Behind the suffixes of the files: `.cleaned` while compaction writes them. */
  readonly state?: string
  /** `.log`, and what an index that is a symbolic link leads to, are never written to. */
  readonly readOnly?: boolean
}

const stat = new Float64Array(8)
const location = new Float64Array(3)
const counters = new Float64Array(LOG_COUNTERS)

export class NativeSegment {
  readonly #runtime: Runtime
  readonly baseOffset: number
  readonly #options: SegmentOptions
  readonly #strand: Strand | undefined
  #handle = UNUSED
  #path: string

  /** `strand`: the log's, with which is counted what is sent of the segment. */
  constructor(runtime: Runtime, path: string, options: SegmentOptions, strand?: Strand) {
    this.#runtime = runtime
    this.#path = path
    this.baseOffset = options.baseOffset
    this.#options = options
    this.#strand = strand
  }

  /** Made when it is first needed: most segments of a broker are only known. */
  get handle(): number {
    if (this.#handle === UNUSED) {
      const { baseOffset, size, indexBytes, indexIntervalBytes, reserveBytes, state, readOnly } = this.#options
      const { native } = this.#runtime
      const strand = this.#strand?.handle
      this.#handle = native.segmentOpen(this.#path, baseOffset, size, indexBytes, indexIntervalBytes, strand, reserveBytes, state, readOnly)
    }
    return this.#handle
  }

  get path(): string {
    return this.#path
  }

  moved(path: string): void {
    this.#path = path
    if (this.#handle > 0) this.#runtime.native.segmentMoved(this.#handle, path)
  }

  /** Opens or creates the files. Returns the size of `.log`. */
  async prepare(strand: Strand): Promise<number> {
    const [, size] = await this.#runtime.run(this.#path, (ticket) =>
      this.#runtime.native.segmentPrepare(this.handle, strand.handle, ticket)
    )
    return size
  }

  /** Opens the files, which stay open until `close`: they are about to get other names. */
  async keepOpen(): Promise<void> {
    await this.#runtime.run(this.#path, (ticket) => this.#runtime.native.segmentKeepOpen(this.handle, ticket))
  }

  /**
   * Appends the batch at `[offset, offset + length)` of the frame's bytes (`offset` counts from the frame's start), with this base offset and epoch.
   * `durable`: it completes when it is on the disk.
   */
  append(
    strand: Strand,
    frame: Frame,
    offset: number,
    length: number,
    baseOffset: number,
    leaderEpoch: number,
    done: Completion,
    durable = false
  ): void {
    const native = this.#runtime.native
    const ticket = this.#runtime.ticket(done)
    native.segmentAppend(this.handle, strand.handle, frame.id, offset, length, baseOffset, leaderEpoch, ticket, durable ? 1 : 0)
  }

  async seal(strand: Strand, maxTimestamp: number, offsetOfMaxTimestamp: number): Promise<void> {
    await this.#runtime.run(this.#path, (ticket) =>
      this.#runtime.native.segmentSeal(this.handle, strand.handle, maxTimestamp, offsetOfMaxTimestamp, ticket)
    )
  }

  /** Returns the bytes of `.log` that are durable, with or without what the indexes have of them. */
  async flush({ indexes = true } = {}): Promise<number> {
    const [, size] = await this.#runtime.run(this.#path, (ticket) =>
      this.#runtime.native.segmentFlush(this.handle, ticket, indexes ? 1 : 0)
    )
    return size
  }

  async truncate(strand: Strand, position: number): Promise<void> {
    await this.#runtime.run(this.#path, (ticket) => this.#runtime.native.segmentTruncate(this.handle, strand.handle, position, ticket))
  }

  /** From memory only; undefined when that would have to wait for the disk. */
  locateNow(offset: number, limit = 0): BatchLocation | undefined {
    if (this.#runtime.native.segmentLocate(this.handle, offset, location, limit) !== 1) return undefined
    return { position: location[Location.position]!, baseOffset: location[Location.baseOffset]!, bytes: location[Location.bytes]! }
  }

  /** `connection`: that it is for, or 0. */
  async locate(offset: number, limit = 0, connection = 0): Promise<BatchLocation> {
    const [, position, baseOffset, bytes] = await this.#runtime.run(this.#path, (ticket) =>
      this.#runtime.native.segmentLocateLater(this.handle, offset, limit, ticket, connection)
    )
    return { position, baseOffset, bytes }
  }

  /** The first batch whose largest timestamp is at least `timestamp`; undefined when none. */
  async locateTimestamp(timestamp: number): Promise<BatchLocation | undefined> {
    const [, position, baseOffset, bytes] = await this.#runtime.run(this.#path, (ticket) =>
      this.#runtime.native.segmentLocateTimestamp(this.handle, timestamp, ticket)
    )
    return bytes === 0 ? undefined : { position, baseOffset, bytes }
  }

  /** The last offset of the first batch at or behind a file position that has an entry in the offset index; -1: there is none. */
  async indexedOffsetFrom(position: number): Promise<number> {
    const [, offset] = await this.#runtime.run(this.#path, (ticket) =>
      this.#runtime.native.segmentIndexedOffset(this.handle, position, ticket)
    )
    return offset
  }

  /** Copies up to `length` bytes at `position` out of the file. */
  async read(position: number, length: number): Promise<Buffer> {
    const read = await this.readFrame(position, length)
    if (read === undefined) return Buffer.alloc(0)
    const { frame, bytes } = read
    const copy = Buffer.from(frame.buffer.subarray(frame.start, frame.start + bytes))
    this.#runtime.release(frame)
    return copy
  }

  /** Reads up to `length` bytes at `position` into a frame, which the receiver releases. Undefined: there are none. */
  async readFrame(position: number, length: number): Promise<{ frame: Frame; bytes: number } | undefined> {
    const [, id, bytes] = await this.#runtime.run(this.#path, (ticket) =>
      this.#runtime.native.segmentRead(this.handle, position, length, ticket)
    )
    return id === 0 ? undefined : { frame: this.#runtime.frame(id), bytes }
  }

  async scan(position: number, maxBytes: number, maxRows: number, flags: number): Promise<ScanResult> {
    const [status, id, end, reason] = await this.#runtime.run(this.#path, (ticket) =>
      this.#runtime.native.segmentScan(this.handle, position, maxBytes, maxRows, flags, ticket)
    )
    const frame = id === 0 ? undefined : this.#runtime.frame(id)
    return { status, frame, count: frame ? (frame.end - frame.start) / SCAN_ROW_BYTES : 0, position: end, reason }
  }

  /** Whether the indexes pass every check that can be made without the log. */
  async indexesLookSound(): Promise<boolean> {
    return new Promise((resolve) => {
      const ticket = this.#runtime.ticket((status) => resolve(status === 0))
      this.#runtime.native.segmentCheckIndexes(this.handle, ticket)
    })
  }

  stat(): {
    size: number
    offsetIndexEntries: number
    timeIndexEntries: number
    lastIndexedTimestamp: number
    lastIndexedTimestampOffset: number
    open: boolean
  } {
    this.#runtime.native.segmentStat(this.handle, stat)
    return {
      size: stat[SegmentStat.size]!,
      offsetIndexEntries: stat[SegmentStat.offsetIndexEntries]!,
      timeIndexEntries: stat[SegmentStat.timeIndexEntries]!,
      lastIndexedTimestamp: stat[SegmentStat.lastIndexedTimestamp]!,
      lastIndexedTimestampOffset: stat[SegmentStat.lastIndexedTimestampOffset]!,
      open: stat[SegmentStat.open] === 1
    }
  }

  close(): void {
    if (this.#handle > 0) this.#runtime.native.segmentClose(this.#handle)
    this.#handle = CLOSED
  }
}
