/**
 * Runs the shards of one coordinator: loads them when this broker becomes the leader of their partition, gives them their operations, and
 * drops them when it no longer is.
 */
import type { Clock } from '../clock.js'
import { ErrorCode } from '../protocol/error-codes.js'
import type { CoordinatorLog, EncodedRecord } from './coordinator-log.js'
import { ShardHost } from './shard-host.js'
import type { Effects, Reply, Shard } from './shard.js'
import type { StandingAnswers } from './standing-answers.js'

/** The few lines of log that coordinators write. */
export interface CoordinatorLogger {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

/** Turns records into bytes and back. `decode` gives undefined for what this coordinator does not know. */
export interface RecordCodec<R> {
  encode(record: R): EncodedRecord
  decode(key: Uint8Array, value: Uint8Array | null): R | undefined
}

export interface RuntimeOptions<S, R> {
  /** The topic, for log lines. */
  readonly topic: string
  readonly clock: Clock
  readonly log: CoordinatorLog
  readonly logger: CoordinatorLogger
  readonly codec: RecordCodec<R>
  readonly newShard: (partition: number) => S
  /** Handles requests that have arrived already; called before a timer is allowed to expire anything. */
  readonly beforeTimers?: () => void
  /** Who is answered without an operation keeps the timer of its session. */
  readonly standing?: StandingAnswers
}

/** Runs on a shard, synchronously. What it throws drops the shard. */
export type Operation<S, R, E, T> = (shard: S, reply: Reply<T>, effects: Effects<R, E>) => void

export class CoordinatorRuntime<S extends Shard<R, E>, R, E> {
  readonly #options: RuntimeOptions<S, R>
  readonly #hosts = new Map<number, ShardHost<S, R, E>>()
  #closed = false

  constructor(options: RuntimeOptions<S, R>) {
    this.#options = options
  }

  /** This broker leads `partition` now: loads its shard. Calling again does nothing. Resolved: loaded, or given up by `resign`. */
  elect(partition: number): Promise<void> {
    if (this.#closed) return Promise.resolve()
    let host = this.#hosts.get(partition)
    if (!host) {
      host = new ShardHost(partition, this.#options)
      this.#hosts.set(partition, host)
      host.load()
    }
    return host.loaded
  }

  /** This broker does not lead `partition` any longer: parked requests get NOT_COORDINATOR. */
  resign(partition: number): void {
    this.#hosts.get(partition)?.close(ErrorCode.NOT_COORDINATOR)
    this.#hosts.delete(partition)
  }

  /** The partitions that this broker coordinates, loaded or not. */
  partitions(): number[] {
    return [...this.#hosts.keys()]
  }

  /**
   * Runs `operation` on the shard of `partition`, at once if it is loaded. The promise is resolved with the operation's answer after all that
   * it depends on is written, or with `failed(code)`: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS or what became of the write.
   */
  run<T>(partition: number, failed: (errorCode: number) => T, operation: Operation<S, R, E, T>): Promise<T> {
    if (this.#closed) return Promise.resolve(failed(ErrorCode.COORDINATOR_NOT_AVAILABLE))
    const host = this.#hosts.get(partition)
    if (!host) return Promise.resolve(failed(ErrorCode.NOT_COORDINATOR))
    return host.run(failed, operation)
  }

  /** The shard of `partition` as it is now, not all of it written: only to be looked at. Undefined while it is not loaded. */
  peek(partition: number): S | undefined {
    return this.#hosts.get(partition)?.shard
  }

  /** Runs `operation` on each shard, on one that is loading when it is loaded; nobody waits for an answer. */
  runOnAll(operation: (shard: S, effects: Effects<R, E>) => void): void {
    for (const host of this.#hosts.values()) host.runWhenLoaded(operation)
  }

  /** Undefined: of the producer's transaction nothing is on its way to the log. Else a promise: wait for it, and ask again. */
  underWay(partition: number, producerId: number): Promise<void> | undefined {
    return this.#hosts.get(partition)?.underWay(producerId)
  }

  /** A marker of a transaction was written to `partition`. Resolved when its shard, if it is here, has heeded it. */
  async endTransaction(partition: number, producerId: number, committed: boolean): Promise<void> {
    await this.#hosts.get(partition)?.endTransaction(producerId, committed)
  }

  /** Resolved when every shard that is loading now is loaded, or given up. */
  async whenLoaded(): Promise<void> {
    await Promise.all([...this.#hosts.values()].map((host) => host.loaded))
  }

  /** Answers all parked requests with COORDINATOR_NOT_AVAILABLE and waits for the writes that are under way. */
  async close(): Promise<void> {
    this.#closed = true
    const hosts = [...this.#hosts.values()]
    this.#hosts.clear()
    for (const host of hosts) host.close(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    await Promise.all(hosts.map((host) => host.settled()))
  }
}
