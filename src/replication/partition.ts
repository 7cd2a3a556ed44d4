/**
 * A partition that this broker leads: its log, its leader epoch, and who waits for its high watermark.
 * With one replica the high watermark is the end of what is written.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import type { AppendInput, AppendResult, Log } from '../storage/log.js'

/** Told, on the JavaScript thread, each time more can be read or the log's start moved. */
export interface PartitionWatcher {
  partitionMoved(partition: Partition): void
}

/** The leader epoch of a client that does not care. */
const NOT_GIVEN = -1
export class Partition {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  #log: Log
  #leaderEpoch: number
  #retired = false
  #watchers: Set<PartitionWatcher> | undefined

  constructor(log: Log, topicId: string, leaderEpoch: number) {
    this.topic = log.topic
    this.topicId = topicId
    this.index = log.partition
    this.#log = log
    this.#leaderEpoch = leaderEpoch
    this.#lead(log)
  }

  /** Another one after the partition was moved to another log directory. */
  get log(): Log {
    return this.#log
  }

  /** The partition was moved: `log` has all that the one before has. */
  replaceLog(log: Log): void {
    this.#log.onEndOffset = undefined
    this.#log = log
    this.#lead(log)
    this.#moved()
  }

  #lead(log: Log): void {
    log.becomeLeader(this.#leaderEpoch)
    log.onEndOffset = () => this.#moved()
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch
  }

  /** The topic was deleted. */
  get retired(): boolean {
    return this.#retired
  }

  get highWatermark(): number {
    return this.log.highWatermark
  }

  get lastStableOffset(): number {
    return this.log.lastStableOffset
  }

  append(input: Omit<AppendInput, 'leaderEpoch'>): Promise<AppendResult> {
    return this.log.append({ ...input, leaderEpoch: this.#leaderEpoch })
  }

  /** KIP-320: an older epoch than ours is fenced, a newer one is not known here yet; -1 asks for no check. */
  checkLeaderEpoch(epoch: number): number {
    if (epoch === NOT_GIVEN || epoch === this.#leaderEpoch) return ErrorCode.NONE
    return epoch < this.#leaderEpoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH
  }

  /** A new leader epoch from the metadata log. */
  advanceLeaderEpoch(epoch: number): void {
    if (epoch <= this.#leaderEpoch) return
    this.#leaderEpoch = epoch
    this.log.becomeLeader(epoch)
  }

  watch(watcher: PartitionWatcher): void {
    this.#watchers = (this.#watchers ?? new Set()).add(watcher)
  }

  unwatch(watcher: PartitionWatcher): void {
    this.#watchers?.delete(watcher)
  }

  /** The partition is gone (topic deletion): wakes everyone who waits, so that they learn it. */
  retire(): void {
    this.#retired = true
    this.log.onEndOffset = undefined
    this.#moved()
  }

  #moved(): void {
    if (this.#watchers === undefined) return
    // A watcher may leave while it is told: a Set allows that.
    for (const watcher of this.#watchers) watcher.partitionMoved(this)
  }
}
