/** What takes records away from a log, one after the other: retention and truncation. */
import type { LogCleaning } from './cleaner/log-cleaning.js'
import type { LogState } from './log-state.js'
import type { LogWriter } from './log-writer.js'
import { applyRetention } from './retention.js'

export interface LogRemovalsHost {
  /** The log's start or end may be another. */
  moved(): void
  /** Another log is about to take its place: nothing is to be deleted. */
  isHeld(): boolean
}

export class LogRemovals {
  readonly #state: LogState
  readonly #writer: LogWriter
  readonly #cleaning: LogCleaning
  readonly #host: LogRemovalsHost
  #last: Promise<unknown> = Promise.resolve()

  constructor(state: LogState, writer: LogWriter, cleaning: LogCleaning, host: LogRemovalsHost) {
    this.#state = state
    this.#writer = writer
    this.#cleaning = cleaning
    this.#host = host
  }

  /** Deletes what retention and the log start allow: nothing while the log is compacted. Resolves to the number of segments. Rejects with a StorageError. */
  retain(): Promise<number> {
    // Each decides by the segments that the one before has left.
    const mine = this.settled().then(() => this.#retain())
    this.#last = mine
    return mine
  }

  /** Does it beside neither compaction, nor retention, nor another truncation. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const before = this.settled()
    const mine = this.#cleaning.paused(() => before.then(work)).finally(() => this.#host.moved())
    this.#last = mine
    return mine
  }

  /** Resolves when those that have begun are over. */
  settled(): Promise<unknown> {
    return this.#last.catch(() => undefined)
  }

  /** Compaction ends, too. Never rejects. */
  async close(): Promise<void> {
    await this.#cleaning.close()
    await this.settled()
  }

  async #retain(): Promise<number> {
    const before = this.#state.logStartOffset
    if (this.#state.offline || this.#host.isHeld() || this.#cleaning.running) return 0
    let count: number
    try {
      count = await applyRetention(this.#state, this.#writer)
    } catch (error) {
      this.#state.failUnlessPassing(error)
      throw error
    }
    if (this.#state.logStartOffset !== before) this.#host.moved()
    return count
  }
}
