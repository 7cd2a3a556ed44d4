/**
 * The log of one partition. Everything here runs on the JavaScript thread; what touches a disk runs on native threads and completes through
 * promises. Batches become visible (`endOffset`) when they are in the page cache; durable with `flush`, the flush settings or in the background.
 */
import type { TopicConfig } from '../config/index.js'
import type { FileRegion } from '../protocol/writer.js'
import type { AppendInput, AppendResult } from './append.js'
import { NO_EPOCH, type EpochCut, type EpochEnd } from './leader-epochs.js'
import { LogCleaning } from './cleaner/log-cleaning.js'
import { abortedIn, abortedTransactions, type Aborted } from './log-aborted.js'
import { letGo, LogClose } from './log-close.js'
import { LogFlusher } from './log-flusher.js'
import { Handover, settleHeir, skipTo } from './log-handover.js'
import { loadLog, type LoadOptions } from './log-loader.js'
import { deleteRecords, type DeleteResult } from './log-start.js'
import { readLog, readLogBytes, readLogFrame, type LogPiece, type ReadResult } from './log-reader.js'
import { LogRemovals } from './log-removals.js'
import { LogState, type LogEnvironment } from './log-state.js'
import { offsetForTimestamp, offsetOfMaxTimestamp, type TimedOffset } from './log-times.js'
import { restartLog, truncateLog } from './log-truncate.js'
import { LogWriter } from './log-writer.js'
import type { ProducerEntry } from './producer-state.js'
import { writeTopicId } from './partition-folder.js'
import { mayDelete } from './retention.js'
import { segmentFileFrom, segmentFiles, type SegmentFile } from './segment-view.js'

export type { AppendInput, AppendOrigin, AppendResult } from './append.js'
export type { Aborted } from './log-aborted.js'
export type { ReadResult } from './log-reader.js'
export type { TimedOffset } from './log-times.js'
export type { BatchMark, ProducerEntry } from './producer-state.js'
export type { SegmentFile } from './segment-view.js'
export type { AbortedTransaction } from './transaction-index.js'

export class Log {
  readonly topic: string
  readonly partition: number
  /** Called once after `endOffset` or `logStartOffset` moved, however many appends completed together. */
  onEndOffset: (() => void) | undefined
  /** Compaction. */
  readonly cleaning: LogCleaning
  /** The steps of a close that many logs take together. */
  readonly closing: LogClose
  readonly #state: LogState
  readonly #writer: LogWriter
  readonly #flusher: LogFlusher
  readonly #removals: LogRemovals
  #told = true
  #handover: Handover<Log> | undefined

