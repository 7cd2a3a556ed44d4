/**
 * A fetch that waits for data (long poll): completes when enough bytes can be read, when any partition of it changes its state, or when
 * its time is over.
 */
import type { Clock, Timer } from '../clock.js'
import type { Partition, PartitionWatcher } from '../replication/partition.js'
import type { Log } from '../storage/log.js'
import type { WokenFetch, WokenFetches } from './woken-fetches.js'

export interface WaitedPartition {
  readonly partition: Partition
  readonly fetchOffset: number
  readonly maxBytes: number
  /** Reads below the last stable offset only. */
  readonly committed: boolean
  /** The partition's log when the wait began, its `appendedBytes`, and the bytes that could be read then. */
  readonly log: Log
  readonly appendedBytes: number
  readonly startBytes: number
}

export interface DelayedFetchOptions {
  readonly clock: Clock
  readonly woken: WokenFetches
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly partitions: readonly WaitedPartition[]
  /** Called once. */
  readonly complete: () => void
}

export class DelayedFetch implements PartitionWatcher, WokenFetch {
  readonly #options: DelayedFetchOptions
  readonly #timer: Timer
  #done = false
  #woken = false

  constructor(options: DelayedFetchOptions) {
    this.#options = options
    this.#timer = options.clock.schedule(options.maxWaitMs, () => this.complete())
    for (const { partition } of options.partitions) partition.watch(this)
  }

  partitionMoved(): void {
    if (this.#woken) return
    this.#woken = true
    this.#options.woken.add(this)
  }

  serve(): void {
    this.#woken = false
    if (!this.#done && this.#enough()) this.complete()
  }

  /** Ends the wait, whatever there is. */
  complete(): void {
    if (this.#done) return
    this.#done = true
    this.#timer.cancel()
    for (const { partition } of this.#options.partitions) partition.unwatch(this)
    this.#options.complete()
  }

  // Bytes are estimated by what was appended to the log since the wait began: exact for a reader at the end, and never too few for one behind it.
  #enough(): boolean {
    let bytes = 0
    for (const waited of this.#options.partitions) {
      const { log } = waited.partition
      const end = waited.committed ? log.lastStableOffset : log.endOffset
      // Moved to another directory: the counts are another log's.
      if (log !== waited.log) return true
      if (waited.partition.retired || waited.fetchOffset > end || waited.fetchOffset < log.logStartOffset) return true
      if (end > waited.fetchOffset) bytes += Math.min(waited.maxBytes, waited.startBytes + log.appendedBytes - waited.appendedBytes)
      if (bytes >= this.#options.minBytes) return true
    }
    return false
  }
}
