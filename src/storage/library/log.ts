/** One log, for programs: see docs/storage.md. */
import type { Writable } from 'node:stream'
import type { TopicConfig } from '../../config/index.js'
import { StorageError } from '../../errors.js'
import type { Runtime } from '../../native/runtime.js'
import { ErrorCode } from '../../protocol/error-codes.js'
import type { RecordInput } from '../../record/index.js'
import type { LogCleaner } from '../cleaner/log-cleaner.js'
import type { AbortedTransaction, Log as PartitionLog, TimedOffset } from '../log.js'
import { Appends, type Appended, type AppendOptions, type Producer } from './appends.js'
import {
  checkEnd,
  checkIsolation,
  checkMaxBytes,
  checkOffset,
  checkOptions,
  checkRegion,
  checkSignal,
  checkTimestamp,
  checkWritableStream,
  ISOLATION,
  READ_OPTIONS
} from './checks.js'
import { LogError, refusal, refuse } from './errors.js'
import { LogReaders } from './log-readers.js'
import { FIRST_READ_BYTES, readRecords, type Isolation, type IsolationLevel, type LogRecord, type ReadOptions } from './record-reader.js'
import { inTurn, type RegionSender } from './region-sender.js'
import { batchesBelow, regionsOf, type FileRegion } from './regions.js'

/** What one compaction did. */
export interface Compacted {
  /** Below it each key is there once, except for what readers of transactions need. */
  readonly endOffset: number
  /** Of the segments that were looked at, in bytes. */
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly segmentsBefore: number
  readonly segmentsAfter: number
  readonly recordsRead: number
  readonly recordsKept: number
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
  readonly #appends: Appends
  readonly #readers = new LogReaders()
  readonly #sender: RegionSender
  /** Undefined: the log is only read. */
  readonly #cleaner: LogCleaner | undefined

  /** @internal LogDirectory makes them. */
  constructor(log: PartitionLog, runtime: Runtime, sender: RegionSender, cleaner: LogCleaner | undefined) {
    this.topic = log.topic
    this.partition = log.partition
    this.#log = log
    this.#appends = new Appends(log, runtime, () => this.#checkAppendable())
    this.#sender = sender
    this.#cleaner = cleaner
    log.onEndOffset = this.#readers.wake
    // As a broker's first leader; a folder of a broker goes on with its last epoch.
    if (log.latestEpoch < 0 && cleaner !== undefined) log.becomeLeader(0)
  }

  /** Of the first record that is kept. */
  get startOffset(): number {
    return this.#log.logStartOffset
  }

  /** Behind the last record: what the next one gets when nothing is under way. */
  get endOffset(): number {
    return this.#log.endOffset
  }

  /** Where reading with `read_committed` ends: the first record of the earliest transaction that is not decided, or `endOffset` when none is open. */
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
  append(records: RecordInput | readonly RecordInput[], options: AppendOptions = {}): Promise<Appended> {
    return this.#appends.records(records, options)
  }

  /**
   * Appends one encoded record batch (magic 2), which is checked; its offsets are assigned here. The bytes are not changed, and large ones not copied: they must
   * stay as they are until the promise settles. Rejects as `append` does.
   */
  appendBatch(bytes: Uint8Array): Promise<Appended> {
    return this.#appends.batch(bytes)
  }

  /**
   * Ends the producer's transaction: readers with `read_committed` see all of its records in this log from then on, or none. Appends a marker, which
   * takes an offset and is no record; resolves to that offset, when it is visible. A transaction over several logs is ended in each; no coordinator
   * makes that one step here. Without an open transaction the marker ends nothing. Rejects as `append` does (INVALID_PRODUCER_EPOCH: a higher epoch was here).
   */
  async endTransaction(producer: Producer, outcome: 'commit' | 'abort'): Promise<number> {
    const { firstOffset } = await this.#appends.marker(producer, outcome)
    return firstOffset
  }

  /**
   * Whole record batches as bytes, from the one that holds `offset` on: about `maxBytes` of them, at least one. Empty at the end. The first may
   * begin below `offset`. With `read_committed` no batch behind `lastStableOffset` is among them; those of aborted transactions are
   * (`abortedTransactions` tells which). The buffer is a copy of its own. Rejects with a LogError (OFFSET_OUT_OF_RANGE) or a StorageError.
   */
  async read(offset: number, maxBytes = FIRST_READ_BYTES, options: Isolation = {}): Promise<Buffer> {
    checkOptions(options, ISOLATION)
    const { isolation } = options
    this.#checkRead(offset, maxBytes, isolation)
    const upTo = this.#readableTo(isolation)
    if (offset >= upTo) return Buffer.alloc(0)
    const bytes = await this.#log.readBytes(offset, maxBytes)
    return isolation === 'read_committed' ? batchesBelow(bytes, upTo) : bytes
  }

