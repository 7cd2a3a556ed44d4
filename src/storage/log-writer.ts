/**
 * Appends to one log, in the order in which its intake lets them through: each gets its offsets, is stamped and handed to the disk.
 * `nextOffset` is what is assigned, `writtenOffset` what is written, `endOffset` what is shown to readers.
 *
 * When a write fails, it and all behind it fail, and files and state are cut back to `endOffset`. What came meanwhile waits in the intake.
 */
import { strict as assert } from 'node:assert'
import { StorageError } from '../errors.js'
import { errnoName, type Frame } from '../native/runtime.js'
import { ErrorCode } from '../protocol/error-codes.js'
import * as batch from '../record/batch.js'
import { failedAppend, storageFailure, type AppendInput, type PendingBatch, type Resolve, type TransactionEnd } from './append.js'
import { changesTimestamps, followingBatches } from './append-check.js'
import { AppendIntake } from './append-intake.js'
import { Fifo } from './fifo.js'
import { cutBack } from './log-cut-back.js'
import type { LogFlusher } from './log-flusher.js'
import { rollAgeMs, type LogSegment } from './log-segment.js'
import type { LogState } from './log-state.js'
import { encodeSnapshot } from './producer-snapshot.js'
import { readEndMarker, readProducer } from './producer-batch.js'
import type { EndMarker, SequenceCheck, Undo } from './producer-state.js'
import { writeSnapshot } from './segment-files.js'

/** What a job gets that was queued behind one that failed. */
const CANCELED = 'ECANCELED'
/** Up to so many bytes the hops between threads cost more than writing beside the flush of what came before saves. */
const ONE_HOP_BYTES = 256 * 1024

export class LogWriter {
  readonly #state: LogState
  readonly #flusher: LogFlusher
  readonly #moved: () => void
  readonly #intake: AppendIntake
  readonly #pending = new Fifo<PendingBatch>()
  // Written, but flush.messages asks for a flush before anyone sees it.
  #unpublished: PendingBatch[] = []
  #publishing: Promise<void> | undefined
  #recordsSinceFlush = 0
  #bytesSinceFlush = 0
  /** Jobs of the strand that are not complete: appends and seals. */
  #jobs = 0
  /** The errno of the write that failed; while it is set nothing new is assigned. */
  #failure: string | undefined
  #repairing = false
  /** Nothing new is assigned: the log is being truncated. */
  #held = false
  readonly #undo: Undo[] = []
  #idle: (() => void)[] = []

