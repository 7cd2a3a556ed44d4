/** Making a log durable, and its recovery point with it. */
import path from 'node:path'
import type { StorageError } from '../errors.js'
import { hasNoDescriptor, withDescriptor } from './descriptors.js'
import { isPassing, removeFile, storageError, syncFolder } from './files.js'
import type { LogSegment } from './log-segment.js'
import type { LogState } from './log-state.js'
import { offsetName, SNAPSHOT_SUFFIX } from './names.js'
import { encodeSnapshot } from './producer-snapshot.js'
import { writeSnapshot } from './segment-files.js'

/** Appended bytes from one producer snapshot of a flush to the next. */
const SNAPSHOT_BYTES = 32 * 1024 * 1024
/** So much may be on the disk above the recovery point before a flush of records takes it along. */
const RECOVERED_BYTES = 16 * 1024 * 1024

export class LogFlusher {
  readonly #state: LogState
  #running: Promise<void> | undefined
  #waiting: Promise<void> | undefined
  /** What waits wants more than records. */
  #waitingForAll = false
  #snapshotAtBytes = 0
  /** The offset of the last snapshot that was written here; -2: none. */
  #ownSnapshot = -2
  /** Of the log's clock: the last time that nothing was left to flush, or a flush began. */
  #lastFlushMs: number

  constructor(state: LogState) {
    this.#state = state
    this.#lastFlushMs = state.clock.now()
  }

  /** Written bytes that are not known to be on the disk. */
  get unflushedBytes(): number {
    const segments = this.#state.segments
    let bytes = 0
    for (let index = segments.count - 1; index >= 0; index--) {
      const segment = segments.at(index)!
      if (segment.sealed && segment.durableBytes >= segment.size) break
      bytes += segment.size - Math.min(segment.durableBytes, segment.size)
    }
    return bytes
  }

  /** Resolves when all that was written at the time of the call is on the disk. Rejects with the StorageError that put the folder offline. */
  flush(): Promise<void> {
    return this.#inTurn(true)
  }

  /**
   * As flush, for whoever waits for records alone: one fdatasync, where each index would take its own. The recovery point stays where it is: from there
   * on a start reads the records and makes the indexes anew.
   */
  flushRecords(): Promise<void> {
    // What is written already can't be taken back: who waits for it waits a little longer.
    return withDescriptor(
      () => this.#inTurn(this.unflushedBytes >= RECOVERED_BYTES),
      () => !this.#state.offline
    )
  }

  /** The disk failed under an append that was to be durable. */
  appendFailed(error: StorageError): void {
    this.#fail(error)
  }

