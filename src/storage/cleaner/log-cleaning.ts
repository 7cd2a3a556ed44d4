/** Compaction of one log: whether it is due, one at a time, and stopping it. */
import type { Timer } from '../../clock.js'
import { StorageError } from '../../errors.js'
import * as batch from '../../record/batch.js'
import { isPassing } from '../files.js'
import type { LogFlusher } from '../log-flusher.js'
import type { LogSegment } from '../log-segment.js'
import type { LogState } from '../log-state.js'
import { CleaningAborted, cleanLog, type CleanOptions, type CleanResult } from './clean-log.js'
import { cleanRange, compactionDelayMs, dirtySegments, dirtyStart, isDue, type CleanRange, type DirtyStart } from './policy.js'
import { WaitsForRoom } from './replace.js'

export type { CleanOptions, CleanResult } from './clean-log.js'
export { CleaningAborted } from './clean-log.js'

export interface CleanNeed {
  readonly start: DirtyStart
  readonly range: CleanRange
  readonly due: boolean
}

/** From one attempt to the next at giving the last names, where the folder has no room for them. */
const ROOM_MS = 1000

export class LogCleaning {
  readonly #state: LogState
  readonly #flusher: LogFlusher
  readonly #beforeStart: () => Promise<unknown>
  #running: Promise<unknown> | undefined
  /** Of the compaction that is running. */
  #stop: AbortController | undefined
  #paused = 0
  /** Until its segments are in their place nothing else may take segments away. */
  #waiting: WaitsForRoom | undefined
  #finishing: Promise<boolean> | undefined
  #retry: Timer | undefined
  #closed = false

  /** `beforeStart`: waits for what else takes segments away. */
  constructor(state: LogState, flusher: LogFlusher, beforeStart: () => Promise<unknown>) {
    this.#state = state
    this.#flusher = flusher
    this.#beforeStart = beforeStart
  }

  /** It is being compacted, or what that has made waits for room. */
  get running(): boolean {
    return this.#running !== undefined || this.#waiting !== undefined
  }

  /** What there is to compact. `checkpoint`: up to where it was done before; undefined: never. Rejects with a StorageError. */
  async need(checkpoint: number | undefined): Promise<CleanNeed> {
    const state = this.#state
    const { config } = state
    await this.#finish().catch(() => undefined)
    const nowMs = state.clock.now()
    const facts = this.#facts()
    const start = dirtyStart(facts, checkpoint)
    if (this.#waiting !== undefined) {
      // How old they are, files without their names do not tell.
      const range = cleanRange(facts, start.offset, config.minCompactionLagMs > 0 ? start.offset : undefined)
      return { start, range, due: false }
    }
    const dirty = dirtySegments(state.segments.snapshot(), start.offset)
    let youngFrom: number | undefined
    if (config.minCompactionLagMs > 0) {
      for (const segment of dirty) {
        if (segment.size === 0 || (await segment.retentionTimestamp()) <= nowMs - config.minCompactionLagMs) continue
        youngFrom = segment.baseOffset
        break
      }
    }
    let delayMs = 0
    if (config.maxCompactionLagMs < Number.MAX_SAFE_INTEGER) {
      const first: number[] = []
      for (const segment of dirty) first.push(await firstTimestamp(state, segment))
      delayMs = compactionDelayMs(first, config.maxCompactionLagMs, nowMs)
    }
    // Asked anew: the disk may have been waited for, and the log go on meanwhile.
    const range = cleanRange(this.#facts(), start.offset, youngFrom)
    return { start, range, due: isDue(range, config.minCleanableDirtyRatio, delayMs) }
  }

  #facts() {
    const { segments, logStartOffset, endOffset, producers } = this.#state
    const lastStableOffset = Math.min(endOffset, producers.firstUnstableOffset ?? endOffset)
    return { segments: segments.snapshot(), logStartOffset, endOffset, lastStableOffset }
  }