  constructor(state: LogState, flusher: LogFlusher, moved: () => void) {
    this.#state = state
    this.#flusher = flusher
    this.#moved = moved
    this.#intake = new AppendIntake(state, {
      halted: () => this.#failure !== undefined || this.#held,
      assign: (input, maxTimestamp, resolve) => this.#assign(input, maxTimestamp, resolve),
      pumped: () => this.#becameIdle()
    })
  }

  append(input: AppendInput, resolve: Resolve): void {
    this.#intake.add(input, resolve)
  }

  /** Whether a batch that came now would begin a new segment. */
  rollsFor(bytes: number, lastOffset: number, maxTimestamp: number): boolean {
    const { topic, partition, segments, config, clock } = this.#state
    const { active } = segments
    const ageMs = rollAgeMs(topic, partition, active.baseOffset, config)
    return active.mustRoll(bytes, lastOffset, maxTimestamp, config.segmentBytes, ageMs, clock.now())
  }

  /** Begins a new segment now, if the active one holds anything, or anyway. */
  roll(anyway = false): void {
    if (this.#failure === undefined && !this.#held && (anyway || this.#state.segments.active.assignedBytes > 0)) this.#roll()
  }

  /** Lets what comes wait, until `resume`. Resolves when nothing is on its way to the files. */
  hold(): Promise<void> {
    this.#held = true
    return this.whenIdle()
  }

  resume(): void {
    this.#held = false
    this.#intake.pump()
  }

  /** Resolves when nothing is on its way any more. */
  whenIdle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  #isIdle(): boolean {
    return this.#jobs === 0 && (this.#held || this.#intake.isEmpty) && this.#failure === undefined && this.#publishing === undefined
  }

  #becameIdle(): void {
    if (this.#idle.length > 0 && this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve()
  }

  #assign(input: AppendInput, maxTimestamp: number, resolve: Resolve): void {
    if (input.origin === 'replication') return this.#assignReplicated(input, resolve)
    const state = this.#state
    const { buffer } = input.frame
    const at = input.frame.start + input.offset
    if (input.length > state.config.segmentBytes) {
      const message = `the batch has ${input.length} bytes, segment.bytes is ${state.config.segmentBytes}`
      return resolve(failedAppend(ErrorCode.RECORD_LIST_TOO_LARGE, message, state.logStartOffset))
    }
    const marker = readEndMarker(buffer, at)
    const producer = marker === undefined ? readProducer(buffer, at) : undefined
    if (producer !== undefined || marker !== undefined) {
      const check = producer
        ? state.producers.check(producer, input.origin === 'client')
        : state.producers.checkMarker(marker!, input.transactionVersion)
      if (check.kind !== 'accepted') return this.#answerUnwritten(check, resolve)
    }
    const logAppendTimeMs = state.config.messageTimestampType === 'LogAppendTime' ? state.clock.now() : -1
    if (changesTimestamps(state.config, input, maxTimestamp)) this.#correctTimestamp(input, at, maxTimestamp, logAppendTimeMs)
    const bytes = input.length
    const baseOffset = state.nextOffset
    const lastOffset = baseOffset + batch.lastOffsetDelta(buffer, at)
    const timestamp = batch.maxTimestamp(buffer, at)
    const records = batch.recordCount(buffer, at)
    const segment = this.#segmentFor(bytes, lastOffset, timestamp)
    let undo: Undo | undefined
    const ends = marker && this.#endOf(marker, baseOffset)
    if (producer) undo = state.producers.append(producer, baseOffset, lastOffset, timestamp)
    else if (marker) undo = state.producers.end(marker, timestamp)
    const pending = {
      segment,
      bytes,
      end: 0,
      baseOffset,
      lastOffset,
      records,
      maxTimestamp: timestamp,
      logAppendTimeMs,
      undo,
      ends,
      resolve
    }
    // One that has waited, for a move or a truncation, may be of the epoch before: what is written here is of this one.
    this.#send(input.frame, input.offset, Math.max(input.leaderEpoch, state.epochs.latest), pending)
  }

  /** A leader's batches, which carry their offsets: any number, rising, from `nextOffset` on. */
  #assignReplicated(input: AppendInput, resolve: Resolve): void {
    const state = this.#state
    const { buffer, start } = input.frame
    const end = start + input.offset + input.length
    const sizes = followingBatches(buffer, start + input.offset, end, state.nextOffset)
    if (sizes === undefined) {
      return resolve(failedAppend(ErrorCode.CORRUPT_MESSAGE, 'the batches of the leader do not follow what is here', state.logStartOffset))
    }
    let offset = input.offset
    for (const [index, size] of sizes.entries()) {
      const at = start + offset
      const marker = readEndMarker(buffer, at)
      const producer = marker === undefined ? readProducer(buffer, at) : undefined
      const baseOffset = batch.baseOffset(buffer, at)
      const lastOffset = batch.lastOffset(buffer, at)
      const maxTimestamp = batch.maxTimestamp(buffer, at)
      const records = batch.recordCount(buffer, at)
      const segment = this.#segmentFor(size, lastOffset, maxTimestamp)
      let undo: Undo | undefined
      const ends = marker && this.#endOf(marker, baseOffset)
      if (producer) undo = state.producers.append(producer, baseOffset, lastOffset, maxTimestamp)
      else if (marker) undo = state.producers.end(marker, maxTimestamp)
      const done = index === sizes.length - 1 ? resolve : () => undefined
      const pending = {
        segment,
        bytes: size,
        end: 0,
        baseOffset,
        lastOffset,
        records,
        maxTimestamp,
        logAppendTimeMs: -1,
        undo,
        ends,
        resolve: done
      }
      this.#send(input.frame, offset, batch.partitionLeaderEpoch(buffer, at), pending)
      offset += size
    }
  }

  #endOf(marker: EndMarker, offset: number): TransactionEnd {
    return { producerId: marker.producerId, aborted: this.#state.producers.aborts(marker, offset) }
  }

  // LogAppendTime overwrites what the producer said; CreateTime only corrects a largest timestamp that its records contradict.
  #correctTimestamp(input: AppendInput, at: number, maxTimestamp: number, logAppendTimeMs: number): void {
    const { buffer } = input.frame
    if (logAppendTimeMs >= 0) batch.setLogAppendTime(buffer, at, logAppendTimeMs)
    else batch.writeInt64(buffer, maxTimestamp, at + batch.At.maxTimestamp)
    this.#state.runtime.native.restampCrc(input.frame.id, input.offset, input.length)
  }

  // Before its producer's state is changed: the snapshot of a roll tells of what lies before the new segment, not of the batch that begins it.
  // If that batch were lost, its retry would else be taken for written.
  #segmentFor(bytes: number, lastOffset: number, maxTimestamp: number): LogSegment {
    if (this.rollsFor(bytes, lastOffset, maxTimestamp)) this.#roll()
    return this.#state.segments.active
  }

  #send(frame: Frame, offset: number, leaderEpoch: number, pending: PendingBatch): void {
    const state = this.#state
    const { segment, bytes, baseOffset, lastOffset, maxTimestamp } = pending
    if (leaderEpoch > state.epochs.latest) state.epochs.assign(leaderEpoch, baseOffset)
    if (state.epochsChanged) state.saveEpochsSoon()
    segment.assign(bytes, maxTimestamp)
    state.nextOffset = lastOffset + 1
    this.#pending.push(pending)
    this.#jobs++
    const durable = segment.followsDurable && state.config.flushMessages <= 1 && bytes <= ONE_HOP_BYTES
    segment.native.append(state.strand, frame, offset, bytes, baseOffset, leaderEpoch, this.#onAppended, durable)
  }

  // Not written: refused, or a retry of what is written or on its way.
  #answerUnwritten(check: SequenceCheck, resolve: Resolve): void {
    const { logStartOffset, endOffset } = this.#state
    if (check.kind === 'refused') return resolve(failedAppend(check.errorCode, check.message, logStartOffset))
    assert(check.kind === 'duplicate')
    const { lastOffset, offsetDelta, timestamp } = check.of
    if (lastOffset < endOffset) {
      return resolve({
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        baseOffset: lastOffset - offsetDelta,
        lastOffset,
        logAppendTimeMs: timestamp,
        logStartOffset
      })
    }
    const original =
      this.#pending.find((one) => one.lastOffset === lastOffset) ?? this.#unpublished.find((one) => one.lastOffset === lastOffset)
    assert(original, 'a batch beyond the end is on its way')
    const retries = (original.retries ??= [])
    retries.push(resolve)
  }

  readonly #onAppended = (status: number, _end: number, durable: number): void => {
    this.#jobs--
    const pending = this.#pending.shift()
    assert(pending, 'an append completed that nobody waits for')
    if (status >= 0) pending.end = pending.segment.writtenBytes += pending.bytes
    // Also what was written: behind a flush that failed the strand goes on.
    if (status < 0 || this.#failure !== undefined) this.#failed(pending, status < 0 ? errnoName(status) : CANCELED)
    else if (durable < 0) this.#notFlushed(pending, durable)
    else this.#written(pending, durable)
    this.#afterJob()
  }

  #notFlushed(pending: PendingBatch, status: number): void {
    this.#flusher.appendFailed(new StorageError(errnoName(status), pending.segment.path))
    this.#failed(pending, 'EIO')
  }

  #written(pending: PendingBatch, durable: number): void {
    const state = this.#state
    if (durable > 0) pending.segment.noteSynced(durable)
    // Before its end is visible: who reads committed records must learn of the abort with them. And before the flush that takes the end in.
    if (pending.ends?.aborted) pending.segment.transactions.append(pending.ends.aborted)
    state.writtenOffset = pending.lastOffset + 1
    if (this.#publishing !== undefined) this.#publishFlushed(pending)
    else if (durable > 0) this.#publishDurable(pending)
    else if (state.config.flushMessages >= Number.MAX_SAFE_INTEGER) this.#publish(pending)
    else this.#publishFlushed(pending)
  }

  #publishDurable(pending: PendingBatch): void {
    this.#recordsSinceFlush = 0
    this.#publish(pending)
    this.#flusher.keepRecoveryShort()
  }

  #publish(pending: PendingBatch): void {
    const state = this.#state
    const { segment, baseOffset, lastOffset, logAppendTimeMs } = pending
    segment.size += pending.bytes
    state.appendedBytes += pending.bytes
    segment.noteTimestamp(pending.maxTimestamp, lastOffset)
    state.endOffset = lastOffset + 1
    if (pending.ends) state.producers.ended(pending.ends.producerId, baseOffset, state.highWatermark)
    const { logStartOffset } = state
    const result = { errorCode: ErrorCode.NONE, errorMessage: null, baseOffset, lastOffset, logAppendTimeMs, logStartOffset }
    pending.resolve(result)
    if (pending.retries) for (const resolve of pending.retries) resolve(result)
    this.#moved()
    this.#bytesSinceFlush += pending.bytes
    const limit = state.environment.backgroundFlushBytes()
    if (limit > 0 && this.#bytesSinceFlush >= limit) {
      this.#bytesSinceFlush = 0
      this.#flusher.flushInBackground()
    }
  }

  // flush.messages: nobody sees a record that makes the flush due before it is on the disk. All that is written meanwhile shares the next one.
  #publishFlushed(pending: PendingBatch): void {
    this.#unpublished.push(pending)
    this.#publishing ??= this.#publishInTurn()
  }

  async #publishInTurn(): Promise<void> {
    // What completes in one turn goes together. And what comes when this is over must begin it anew: it ends where it finds nothing more, not later.
    await Promise.resolve()
    while (this.#unpublished.length > 0) await this.#publishAll()
    this.#publishing = undefined
    this.#afterJob()
  }

  async #publishAll(): Promise<void> {
    while (this.#unpublished.length > 0) {
      const batches = this.#unpublished
      for (const one of batches) this.#recordsSinceFlush += one.records
      if (this.#recordsSinceFlush >= this.#state.config.flushMessages) {
        this.#recordsSinceFlush = 0
        let count = batches.length
        try {
          await this.#flusher.flushRecords()
        } catch {
          for (const one of this.#unpublished.splice(0)) this.#failed(one, 'EIO')
          return
        }
        batches[count - 1]!.segment.followsDurable = true
        // What was written before the disk began is on it as well.
        while (count < batches.length && batches[count]!.end <= batches[count]!.segment.syncedBytes) count++
        for (const one of this.#unpublished.splice(0, count)) this.#publish(one)
      } else {
        for (const one of this.#unpublished.splice(0)) this.#publish(one)
      }
    }
  }

  // The first error is the cause. A seal tells its own a moment later than what was cancelled behind it.
  #noteFailure(code: string): void {
    if (this.#failure === undefined || this.#failure === CANCELED) this.#failure = code
  }

  #failed(pending: PendingBatch, code: string): void {
    this.#noteFailure(code)
    if (pending.undo) this.#undo.push(pending.undo)
    const result = storageFailure(`the batch could not be written: ${this.#failure}`, this.#state.logStartOffset)
    pending.resolve(result)
    if (pending.retries) for (const resolve of pending.retries) resolve(result)
  }

  #afterJob(): void {
    if (this.#failure === undefined) return this.#becameIdle()
    if (this.#jobs > 0 || this.#publishing !== undefined || this.#repairing) return
    this.#repairing = true
    void this.#repair(this.#failure)
  }

  async #repair(code: string): Promise<void> {
    await cutBack(this.#state, this.#undo.splice(0), code)
    this.#failure = undefined
    this.#repairing = false
    this.#intake.pump()
  }

  #roll(): void {
    const state = this.#state
    const old = state.segments.active
    const base = state.nextOffset
    const snapshot = encodeSnapshot(state.producers.values())
    if (!old.sealed) this.#seal(old, base, snapshot)
    state.makeSegment(base, -1)
  }

  #seal(segment: LogSegment, nextBase: number, snapshot: Buffer): void {
    const state = this.#state
    segment.sealed = true
    this.#jobs++
    segment.native.seal(state.strand, segment.largestTimestamp, segment.offsetOfLargestTimestamp).then(
      () => {
        this.#jobs--
        // The time index has one entry more, though all of the log may be flushed already.
        segment.indexesChanged()
        if (this.#failure === undefined && !state.offline) {
          state.snapshotsWritten = state.snapshotsWritten.then(() => writeSnapshot(state, nextBase, snapshot))
          this.#flusher.flushInBackground()
        }
        this.#afterJob()
      },
      (error: unknown) => {
        this.#jobs--
        segment.sealed = false
        assert(error instanceof StorageError, String(error))
        this.#noteFailure(error.code)
        this.#afterJob()
      }
    )
  }
}