  /** As flushRecords takes along what it finds, for appends that are durable without it. */
  keepRecoveryShort(): void {
    if (this.#running === undefined && this.unflushedBytes >= RECOVERED_BYTES) this.flushInBackground()
  }

  /** As flush, for whoever does not wait: a failure has put the folder offline. */
  flushInBackground(): void {
    if (this.#waiting === undefined) this.flush().catch(() => undefined)
    else this.#waitingForAll = true
  }

  /** Flushes when `flush.ms` has passed since the last time and there is something to flush. */
  flushIfDue(nowMs: number): void {
    const { config, offline } = this.#state
    if (!offline && nowMs - this.#lastFlushMs >= config.flushMs && this.unflushedBytes > 0) this.flushInBackground()
  }

  #inTurn(all: boolean): Promise<void> {
    // Not beside the one that waits for its turn: what the first has begun to sync, the second would take for done.
    if (this.#running === undefined && this.#waiting === undefined) return (this.#running = this.#flush(all))
    this.#waitingForAll ||= all
    // One is under way and may have passed what this caller wrote: it needs the next one, which all who come meanwhile share.
    return (this.#waiting ??= this.#next())
  }

  async #next(): Promise<void> {
    let failure: unknown
    try {
      await this.#running
    } catch (error) {
      // Else it had no free descriptor, and never got to the disk.
      if (this.#state.offline) failure = error
    }
    const all = this.#waitingForAll
    this.#waiting = undefined
    this.#waitingForAll = false
    if (failure !== undefined) throw failure
    await (this.#running = this.#flush(all))
  }

  async #flush(all: boolean): Promise<void> {
    try {
      while (!(await this.#attempt(all)));
    } finally {
      this.#running = undefined
    }
  }

  /** Resolves when the flushes that were asked for are done, whether they worked or not. */
  async whenIdle(): Promise<void> {
    await (this.#waiting ?? this.#running)?.catch(() => undefined)
  }

  /** False: the folder got another name meanwhile, under which it is to be done again. */
  async #attempt(all: boolean): Promise<boolean> {
    const state = this.#state
    await state.whenNamed()
    const { renames } = state
    try {
      await (all ? this.#flushAll() : this.#flushRecordsOnly())
      return true
    } catch (error) {
      const failure = storageError(error, state.folder)
      if (failure.code === 'ENOENT' && renames !== state.renames && !state.offline) return false
      this.#fail(failure)
      throw failure
    }
  }

  async #flushRecordsOnly(): Promise<void> {
    const state = this.#state
    const { cuts } = state
    const segments = state.segments.all().filter(({ writtenBytes, syncedBytes }) => writtenBytes > syncedBytes)
    if (segments.some((segment) => !segment.inFolder)) await this.#flushFolder(segments)
    for (const segment of segments) {
      await this.#unlessDeleted(segment, async () => {
        const synced = await segment.native.flush({ indexes: false })
        if (state.isUncutSince(cuts)) segment.noteSynced(synced)
      })
    }
  }

  async #flushAll(): Promise<void> {
    const state = this.#state
    this.#lastFlushMs = state.clock.now()
    const upTo = Math.max(state.endOffset, state.writtenOffset)
    const { cuts } = state
    const snapshot = this.#nextSnapshot()
    // Above the recovery point the epochs are found again from the batches; below it only their file knows them.
    if (!state.epochsSaved) await state.saveEpochs()
    const { epochsSaved } = state
    let indexed = true
    for (const segment of this.#unflushed()) if (!(await this.#writeTransactions(segment))) indexed = false
    const segments = this.#unflushed()
    if (state.folderChanged || segments.some((segment) => !segment.inFolder)) await this.#flushFolder(segments)
    for (const segment of segments) await this.#flushSegment(segment)
    const isUncut = state.isUncutSince(cuts)
    if (snapshot !== undefined && isUncut) this.#saveSnapshot(snapshot)
    if (upTo > state.recoveryPoint && indexed && epochsSaved && isUncut) {
      state.recoveryPoint = upTo
      state.environment.recoveryPointMoved()
    }
  }

  // False: the disk has no room for the index. The log holds all that it says: it can be flushed, but a start must look at it once more.
  async #writeTransactions(segment: LogSegment): Promise<boolean> {
    try {
      if (await segment.transactions.write()) this.#state.folderChanged = true
      return true
    } catch (error) {
      const failure = storageError(error, segment.path)
      if (!isPassing(failure.code)) throw failure
      this.#state.environment.warn('a transaction index could not be written; it is tried again', failure)
      return false
    }
  }

  // A start after a crash looks at all batches behind the newest snapshot: with one from now and then, these are few more than what was not flushed.
  #nextSnapshot(): { offset: number; bytes: Buffer } | undefined {
    const state = this.#state
    if (state.appendedBytes - this.#snapshotAtBytes < SNAPSHOT_BYTES) return undefined
    this.#snapshotAtBytes = state.appendedBytes
    return { offset: state.nextOffset, bytes: encodeSnapshot(state.producers.values()) }
  }

  // It tells of batches that were on their way when it was taken: it is of use only once they are written.
  #saveSnapshot({ offset, bytes }: { offset: number; bytes: Buffer }): void {
    const state = this.#state
    if (offset > Math.max(state.endOffset, state.writtenOffset) || state.offline) return
    state.snapshotsWritten = state.snapshotsWritten.then(async () => {
      const before = state.snapshotOffset
      if (offset <= before) return
      await writeSnapshot(state, offset, bytes)
      if (state.snapshotOffset !== offset) return
      if (this.#ownSnapshot === before && !state.segments.all().some((segment) => segment.baseOffset === before)) {
        await removeFile(path.join(state.folder, offsetName(before) + SNAPSHOT_SUFFIX)).catch(() => undefined)
      }
      this.#ownSnapshot = offset
    })
  }

  // `segments` have bytes: their files were made before this began. One that is just being made gets its turn with its first bytes.
  async #flushFolder(segments: readonly LogSegment[]): Promise<void> {
    const state = this.#state
    state.folderChanged = false
    try {
      await syncFolder(state.folder)
      for (const segment of segments) segment.inFolder = true
    } catch (error) {
      state.folderChanged = true
      throw error
    }
  }

  /** Something is not known to be on the disk. */
  get isBehind(): boolean {
    return this.#unflushed().length > 0
  }

  #unflushed(): LogSegment[] {
    return this.#state.segments.all().filter((segment) => segment.writtenBytes > segment.durableBytes || segment.transactions.dirty)
  }

  // A segment may be deleted, or cut, while the disk is at work: then it no longer matters, or its new end does.
  async #flushSegment(segment: LogSegment): Promise<void> {
    const { cuts } = this.#state
    const { indexChanges } = segment
    await this.#unlessDeleted(segment, async () => {
      const durable = await segment.native.flush()
      await segment.transactions.sync()
      if (!this.#state.isUncutSince(cuts)) return
      segment.noteSynced(durable)
      if (durable > segment.durableBytes && segment.indexChanges === indexChanges) segment.durableBytes = durable
      if (segment.sealed && segment.size === segment.assignedBytes) segment.transactions.release()
    })
  }

  async #unlessDeleted(segment: LogSegment, work: () => Promise<void>): Promise<void> {
    const { segments } = this.#state
    try {
      if (segments.has(segment)) await work()
    } catch (error) {
      if (segments.has(segment)) throw error
    }
  }

  // A failed fsync may have dropped the pages: a second one would lie. So the folder goes, whatever the reason was.
  // But without a free descriptor nothing was asked of the disk: what waits for this flush fails, and the next one tries again.
  #fail(error: StorageError): void {
    if (error.code !== 'ECANCELED' && !hasNoDescriptor(error)) this.#state.fail(error)
  }
}