  /**
   * The records, one after the other; batches are read ahead as they are needed. Ends at the end of the log, or with `follow` when its signal
   * is aborted. With `read_committed` records of transactions that are not decided are not given before they are, nor anything behind them;
   * those of aborted ones are left out. Where retention or compaction has deleted what came next, it goes on behind it; where the log is
   * truncated below what it has given, it goes on at the cut. Throws as `read` rejects; the iterator rejects with a WireError at damaged bytes, and
   * as `read` does.
   */
  records(options: ReadOptions = {}): AsyncGenerator<LogRecord, void, undefined> {
    checkOptions(options, READ_OPTIONS)
    const from = options.from ?? this.startOffset
    if (options.to !== undefined) checkEnd(options.to)
    this.#checkRead(from, options.maxBytes, options.isolation)
    checkSignal(options.follow)
    return readRecords(this.#log, { ...options, from }, this.#readers)
  }

  /**
   * Where the bytes are that `read` would give, without reading them: to the end of the log, or up to `maxBytes`; in as many files as it has segments there. With
   * `maxBytes` the last batch may be cut; the first is whole. For `send`, or for programs that know the format. With `read_committed` as in `read`.
   * Rejects as `read` does.
   */
  async regions(offset: number, maxBytes = Infinity, options: Isolation = {}): Promise<FileRegion[]> {
    checkOptions(options, ISOLATION)
    const { isolation } = options
    this.#checkRead(offset, maxBytes, isolation)
    return regionsOf(this.#log, offset, maxBytes, this.#readableTo(isolation))
  }

  /**
   * Sends bytes of a segment file to a stream. A plain TCP or Unix socket gets them by sendfile(2) from a thread of their own, without passing
   * through this process; any other stream by reading. Several to one stream go in the order of the calls, and what a socket is given to write meanwhile behind
   * them; to another stream nobody else may write meanwhile. Resolves when all bytes are with the system.
   * Rejects with a StorageError (ECONNRESET: the peer went; ECANCELED: the socket or the directory was closed) or a LogError
   * (OFFSET_OUT_OF_RANGE: the segment is gone).
   */
  async send(to: Writable, region: FileRegion): Promise<void> {
    this.#checkOpen()
    checkWritableStream(to)
    checkRegion(region)
    await inTurn(to, () => this.#send(to, region))
  }

  /**
   * The aborted transactions with records in [from, to), in the order in which they ended: what a reader of committed records leaves out of what
   * `read` or `regions` gave. `to` is at most `lastStableOffset`, which is the default. Compaction removes such records, and later the transaction here.
   * Rejects with a StorageError.
   */
  async abortedTransactions(from = this.startOffset, to = this.lastStableOffset): Promise<readonly AbortedTransaction[]> {
    this.#checkOpen()
    checkOffset(from)
    checkEnd(to)
    return this.#log.abortedTransactions(from, Math.min(to, this.lastStableOffset))
  }

  /** The first record whose timestamp is at least `timestamp` (milliseconds); undefined: none. Rejects with a StorageError. */
  async offsetForTimestamp(timestamp: number): Promise<TimedOffset | undefined> {
    this.#checkOpen()
    checkTimestamp(timestamp)
    return this.#log.offsetForTimestamp(timestamp)
  }

  /** The first record with the largest timestamp; undefined: no record has one. Rejects with a StorageError. */
  async offsetOfMaxTimestamp(): Promise<TimedOffset | undefined> {
    this.#checkOpen()
    return this.#log.offsetOfMaxTimestamp()
  }

  /** Moves `startOffset` up to `offset`, durably. Whole segments below it go with the next retention. Rejects with a LogError. */
  async deleteBefore(offset: number): Promise<void> {
    this.#checkWritable()
    checkOffset(offset)
    const { errorCode } = await this.#log.deleteRecordsBefore(offset)
    refuse(errorCode, `${this.topic}-${this.partition} can not begin at ${offset}`)
  }

  /** Deletes the segments that `retention.ms`, `retention.bytes` and `startOffset` allow; it also happens every `log.retention.check.interval.ms`. Resolves to their number. */
  async applyRetention(): Promise<number> {
    this.#checkWritable()
    return this.#log.applyRetention()
  }

  /**
   * Removes the records from `offset` on, and a batch that holds it as a whole: `endOffset` is then at most `offset`, and the next record gets that
   * one. Below the first segment the log is empty then and begins at `offset`. Transactions that lose their end are open again, producers
   * go on as of the new end. An append that has not resolved yet is removed, or waits and goes behind the cut; those of later calls go behind it.
   * Durable when it resolves, to whether anything was removed. Rejects with a StorageError; the directory takes no more writes then.
   */
  async truncateTo(offset: number): Promise<boolean> {
    this.#checkWritable()
    checkOffset(offset)
    if (offset < 0) throw new RangeError(`${offset} is no offset`)
    const cut = await this.#log.truncateTo(offset)
    // Before anything is appended: that takes a turn of the event loop.
    if (cut) this.#readers.cut(this.endOffset)
    return cut
  }

  /**
   * Compacts now what may be compacted, whether it is worth it or not: of the records with the same key the last one stays where it is, one without
   * a value goes after `delete.retention.ms`. It also happens by itself (`min.cleanable.dirty.ratio`, `log.cleaner.backoff.ms`). The segment that is
   * written to is left alone (`roll` begins another), as is what is younger than `min.compaction.lag.ms` or behind `lastStableOffset`. Reads and
   * appends go on meanwhile; the work is done on native threads. Resolves when it is on the disk; undefined: there was nothing to compact, or
   * something took the segments away. Rejects with a LogError (INVALID_CONFIG: `cleanup.policy` is not `compact`) or a StorageError (EBADMSG: a batch is damaged).
   */
  async compact(): Promise<Compacted | undefined> {
    const cleaner = this.#checkWritable()
    const { cleanupPolicy } = this.config
    if (!cleanupPolicy.includes('compact'))
      refuse(ErrorCode.INVALID_CONFIG, `cleanup.policy of ${this.topic}-${this.partition} is ${cleanupPolicy.join()}, not compact`)
    return cleaner.cleanNow(this.#log)
  }

  /** Begins a new segment, if the last holds anything. Throws a LogError where the log is only read, a StorageError when it is closed. */
  roll(): void {
    this.#checkWritable()
    this.#log.roll()
  }

  /**
   * Resolved: all that was appended before the call is on the disk, also by appends that had not resolved, unless they reject. Rejects with a
   * StorageError; the folder takes no more writes then.
   */
  async flush(): Promise<void> {
    this.#checkOpen()
    // There is nothing to make durable in a log that is only read.
    if (this.#cleaner === undefined) return
    await this.#appends.settled()
    await this.#log.flush()
  }

  /** @internal The directory is closed, or the log deleted: who follows is let go. Resolves when all appends have been answered that had begun. */
  ended(): Promise<void> {
    const where = `${this.topic}-${this.partition}`
    this.#readers.end(new StorageError('ECANCELED', this.#log.folder, `${where} is closed or was deleted`))
    return this.#appends.settled()
  }

  /** @internal The directory has failed: who follows is told. */
  failed(error: StorageError): void {
    this.#readers.fail(error)
  }

  async #send(to: Writable, { file, position, length }: FileRegion): Promise<void> {
    const segment = this.#log.segmentFiles().find((one) => one.file === file)
    if (segment === undefined) throw refusal(1, `${file} is no segment of ${this.topic}-${this.partition} any more`)
    if (position + length > segment.size) throw new RangeError(`bytes ${position} to ${position + length} are not in ${file}`)
    // Opens files that were not used yet, or not for long: a region of a file that is closed can not be sent.
    await this.#log.read(Math.max(segment.baseOffset, this.startOffset), 1, this.endOffset, true)
    await this.#sender.send(to, { segment: segment.handle, file, position, length })
  }

  #checkRead(offset: number, maxBytes = FIRST_READ_BYTES, isolation?: IsolationLevel): void {
    this.#checkOpen()
    checkOffset(offset)
    checkMaxBytes(maxBytes)
    checkIsolation(isolation)
    if (offset < this.startOffset || offset > this.endOffset)
      refuse(1, `${offset} is not within ${this.startOffset} and ${this.endOffset} of ${this.topic}-${this.partition}`)
  }

  #checkOpen(): void {
    if (this.#readers.ended !== undefined) throw this.#readers.ended
  }

  #checkWritable(): LogCleaner {
    this.#checkOpen()
    if (this.#cleaner === undefined) throw new LogError('POLICY_VIOLATION', `${this.topic}-${this.partition} is only read`)
    return this.#cleaner
  }

  // In a folder that has failed the log itself refuses, by Kafka's code.
  #checkAppendable(): void {
    if (this.#readers.ended === undefined || this.#readers.ended !== this.#readers.failure) this.#checkWritable()
  }

  #readableTo(isolation: Isolation['isolation']): number {
    return isolation === 'read_committed' ? this.lastStableOffset : this.endOffset
  }
}
