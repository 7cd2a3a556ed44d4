/** One log, for programs: see docs/storage.md. */
import type { Writable } from 'node:stream'
import type { TopicConfig } from '../../config/index.js'
import { StorageError } from '../../errors.js'
import type { Frame, Runtime } from '../../native/runtime.js'
import { Compression, RecordBatchBuilder, type COMPRESSION_NAMES, type RecordInput } from '../../record/index.js'
import type { Log as PartitionLog, TimedOffset } from '../log.js'
import { refuse } from './errors.js'
import { FIRST_READ_BYTES, readRecords, type LogRecord, type ReadOptions } from './record-reader.js'
import type { RegionSender } from './region-sender.js'

export type CompressionName = (typeof COMPRESSION_NAMES)[number]

export interface AppendOptions {
  /** Default: none. */
  readonly compression?: CompressionName
  /** An idempotent producer: a batch that is appended again with the same sequence is written once. */
  readonly producer?: { readonly id: number; readonly epoch: number; readonly sequence: number }
}

/** Offsets of the records that were appended. */
export interface Appended {
  readonly firstOffset: number
  readonly lastOffset: number
}

/** Bytes of a segment file: whole record batches, as they go over the wire. */
export interface FileRegion {
  /** The `.log` file. It may be renamed or deleted by retention, compaction and deletion as soon as nothing of it is sent any more. */
  readonly file: string
  /** First byte. */
  readonly position: number
  /** Bytes. */
  readonly length: number
}

/** A segment: the file that holds the records from `baseOffset` on. */
export interface SegmentInfo {
  readonly file: string
  readonly baseOffset: number
  /** Bytes that are written and visible. */
  readonly size: number
}

/**
 * Records in the order of their offsets, from `startOffset` to `endOffset`. Appends may be called without waiting for one another: their order
 * is that of the calls. What is appended is visible when the append resolves, and survives the end of the process; a power cut it survives
 * after `flush`, or according to the flush settings.
 */
export class Log {
  readonly topic: string
  readonly partition: number
  readonly #log: PartitionLog
  readonly #runtime: Runtime
  readonly #sender: RegionSender
  #waiting: (() => void)[] = []
  #ended = false

  /** @internal LogDirectory makes them. */
  constructor(log: PartitionLog, runtime: Runtime, sender: RegionSender) {
    this.topic = log.topic
    this.partition = log.partition
    this.#log = log
    this.#runtime = runtime
    this.#sender = sender
    log.onEndOffset = this.#wakeAll
    // As a broker's first leader; a folder of a broker goes on with its last epoch.
    if (log.latestEpoch < 0) log.becomeLeader(0)
  }

  /** Of the first record that is kept. */
  get startOffset(): number {
    return this.#log.logStartOffset
  }

  /** Behind the last record: what the next one gets when nothing is under way. */
  get endOffset(): number {
    return this.#log.endOffset
  }

  /** Behind the last record of which is known that no open transaction of a broker holds it back; mostly `endOffset`. */
  get lastStableOffset(): number {
    return this.#log.lastStableOffset
  }