  /** Undefined: not now, or it was stopped. Rejects with a StorageError; EBADMSG: a batch is broken, nothing was changed there. */
  async clean(range: CleanRange, options: CleanOptions): Promise<CleanResult | undefined> {
    if (this.#running !== undefined || this.#paused > 0 || this.#state.offline) return undefined
    const stop = (this.#stop = new AbortController())
    const work = this.#clean(range, options, stop.signal)
    this.#running = work
    try {
      return await work
    } catch (error) {
      if (error instanceof CleaningAborted) return undefined
      if (error instanceof WaitsForRoom && error !== this.#waiting) {
        this.#waiting = error
        this.#retryLater()
      }
      this.#failed(error)
      throw error
    } finally {
      this.#running = undefined
      this.#stop = undefined
    }
  }

  /**
   * Stops a compaction and keeps the next from beginning while `work` runs. Rejects as that does, and with the StorageError of a full disk where segments
   * wait for their names, without which nothing can be taken away from them.
   */
  async paused<T>(work: () => Promise<T>): Promise<T> {
    this.#paused++
    try {
      await this.abort()
      await this.#finish()
      return await work()
    } finally {
      this.#paused--
    }
  }

  /** Stops it for good. Segments for whose names there is no room get them at the next start. */
  async close(): Promise<void> {
    this.#paused++
    await this.abort()
    await this.#finish().catch(() => undefined)
    this.#closed = true
    this.#retry?.cancel()
    if (this.#waiting !== undefined) this.#waiting.swap.drop()
  }

  /** Stops the compaction that is running. */
  async abort(): Promise<void> {
    this.#stop?.abort()
    await this.#running?.catch(() => undefined)
    await this.#finishing?.catch(() => undefined)
  }

  /** Rejects with WaitsForRoom as long as there is none. */
  async #finish(): Promise<void> {
    const waiting = this.#waiting
    if (waiting === undefined || this.#state.offline) return
    this.#finishing ??= this.#state.underName(() => this.#goOn(waiting)).finally(() => (this.#finishing = undefined))
    if (!(await this.#finishing)) throw waiting
  }

  async #goOn(waiting: WaitsForRoom): Promise<boolean> {
    if (this.#state.offline || this.#closed) return false
    if ((await waiting.swap.goOn()) !== undefined) return false
    this.#waiting = undefined
    return true
  }

  #retryLater(): void {
    this.#retry = this.#state.clock.schedule(ROOM_MS, () => {
      this.#finish().catch(() => {
        if (this.#waiting !== undefined && !this.#closed && !this.#state.offline) this.#retryLater()
      })
    })
  }

  async #clean(range: CleanRange, options: CleanOptions, signal: AbortSignal): Promise<CleanResult> {
    const state = this.#state
    await this.#finish()
    await this.#beforeStart()
    // Behind what was sealed before: no seal may come to a segment that is being replaced. And the active segment, which its first write would create, is
    // a file from here on: its name, flushed with the first names of the swap, tells where the log ends, whatever is left in front of it.
    await state.segments.active.native.prepare(state.strand)
    const old = state.segments.snapshot().filter((segment) => segment.baseOffset < range.firstUncleanableOffset)
    // Nothing may be on its way into a transaction index when its file gets another name, nor may a flush look for it. What is sealed beside a flush
    // needs another one.
    const behind = () => old.some((segment) => segment.durableBytes < segment.size || segment.transactions.dirty)
    while (behind() && !signal.aborted && !state.offline) {
      await this.#flusher.flush()
      // Where a flush has found no room for an index, the next one does not either.
      if (old.some(({ transactions }) => transactions.dirty))
        throw new StorageError('ENOSPC', state.folder, 'a transaction index waits for room')
    }
    await this.#flusher.whenIdle()
    if (signal.aborted || state.offline) throw new CleaningAborted()
    return cleanLog(state, range, options, signal)
  }

  #failed(error: unknown): void {
    if (error instanceof StorageError && error.code !== 'EBADMSG' && error.code !== 'ECANCELED' && !isPassing(error.code))
      this.#state.fail(error)
  }
}

// The largest timestamp of the first batch; -1: there is none. Read once.
async function firstTimestamp(state: LogState, segment: LogSegment): Promise<number> {
  if (segment.firstTimestamp === undefined && segment.size > 0) {
    const first = await segment.native.scan(0, 1, 1, 0)
    if (first.frame !== undefined) {
      if (first.count > 0) segment.firstTimestamp = batch.maxTimestamp(first.frame.buffer, first.frame.start + 8)
      state.runtime.release(first.frame)
    }
  }
  return segment.firstTimestamp ?? -1
}
