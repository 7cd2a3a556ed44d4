/**
 * Which leader epoch begins at which offset (KIP-101). Pure: the log writes `entries` to `leader-epoch-checkpoint` when `version` has changed.
 */
import type { EpochStart } from './checkpoints.js'

export const NO_EPOCH = -1
export const NO_EPOCH_OFFSET = -1

/** Where the records of an epoch end; NO_EPOCH and NO_EPOCH_OFFSET: not known. */
export interface EpochEnd {
  readonly epoch: number
  readonly endOffset: number
}

/** Where a log is to be cut; `complete`: from there on it agrees with its leader's. */
export interface EpochCut {
  readonly offset: number
  readonly complete: boolean
}

export class LeaderEpochs {
  #entries: EpochStart[]
  #version = 0

  constructor(entries: readonly EpochStart[] = []) {
    this.#entries = []
    for (const { epoch, startOffset } of entries) this.assign(epoch, startOffset)
    this.#version = 0
  }

  /** Rises with every change. */
  get version(): number {
    return this.#version
  }

  get entries(): readonly EpochStart[] {
    return this.#entries
  }

  /** -1: none. */
  get latest(): number {
    return this.#entries.at(-1)?.epoch ?? NO_EPOCH
  }

  /** `epoch` begins at `startOffset`. Entries that this contradicts (an epoch at least as new, or an offset at least as far) go. */
  assign(epoch: number, startOffset: number): void {
    if (epoch < 0 || startOffset < 0) return
    const last = this.#entries.at(-1)
    if (last !== undefined && last.epoch === epoch && startOffset >= last.startOffset) return
    // Both rise, so that what is contradicted stands at the end.
    const agrees = (entry: EpochStart) => entry.epoch < epoch && entry.startOffset < startOffset
    while (this.#entries.length > 0 && !agrees(this.#entries.at(-1)!)) this.#entries.pop()
    this.#entries.push({ epoch, startOffset })
    this.#version++
  }

  /** A batch at `offset` is of `epoch`, whatever is said here: entries that it contradicts, and those behind it, go. */
  learn(epoch: number, offset: number): void {
    if (epoch < 0 || this.epochAt(offset) === epoch) return
    this.#replace(this.#entries.filter((entry) => entry.epoch <= epoch && entry.startOffset <= offset))
    this.assign(epoch, offset)
  }

  /** The log now ends at `endOffset`. */
  truncateFromEnd(endOffset: number): void {
    this.#replace(this.#entries.filter((entry) => entry.startOffset < endOffset))
  }

  clear(): void {
    this.#replace([])
  }

  /** The log now begins at `startOffset`: the epoch in force there begins there too. */
  truncateFromStart(startOffset: number): void {
    const first = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset)
    if (first < 0 || (first === 0 && this.#entries[0]!.startOffset === startOffset)) return
    this.#replace([{ epoch: this.#entries[first]!.epoch, startOffset }, ...this.#entries.slice(first + 1)])
  }

  /**
   * Where the largest epoch that is not above `epoch` ends, as OffsetForLeaderEpoch answers; (-1, -1): not known here.
   */
  endOffset(epoch: number, logEndOffset: number): EpochEnd {
    if (epoch === NO_EPOCH || this.#entries.length === 0) return { epoch: NO_EPOCH, endOffset: NO_EPOCH_OFFSET }
    if (epoch === this.latest) return { epoch, endOffset: logEndOffset }
    const higher = this.#entries.findIndex((entry) => entry.epoch > epoch)
    if (higher < 0) return { epoch: NO_EPOCH, endOffset: NO_EPOCH_OFFSET }
    const { startOffset } = this.#entries[higher]!
    // Older than all that is known: the answer keeps the asked epoch, so that a follower cuts to where the first known one begins.
    return { epoch: higher === 0 ? epoch : this.#entries[higher - 1]!.epoch, endOffset: startOffset }
  }

  /**
   * Where a follower with these epochs cuts its log, when the leader, asked for the end of an epoch, answered `leader`; `complete`: there the
   * two logs agree, else it asks again for its latest epoch after the cut (KIP-101, KIP-279). `unknown`: what it does when the leader knows nothing.
   */
  truncationOffset(leader: EpochEnd, logEndOffset: number, unknown: number): EpochCut {
    if (leader.endOffset === NO_EPOCH_OFFSET) return { offset: unknown, complete: true }
    const here = leader.epoch === NO_EPOCH ? undefined : this.endOffset(leader.epoch, logEndOffset)
    if (here === undefined || here.endOffset === NO_EPOCH_OFFSET)
      return { offset: Math.min(leader.endOffset, logEndOffset), complete: true }
    if (here.epoch !== leader.epoch) return { offset: Math.min(here.endOffset, logEndOffset), complete: false }
    return { offset: Math.min(here.endOffset, leader.endOffset, logEndOffset), complete: true }
  }

  /** The epoch in force at an offset; -1: not known. */
  epochAt(offset: number): number {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch ?? NO_EPOCH
  }

  #replace(entries: EpochStart[]): void {
    if (entries.length === this.#entries.length && entries.every((entry, index) => entry === this.#entries[index])) return
    this.#entries = entries
    this.#version++
  }
}