  /** All records below it are known to be on the disk, perhaps more: what a recovery need not look at. */
  get durableOffset(): number {
    return Math.min(this.#log.recoveryPoint, this.#log.endOffset)
  }

  /** Bytes of all segments. */
  get sizeBytes(): number {
    return this.#log.sizeBytes
  }

  /** The settings in force, named in camel case: `segmentBytes`, `retentionMs` … */
  get config(): TopicConfig {
    return this.#log.config
  }

  /** From the oldest to the one that is written to. */
  segments(): SegmentInfo[] {
    return this.#log.segmentFiles().map(({ file, baseOffset, size }) => ({ file, baseOffset, size }))
  }

  /**
   * Appends records as one batch: all or none. Without a timestamp of its own a record gets the time of the call. Rejects with a LogError
   * (MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, INVALID_RECORD where a compacted log gets a record without key, INVALID_TIMESTAMP,
   * OUT_OF_ORDER_SEQUENCE_NUMBER …, KAFKA_STORAGE_ERROR: it could not be written).
   */
  async append(records: RecordInput | readonly RecordInput[], { compression = 'none', producer }: AppendOptions = {}): Promise<Appended> {
    const list = isList(records) ? records : [records]
    if (list.length === 0) throw new RangeError('a batch holds at least one record')
    const builder = new RecordBatchBuilder({
      timestamp: Date.now(),
      ...(producer && { producerId: producer.id, producerEpoch: producer.epoch, baseSequence: producer.sequence })
    })
    for (const record of list) builder.append(record)
    // Without compression nothing is waited for: appends of one turn keep their order.
    const batch = compression === 'none' ? builder.build() : await builder.buildCompressed(Compression[compression])
    return this.appendBatch(batch)
  }

  /** Appends one encoded record batch (magic 2), which is checked; its offsets are assigned here. Copies the bytes. Rejects as `append` does. */
  async appendBatch(batch: Uint8Array): Promise<Appended> {
    if (this.#ended) throw this.#closed()
    const frame: Frame = this.#runtime.frameFrom(batch)
    try {
      const leaderEpoch = Math.max(0, this.#log.latestEpoch)
      const appended = this.#log.append({ frame, offset: 0, length: batch.length, origin: 'client', leaderEpoch })
      const { errorCode, errorMessage, baseOffset, lastOffset } = await appended
      refuse(errorCode, errorMessage ?? `the batch can not be appended to ${this.topic}-${this.partition}`)
      return { firstOffset: baseOffset, lastOffset }
    } finally {
      this.#runtime.release(frame)
    }
  }

  /**
   * Whole record batches as bytes, from the one that holds `offset` on: about `maxBytes` of them, at least one. Empty at the end. The first may
   * begin below `offset`. Rejects with a LogError (OFFSET_OUT_OF_RANGE) or a StorageError.
   */
  async read(offset: number, maxBytes = FIRST_READ_BYTES): Promise<Buffer> {
    this.#checkOffset(offset)
    return this.#log.readBytes(offset, maxBytes)
  }

  /**
   * The records, one after the other; batches are read ahead as they are needed. Ends at the end of the log, or with `follow` when its signal
   * is aborted. Where retention or compaction has deleted what came next, it goes on behind it. Throws as `read` rejects; the iterator rejects with
   * a WireError at damaged bytes.
   */
  records(options: ReadOptions = {}): AsyncGenerator<LogRecord, void, undefined> {
    const from = options.from ?? this.startOffset
    this.#checkOffset(from)
    return readRecords(this.#log, { ...options, from }, (signal) => this.#more(signal))
  }

  /**
   * Where the bytes are that `read` would give, without reading them: up to `maxBytes`, in one file or, with the next segment, in several. The
   * last batch may be cut; the first is whole. For `send`, or for programs that know the format. Rejects as `read` does.
   */
  async regions(offset: number, maxBytes: number): Promise<FileRegion[]> {
    this.#checkOffset(offset)
    const regions: FileRegion[] = []
    const files = new Map(this.#log.segmentFiles().map((segment) => [segment.handle, segment]))
    let next = offset
    let left = maxBytes
    while (left > 0 && next < this.endOffset) {
      const { errorCode, region } = await this.#log.read(next, left, this.endOffset, regions.length === 0)
      refuse(errorCode, `offset ${next} of ${this.topic}-${this.partition} can not be read`)
      const segment = region && files.get(region.segment)
      if (!segment) break
      regions.push({ file: segment.file, position: region.position, length: region.length })
      left -= region.length
      if (region.position + region.length < segment.size) break
      next = segment.nextBaseOffset
    }
    return regions
  }

  /**
   * Sends bytes of a segment file to a stream. A plain TCP or Unix socket gets them by sendfile(2) from a thread of their own, without passing
   * through this process; any other stream by reading. Nobody else may write to it meanwhile. Resolves when all bytes are with the system.
   * Rejects with a StorageError (ECONNRESET: the peer went; ECANCELED: the socket or the directory was closed) or a LogError
   * (OFFSET_OUT_OF_RANGE: the segment is gone).
   */
  async send(to: Writable, region: FileRegion): Promise<void> {
    if (this.#ended) throw this.#closed()
    const segment = this.#log.segmentFiles().find(({ file }) => file === region.file)
    const { position, length } = region
    if (segment === undefined) refuse(1, `${region.file} is no segment of ${this.topic}-${this.partition} any more`)
    if (!(position >= 0 && length >= 0 && position + length <= segment!.size))
      throw new RangeError(`bytes ${position} to ${position + length} are not in ${region.file}`)
    await this.#sender.send(to, { segment: segment!.handle, file: region.file, position, length })
  }

  /** The first record whose timestamp is at least `timestamp` (milliseconds); undefined: none. Rejects with a StorageError. */
  offsetForTimestamp(timestamp: number): Promise<TimedOffset | undefined> {
    return this.#log.offsetForTimestamp(timestamp)
  }

  /** The first record with the largest timestamp; undefined: no record has one. Rejects with a StorageError. */
  offsetOfMaxTimestamp(): Promise<TimedOffset | undefined> {
    return this.#log.offsetOfMaxTimestamp()
  }

  /** Moves `startOffset` up to `offset`, durably. Whole segments below it go with the next retention. Rejects with a LogError. */
  async deleteBefore(offset: number): Promise<void> {
    const { errorCode } = await this.#log.deleteRecordsBefore(offset)
    refuse(errorCode, `${this.topic}-${this.partition} can not begin at ${offset}`)
  }

  /** Deletes the segments that `retention.ms`, `retention.bytes` and `startOffset` allow; it also happens every `log.retention.check.interval.ms`. Resolves to their number. */
  applyRetention(): Promise<number> {
    return this.#log.applyRetention()
  }

  /** Begins a new segment, if the last holds anything. */
  roll(): void {
    this.#log.roll()
  }

  /** Resolved: all that was appended before the call is on the disk. Rejects with a StorageError; the folder takes no more writes then. */
  flush(): Promise<void> {
    return this.#log.flush()
  }

  /** @internal The directory is closed: who follows is let go. */
  ended(): void {
    this.#ended = true
    this.#wakeAll()
  }

  #checkOffset(offset: number): void {
    if (this.#ended) throw this.#closed()
    if (offset < this.startOffset || offset > this.endOffset)
      refuse(1, `${offset} is not within ${this.startOffset} and ${this.endOffset} of ${this.topic}-${this.partition}`)
  }

  #closed(): StorageError {
    return new StorageError('ECANCELED', this.#log.folder, `the log directory of ${this.topic}-${this.partition} is closed`)
  }

  // False: nothing will come any more.
  async #more(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted || this.#ended) return false
    await new Promise<void>((resolve) => {
      this.#waiting.push(() => {
        signal.removeEventListener('abort', this.#wakeAll)
        resolve()
      })
      signal.addEventListener('abort', this.#wakeAll)
    })
    return !signal.aborted && !this.#ended
  }

  // Who has no more to read waits again.
  readonly #wakeAll = (): void => {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

function isList(records: RecordInput | readonly RecordInput[]): records is readonly RecordInput[] {
  return Array.isArray(records)
}
