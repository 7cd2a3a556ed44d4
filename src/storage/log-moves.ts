/**
 * Moving partitions between log directories while they are written (KIP-113). A copy is made in a folder `topic-partition.id-future` of the
 * other directory; when it has everything, appends wait for a moment, the metadata gets the new directory, and the copy takes the place.
 */
import path from 'node:path'
import { sleep, type Clock } from '../clock.js'
import type { BrokerConfig, TopicConfig } from '../config/index.js'
import { StorageError } from '../errors.js'
import type { Logger } from '../log.js'
import type { Runtime } from '../native/runtime.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { isPassing } from './files.js'
import type { FoundPartition } from './find-folders.js'
import type { Log } from './log.js'
import type { LogDir } from './log-dir.js'
import { LogMove } from './log-move.js'
import type { LogEnvironment } from './log-state.js'
import { futureFolder, partitionFolder } from './names.js'
import { TaskQueue } from './task-queue.js'
import { Throttle } from './throttle.js'

/** What moves need of the logs that they move. */
export interface MoveHost {
  readonly dirs: readonly LogDir[]
  readonly runtime: Runtime
  readonly clock: Clock
  readonly log: Logger
  readonly config: BrokerConfig
  readonly topicConfig: (topic: string) => TopicConfig
  environment(dir: LogDir): LogEnvironment
  /** The partition's log and where it is, when it is ready; undefined: there is none that works. Never rejects. */
  whenHeld(topic: string, partition: number): Promise<{ readonly dir: LogDir; readonly log: Log } | undefined>
  /** Writes into the metadata where a partition is. False: it could not. Never rejects. */
  assign(log: Log, dir: LogDir): Promise<boolean>
  /** `log`, which lies in its own folder now, is the partition's log from now on. */
  replaced(log: Log, dir: LogDir): void
  failed(dir: LogDir, error: StorageError): void
  /** Removes a folder that was renamed for deletion, when `log`, which is in it, is closed. */
  removeFolder(folder: string, log?: Log): void
  /** Later, or when the logs are closed. */
  after(delayMs: number, work: () => void): void
}

/** Preferred directories of partitions that do not exist: anybody may name any. */
const MAX_PREFERRED = 10_000
const RETRY_MS = 1000
const REPORT_MS = 60_000

export class LogMoves {
  readonly throttle: Throttle
  readonly #host: MoveHost
  readonly #moves = new Map<string, LogMove>()
  readonly #preferred = new Map<string, LogDir>()
  // By partition: what is asked for one is done in turn.
  readonly #turns = new Map<string, Promise<unknown>>()
  readonly #queue: TaskQueue
  #closed = false

  constructor(host: MoveHost) {
    this.#host = host
    const { config, dirs, clock } = host
    this.throttle = new Throttle(clock, () => config.get('replica.alter.log.dirs.io.max.bytes.per.second'))
    this.#queue = new TaskQueue(Math.max(1, config.get('num.replica.alter.log.dirs.threads') ?? dirs.length))
  }

  /** The log that is to take a partition's place, when it is open. */
  future(topic: string, partition: number): Log | undefined {
    return this.#moves.get(partitionFolder(topic, partition))?.to
  }

  /** Partitions that are being moved: nothing but appends and deletions from the front may change them. */
  isMoving(topic: string, partition: number): boolean {
    return this.#moves.has(partitionFolder(topic, partition))
  }

  /** Why no partition of the name may go into the directory at a path: an ErrorCode, 0 if it may. */
  refusal(topic: string, partition: number, dirPath: string): number {
    if (futureFolder(topic, partition, '0'.repeat(32)) === undefined) return ErrorCode.INVALID_TOPIC_EXCEPTION
    const dir = this.#dirAt(dirPath)
    if (dir === undefined) return ErrorCode.LOG_DIR_NOT_FOUND
    if (!dir.online) return ErrorCode.KAFKA_STORAGE_ERROR
    return this.isCordoned(dir) ? ErrorCode.INVALID_REPLICA_ASSIGNMENT : ErrorCode.NONE
  }

  /** KIP-1066: it gets no new partitions. */
  isCordoned(dir: LogDir): boolean {
    const cordoned = this.#host.config.get('cordoned.log.dirs')
    return cordoned.includes('*') || cordoned.some((each) => path.resolve(each) === dir.path)
  }

