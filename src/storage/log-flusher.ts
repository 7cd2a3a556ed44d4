/** Making a log durable, and its recovery point with it. */
import type { StorageError } from '../errors.js'
import { isPassing, storageError, syncFolder } from './files.js'
import type { LogSegment } from './log-segment.js'
import type { LogState } from './log-state.js'

/**
 * So much of a segment may be on the disk without its indexes: each of them would cost an append its own fdatasync. A recovery that finds them to end
 * before the recovery point makes them anew from there on.
 */
const UNINDEXED_BYTES = 16 * 1024 * 1024

export class LogFlusher {
  readonly #state: LogState
  #running: Promise<void> | undefined
  #waiting: Promise<void> | undefined
  /** What waits is not only about records. */
  #waitingForAll = false
  /** Of the log's clock: the last time that nothing was left to flush, or a flush began. */
  lastFlushMs: number

  constructor(state: LogState) {
    this.#state = state
    this.lastFlushMs = state.clock.now()
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

  /** As flush, for whoever waits for records alone: the indexes of the last segment may follow later. */
  flushRecords(): Promise<void> {
    return this.#inTurn(false)
  }

  // Of other segments a recovery looks at nothing, and the entry of an abort is found nowhere else.
  #needsAll(): boolean {
    const { segments } = this.#state
    if (segments.all().some((one) => one.transactions.dirty || (one !== segments.active && one.writtenBytes > one.durableBytes)))
      return true
    return this.unflushedBytes >= UNINDEXED_BYTES
  }

  /** As flush, for whoever does not wait: a failure has put the folder offline. */
  flushInBackground(): void {
    if (this.#waiting === undefined) this.flush().catch(() => undefined)
    else this.#waitingForAll = true
  }

  #inTurn(all: boolean): Promise<void> {
    // Not beside the one that waits for its turn: what the first has begun to sync, the second would take for done.
    if (this.#running === undefined && this.#waiting === undefined) return (this.#running = this.#flush(all))
    // One is under way and may have passed what this caller wrote: it needs the next one, which all who come meanwhile share.
    this.#waitingForAll ||= all
    return (this.#waiting ??= this.#running!.then(() => {
      const waitedForAll = this.#waitingForAll
      this.#waiting = undefined
      this.#waitingForAll = false
      return (this.#running = this.#flush(waitedForAll))
    }))
  }

  async #flush(wanted: boolean): Promise<void> {
    const state = this.#state
    const all = wanted || this.#needsAll()
    this.lastFlushMs = state.clock.now()
    const upTo = Math.max(state.endOffset, state.writtenOffset)
    const { cuts } = state
    let syncing = false
    try {
      if (all) for (const segment of this.#unflushed(true)) if (await segment.transactions.write()) state.folderChanged = true
      syncing = true
      const segments = this.#unflushed(all)
      if (state.folderChanged || segments.some((segment) => !segment.inFolder)) await this.#flushFolder(segments)
      for (const segment of segments) await this.#flushSegment(segment, all)
      // Above the recovery point the epochs are found again from the batches; below it only their file knows them.
      if (!state.epochsSaved) await state.saveEpochs()
      if (upTo > state.recoveryPoint && state.epochsSaved && cuts === state.cuts && !state.cutting) {
        state.recoveryPoint = upTo
        state.environment.recoveryPointMoved()
      }
    } catch (error) {
      const failure = storageError(error, state.folder)
      // Room for a transaction index may come; what failed in a sync is lost.
      if (syncing || !isPassing(failure.code)) this.#fail(failure)
      throw failure
    } finally {
      this.#running = undefined
    }
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

  #unflushed(all: boolean): LogSegment[] {
    const segments = this.#state.segments.all()
    if (!all) return segments.filter(({ writtenBytes, syncedBytes }) => writtenBytes > syncedBytes)
    return segments.filter((segment) => segment.writtenBytes > segment.durableBytes || segment.transactions.dirty)
  }

  // A segment may be deleted, or cut, while the disk is at work: then it no longer matters, or its new end does.
  async #flushSegment(segment: LogSegment, all: boolean): Promise<void> {
    const { segments, cuts } = this.#state
    const { indexChanges } = segment
    try {
      if (!segments.has(segment)) return
      const durable = await segment.native.flush({ indexes: all })
      if (all) await segment.transactions.sync()
      if (cuts !== this.#state.cuts || this.#state.cutting) return
      segment.syncedBytes = Math.max(segment.syncedBytes, durable)
      if (!all) return
      if (durable > segment.durableBytes && segment.indexChanges === indexChanges) segment.durableBytes = durable
      if (segment.sealed && segment.size === segment.assignedBytes) segment.transactions.release()
    } catch (error) {
      if (segments.has(segment)) throw error
    }
  }

  // A failed fsync may have dropped the pages: a second one would lie. So the folder goes, whatever the reason was.
  // But without a free descriptor nothing was asked of the disk: what waits for this flush fails, and the next one tries again.
  #fail(error: StorageError): void {
    if (!BEFORE_THE_DISK.has(error.code)) this.#state.fail(error)
  }
}

const BEFORE_THE_DISK = new Set(['ECANCELED', 'EMFILE', 'ENFILE'])