  private constructor(state: LogState) {
    this.topic = state.topic
    this.partition = state.partition
    this.#state = state
    this.#flusher = new LogFlusher(state)
    const moved = (): void => this.#moved()
    this.#writer = new LogWriter(state, this.#flusher, moved)
    this.cleaning = new LogCleaning(state, this.#flusher, () => this.#removals.settled())
    this.#removals = new LogRemovals(state, this.#writer, this.cleaning, { moved, isHeld: () => this.#handover !== undefined })
    this.closing = new LogClose(state, this.#flusher, this.#writer, this.#removals)
  }

  /** Opens the log in an existing folder, recovering it unless it was closed in an orderly way. Rejects with a StorageError. */
  static async open(
    where: { topic: string; partition: number; topicId: string; folder: string },
    config: TopicConfig,
    options: LoadOptions,
    environment: LogEnvironment
  ): Promise<Log> {
    const state = new LogState(where.topic, where.partition, where.topicId, where.folder, config, environment)
    try {
      await loadLog(state, options)
    } catch (error) {
      await letGo(state)
      throw error
    }
    return new Log(state)
  }

  get topicId(): string {
    return this.#state.topicId
  }

  /** Of a log whose folder does not say of which topic it is: durable when it resolves. Rejects with a StorageError. */
  async adoptTopicId(topicId: string): Promise<void> {
    const heir = (await this.#handover?.decided) ?? this
    if (heir !== this) return heir.adoptTopicId(topicId)
    const state = this.#state
    const before = state.topicId
    // At once: a copy that is to take its place must have it, too.
    state.topicId = topicId
    try {
      await writeTopicId(state.folder, topicId)
    } catch (error) {
      state.topicId = before
      throw error
    }
  }

  get folder(): string {
    return this.#state.folder
  }

  get logStartOffset(): number {
    return this.#state.logStartOffset
  }

  /** As the checkpoint is to name it: where a truncation that has begun will put it. */
  get startToSave(): number {
    return this.#state.comingStart ?? this.#state.logStartOffset
  }

  /** The offset of the next batch: assigned. */
  get nextOffset(): number {
    return this.#state.nextOffset
  }

  /** Behind the last written record: what readers and the high watermark see. */
  get endOffset(): number {
    return this.#state.endOffset
  }

  /** All below it is replicated: `endOffset`, unless `setHighWatermark` says otherwise. */
  get highWatermark(): number {
    return this.#state.highWatermark
  }

  /** The high watermark, or the first offset of the earliest transaction that is not decided, or whose end is not replicated. */
  get lastStableOffset(): number {
    return this.#state.lastStableOffset
  }

  /** Changes when the log is truncated: what was copied of it before may be other than what is there now. */
  get truncations(): number {
    return this.#state.cuts
  }

  /** All below it is known to be on the disk. */
  get recoveryPoint(): number {
    return this.#state.recoveryPoint
  }

  /** -1: none. */
  get latestEpoch(): number {
    return this.#state.epochs.latest
  }

  get sizeBytes(): number {
    return this.#state.segments.sizeBytes
  }

  /** Bytes that readers were shown since the log was opened: only rises, whatever retention deletes. */
  get appendedBytes(): number {
    return this.#state.appendedBytes
  }

  /** From the oldest on. `handle` is what `read` calls the segment; `nextBaseOffset` is the log's end for the last one. */
  segmentFiles(): SegmentFile[] {
    return segmentFiles(this.#state)
  }

  /** The segment with this handle, looked for from the one on that holds the offset. Undefined: it is gone. */
  segmentFileFrom(offset: number, handle: number): SegmentFile | undefined {
    return segmentFileFrom(this.#state, offset, handle)
  }

  get segmentCount(): number {
    return this.#state.segments.count
  }

  /** Adds what was appended to it and sent of it since it was opened to `sums` (LOG_COUNTERS numbers, see LogCounter). Nothing when it is closed. */
  addCountersTo(sums: Float64Array): void {
    if (!this.#state.released) this.#state.strand.addCountersTo(sums)
  }

  get config(): TopicConfig {
    return this.#state.config
  }

  configure(config: TopicConfig): void {
    this.#state.config = config
  }

  /**
   * Appends the batch in a frame. The order of calls is the order of offsets. Resolved, never rejected: the batch is in the page cache and
   * visible; also on the disk where `flush.messages` asks for it.
   */
  append(input: AppendInput): Promise<AppendResult> {
    return new Promise((resolve) => this.appendThen(input, resolve))
  }

  /** As `append`, for whoever needs no promise of it: `done` gets the result, at the earliest before the call returns. */
  appendThen(input: AppendInput, done: (result: AppendResult) => void): void {
    if (this.#handover === undefined) this.#writer.append(input, done)
    else this.#handover.append(input, done)
  }

  /**
   * The bytes for a fetch at `offset`, of batches that begin below `upTo`: from the batch that holds the offset, at most `maxBytes` (which may
   * cut the last batch), but with `atLeastOneBatch` the first one whole. Synchronous when all that is needed is in memory.
   * OFFSET_OUT_OF_RANGE outside of [logStartOffset, endOffset]. `connection`: that it is for, or 0.
   */
  read(offset: number, maxBytes: number, upTo: number, atLeastOneBatch: boolean, connection = 0): ReadResult | Promise<ReadResult> {
    return readLog(this.#state, { offset, maxBytes, upTo, atLeastOneBatch, connection })
  }

  /**
   * Copies whole batches, from the one that holds `offset` (or the next, where compaction left a gap): about `maxBytes` of them, at least one.
   * Empty at the end of the log. Rejects with a StorageError.
   */
  readBytes(offset: number, maxBytes: number): Promise<Buffer> {
    return this.#state.reading(() => readLogBytes(this.#state, offset, maxBytes))
  }

  /** As readBytes, without a copy: whole batches in a frame that the receiver releases. Undefined at the end of the log. */
  readFrame(offset: number, maxBytes: number): Promise<LogPiece | undefined> {
    return this.#state.reading(() => readLogFrame(this.#state, offset, maxBytes))
  }

  /** The first record whose timestamp is at least `timestamp`; undefined: none. Rejects with a StorageError. */
  offsetForTimestamp(timestamp: number): Promise<TimedOffset | undefined> {
    return this.#state.reading(() => offsetForTimestamp(this.#state, timestamp))
  }

  /** The first record with the largest timestamp; undefined when no record has one. */
  offsetOfMaxTimestamp(): Promise<TimedOffset | undefined> {
    return this.#state.reading(() => offsetOfMaxTimestamp(this.#state))
  }

  /**
   * The aborted transactions that have records in [from, to), in the order of their markers: what a reader of committed records leaves out, when
   * `to` is not above the last stable offset. Synchronous when all is in memory. Rejects with a StorageError.
   */
  abortedTransactions(from: number, to: number): Aborted | Promise<Aborted> {
    return abortedTransactions(this.#state, from, to)
  }

  /** As abortedTransactions, for the region that `read(offset, …, upTo, …)` gave: those of it, and perhaps a few that begin just behind. */
  abortedIn(offset: number, region: FileRegion, upTo: number): Aborted | Promise<Aborted> {
    return abortedIn(this.#state, offset, region, upTo)
  }

  /** What followers are known to have: bounds the last stable offset from now on. undefined: there are none. */
  setHighWatermark(offset: number | undefined): void {
    const state = this.#state
    state.replicatedTo = offset
    state.producers.replicated(state.highWatermark)
  }

  /**
   * Cuts off everything from `offset` on, as a follower does where its leader's log is another. A batch that holds `offset` goes as a whole.
   * Producer states, leader epochs, indexes and the recovery point are as of the new end. What is appended meanwhile waits. Durable when resolved,
   * to whether anything was cut: nothing, when the log ends there or before. Rejects with a StorageError; the folder is offline then, if files were
   * touched.
   */
  async truncateTo(offset: number): Promise<boolean> {
    if (!(offset >= 0)) throw new RangeError(`a log can't be truncated to the offset ${offset}`)
    const heir = this.#handover === undefined ? this : await this.#handover.decided
    if (heir !== this) return heir.truncateTo(offset)
    return this.#removals.alone(() => truncateLog(this.#state, this.#writer, offset))
  }

  /** Removes everything: the log is empty, and what is appended next gets `offset`. As truncateTo. */
  async truncateFullyAndStartAt(offset: number): Promise<void> {
    if (!(offset >= 0)) throw new RangeError(`a log can't start at the offset ${offset}`)
    const heir = this.#handover === undefined ? this : await this.#handover.decided
    if (heir !== this) return heir.truncateFullyAndStartAt(offset)
    return this.#removals.alone(() => restartLog(this.#state, this.#writer, offset))
  }

  /**
   * Where to truncate to, when the leader of the partition answered `leader` to a question for the end of `latestEpoch`. `complete`: from there on the
   * logs agree; else the question is to be asked again after the cut. `unknown` (the high watermark): where, if the leader knows nothing.
   */
  truncationOffset(leader: EpochEnd, unknown: number): EpochCut {
    return this.#state.epochs.truncationOffset(leader, this.#state.endOffset, unknown)
  }

  /** As OffsetForLeaderEpoch answers; (-1, -1): not known. */
  epochEndOffset(epoch: number): EpochEnd {
    return this.#state.epochs.endOffset(epoch, this.#state.endOffset)
  }

  /** The leader epoch in force at an offset; undefined: not known. */
  epochOf(offset: number): number | undefined {
    const epoch = this.#state.epochs.epochAt(offset)
    return epoch === NO_EPOCH ? undefined : epoch
  }

  /** This broker leads from now on: what it appends next begins the epoch, and saves it; else closing does. */
  becomeLeader(epoch: number): void {
    this.#state.epochs.assign(epoch, this.#state.nextOffset)
  }

  /** Moves the log start to `offset`, durably. Whole segments below it go with the next retention. OFFSET_OUT_OF_RANGE beyond the end. */
  async deleteRecordsBefore(offset: number): Promise<DeleteResult> {
    const heir = (await this.#handover?.decided) ?? this
    if (heir !== this) return heir.deleteRecordsBefore(offset)
    return deleteRecords(this.#state, offset, () => this.#moved())
  }

  /** Resolved: all that was written at the time of the call is on the disk. Rejects with a StorageError; the folder is offline then. */
  flush(): Promise<void> {
    return this.#flusher.flush()
  }

  /** Flushes when `flush.ms` has passed since the last time and there is something to flush. */
  flushIfDue(nowMs: number): void {
    this.#flusher.flushIfDue(nowMs)
  }

  producers(): IterableIterator<ProducerEntry> {
    return this.#state.producers.values()
  }

  /** Undefined: it has written nothing here, or not for long. */
  producer(producerId: number): ProducerEntry | undefined {
    return this.#state.producers.get(producerId)
  }

  /** A coordinator is asked whether a batch may begin a transaction here; `anew`: its epoch is of this transaction alone (KIP-890). */
  awaitTransaction(producerId: number, producerEpoch: number, baseSequence: number, anew: boolean): void {
    this.#state.producers.awaits({ producerId, producerEpoch, baseSequence }, anew, this.#state.clock.now())
  }

  /** Forgets producers that wrote nothing for `producer.id.expiration.ms`. */
  expireProducers(): void {
    this.#state.producers.expire(this.#state.clock.now(), this.#state.environment.producerExpirationMs())
  }

  /** Of the segment that is appended to. */
  get hasOpenFiles(): boolean {
    return !this.#state.offline && this.#state.segments.active.native.stat().open
  }

  /** False: `applyRetention` would find nothing. Asks no disk. */
  get mayDelete(): boolean {
    return !this.#state.offline && mayDelete(this.#state)
  }

  /** Deletes the segments that retention and the log start allow: none while the log is compacted. Resolves to their number. Rejects with a StorageError. */
  applyRetention(): Promise<number> {
    return this.#removals.retain()
  }

  /** Begins a new segment, if the active one holds anything. */
  roll(): void {
    if (!this.#state.offline) this.#writer.roll()
  }

  /** Whether a batch that came now would begin a new segment. */
  rollsFor(bytes: number, lastOffset: number, maxTimestamp: number): boolean {
    return this.#writer.rollsFor(bytes, lastOffset, maxTimestamp)
  }

  /** Resolves when all appends have been answered. */
  whenIdle(): Promise<void> {
    return this.#writer.whenIdle()
  }

  /**
   * An orderly stop: everything that was appended is written and flushed, producer states and epochs are saved. The log refuses everything
   * from the call on. Rejects with a StorageError: then the folder must not be marked as closed cleanly.
   */
  close(): Promise<void> {
    return this.closing.close()
  }

  /** Refuses everything from now on; nothing is saved. For a folder that failed, and before a deletion. */
  abandon(): Promise<void> {
    return this.closing.abandon()
  }

  /** Appends wait from the call on. Resolved: all before them are written, and the log stays as it is until `endHandover`. */
  async beginHandover(): Promise<void> {
    this.#handover = new Handover(this.#state.runtime)
    await this.#removals.settled()
    await this.#writer.whenIdle()
  }

  /** What waited goes on: in `heir`, for good (this log is only read, until it is abandoned), or in this log again. */
  endHandover(heir?: Log): void {
    const handover = this.#handover
    if (heir === undefined) this.#handover = undefined
    handover?.end(heir ?? this)
  }

  /** Ends at `offset`, as the log that it is a copy of. Rejects with a StorageError. */
  skipTo(offset: number): Promise<void> {
    return skipTo(this.#state, this.#writer, offset)
  }

  /** Gets ready to take the place of `other`, whose batches it has: all of it is on the disk then. Rejects with a StorageError. */
  inherit(other: Log): Promise<void> {
    return settleHeir(this.#state, this.#flusher, other.producers())
  }

  /** The folder gets another name, by `rename`. Rejects as that does; then it has the old one. */
  rename(folder: string, rename: () => Promise<void>): Promise<void> {
    return this.#state.rename(folder, rename)
  }

  #moved(): void {
    if (!this.#told) return
    this.#told = false
    // Completions of one turn come one after the other: who waits is told after the last.
    queueMicrotask(() => {
      this.#told = true
      this.onEndOffset?.()
    })
  }
}