  /** Where a partition that does not exist yet is to be created. */
  prefer(topic: string, partition: number, dirPath: string): void {
    const dir = this.#dirAt(dirPath)
    if (dir && this.#preferred.size < MAX_PREFERRED) this.#preferred.set(partitionFolder(topic, partition), dir)
  }

  /** The directory that was preferred, once. */
  takePreferred(key: string): LogDir | undefined {
    const dir = this.#preferred.get(key)
    this.#preferred.delete(key)
    return dir?.online ? dir : undefined
  }

  /**
   * Begins to move a partition that exists to the directory at a path that `refusal` allows; a move elsewhere ends, and none is needed to where
   * the partition is. Resolves to an ErrorCode when that is settled, not when the partition has moved.
   */
  start(topic: string, partition: number, dirPath: string): Promise<number> {
    const key = partitionFolder(topic, partition)
    return this.#inTurn(key, async () => {
      const target = this.#dirAt(dirPath)!
      const running = this.#moves.get(key)
      if (running && running.target !== target) await this.#cancel(key, running)
      const current = await this.#host.whenHeld(topic, partition)
      if (current === undefined || this.#closed) return ErrorCode.KAFKA_STORAGE_ERROR
      if (current.dir === target || this.#moves.has(key)) return ErrorCode.NONE
      // As Kafka: the partition may be in a directory that can't be looked into.
      if (this.#host.dirs.some((dir) => !dir.online)) return ErrorCode.KAFKA_STORAGE_ERROR
      const move = new LogMove(this.#host, this.throttle, topic, partition, target)
      try {
        await move.create(current.log)
      } catch (error) {
        if (!(error instanceof StorageError)) throw error
        this.#host.log.error(`${key} can not be moved to ${target.path}: ${error.message}`)
        // What can't be read of the partition is no fault of the other directory.
        if (!isPassing(error.code) && error.path.startsWith(target.path + path.sep)) this.#host.failed(target, error)
        await move.discard()
        return ErrorCode.KAFKA_STORAGE_ERROR
      }
      this.#host.log.info(`${key} moves from ${current.dir.path} to ${target.path}`)
      this.#begin(key, move)
      return ErrorCode.NONE
    })
  }

  /** Goes on with a copy that was found at the start. */
  resume({ topic, partition, dir, name }: FoundPartition): void {
    const key = partitionFolder(topic, partition)
    const move = new LogMove(this.#host, this.throttle, topic, partition, dir, path.join(dir.path, name))
    if (!this.#moves.has(key)) return this.#begin(key, move)
    this.#host.log.warn(`${name} in ${dir.path} is a second copy of ${key}, which is not needed: removed`)
    void move.discard()
  }

  /** Ends the move of a partition that is deleted. Resolved: nothing of it is left but a folder that is renamed for deletion. */
  forget(topic: string, partition: number): Promise<void> {
    const key = partitionFolder(topic, partition)
    this.#preferred.delete(key)
    const move = this.#moves.get(key)
    // Not in turn with the rest, and without waiting for the metadata, which may be waiting for this deletion.
    move?.abandon()
    return this.#inTurn(key, async () => {
      const left = this.#moves.get(key)
      left?.abandon()
      if (left) await this.#cancel(key, left)
    })
  }

  /** Stops copying: the next start goes on with it. A swap that has begun is completed. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true
    for (const move of this.#moves.values()) move.stop()
    await Promise.allSettled([...this.#moves.values()].map((move) => move.running))
  }

  #begin(key: string, move: LogMove): void {
    this.#moves.set(key, move)
    move.target.partitionCount++
    move.running = this.#run(key, move)
  }

  async #run(key: string, move: LogMove): Promise<void> {
    while (!move.stopped) {
      try {
        // Who deletes the partition does not wait for other moves, which may wait for the metadata, and they for the deletion.
        const outcome = await this.#queue.runUnless(move.stopping, () => move.attempt())
        if (outcome === 'again') continue
        // It stays registered while it is cancelled: whoever does that ends it.
        if (outcome === 'stopped' || outcome === undefined) return
        return this.#end(key, move)
      } catch (error) {
        if (!(error instanceof StorageError)) throw error
        const told = this.#host.log.limited(`move-${key}`, REPORT_MS)
        if (error.code === 'EBADMSG') {
          told.error(`${key} is not moved to ${move.target.path}: ${error.message}`)
          this.#end(key, move)
          return move.discard()
        }
        told.warn(`the move of ${key} to ${move.target.path} waits: ${error.message}`)
        await sleep(this.#host.clock, RETRY_MS, move.stopping)
      }
    }
  }

  #end(key: string, move: LogMove): void {
    if (this.#moves.get(key) === move) this.#moves.delete(key)
    move.target.partitionCount--
  }

  async #cancel(key: string, move: LogMove): Promise<void> {
    move.stop()
    await move.running
    // It may have been completed meanwhile.
    if (this.#moves.get(key) !== move) return
    this.#end(key, move)
    await move.discard()
  }

  #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(key) ?? Promise.resolve()).catch(() => undefined).then(work)
    this.#turns.set(key, turn)
    const done = (): void => {
      if (this.#turns.get(key) === turn) this.#turns.delete(key)
    }
    turn.then(done, done)
    return turn
  }

  #dirAt(dirPath: string): LogDir | undefined {
    return this.#host.dirs.find((dir) => dir.forPartitions && dir.path === dirPath)
  }
}
