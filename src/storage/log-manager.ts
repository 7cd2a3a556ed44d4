/**
 * All logs of a broker, in one or more log directories. Opening finds the partitions and returns; each is opened, and recovered where need
 * be, in the background, and usable as soon as it is ready.
 */
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import type { Clock } from '../clock.js'
import type { BrokerConfig, TopicConfig } from '../config/index.js'
import { ConfigError, StorageError } from '../errors.js'
import type { Logger } from '../log.js'
import type { Runtime } from '../native/runtime.js'
import { claimDirs } from './claim-dirs.js'
import { LogCleaner } from './cleaner/log-cleaner.js'
import { describeDirs, type LogDirDescription } from './describe-dirs.js'
import { withDescriptor } from './descriptors.js'
import { isPassing } from './files.js'
import { findFolders, type AssignedDir } from './find-folders.js'
import { Log } from './log.js'
import { closeLogs } from './log-closer.js'
import { LogDeletions } from './log-deletions.js'
import { LogDir } from './log-dir.js'
import { LogMoves, type MoveHost } from './log-moves.js'
import type { RecoveryProgress } from './log-opener.js'
import { LogOpeners } from './log-openers.js'
import type { LogEnvironment } from './log-state.js'
import { LogTable } from './log-table.js'
import { LogTasks } from './log-tasks.js'
import { ZERO_UUID } from '../protocol/reader.js'
import { partitionFolder, strayFolder } from './names.js'
import { createPartitionFolder, isFolder } from './partition-folder.js'
import { TaskQueue } from './task-queue.js'

export interface LogManagerOptions {
  /** Where partitions are put. */
  readonly dirs: readonly string[]
  /** Of the metadata log; besides `dirs`, or one of them. */
  readonly metadataDir?: string
  readonly runtime: Runtime
  readonly clock: Clock
  readonly log: Logger
  readonly config: BrokerConfig
  readonly topicConfig: (topic: string) => TopicConfig
  readonly nodeId: number
  /** Must be that of existing directories; new ones get it, or a random one. */
  readonly clusterId?: string
  /** Where the metadata says a partition is; without it nobody says, and directories are as they are found. */
  readonly assignedDir?: AssignedDir
  /** Writes into the metadata, durably, where a log is now. False: it could not. Without it, moves need no such word. */
  readonly assignDir?: (log: Log, directoryId: string) => Promise<boolean>
  /** The directories are made by `mirrorFolders`: nothing is kept up, saved or flushed. */
  readonly readOnly?: boolean
}

/** How often failed writes to one directory are told of. */
const REPORT_MS = 60_000
/** Each has a file open for a while: a topic of thousands of partitions would meet the limit of the process. */
const CREATED_AT_A_TIME = 32
/** As many as the thread pool of Node runs; each may hold up to MAX_DECOMPRESSED_BYTES. */
const DECOMPRESSIONS_AT_A_TIME = 4
/** Each waits for the disk, and after a start every partition that is written to has one: a stop does not wait for those that have not begun. */
const EPOCH_WRITES_AT_A_TIME = 4

export type { LogDirDescription } from './describe-dirs.js'

export class LogManager {
  readonly dirs: readonly LogDir[]
  readonly clusterId: string
  readonly cleaner: LogCleaner
  /** Told when a directory goes offline; its logs refuse everything from then on. */
  onDirFailure: ((dir: LogDir, error: StorageError) => void) | undefined
  /** Told when the broker can't go on, as in Kafka: the directory of the metadata log, or the last directory, has failed. */
  onFatal: ((message: string) => void) | undefined
  /** Told when a partition was moved to another directory: this is its log from now on. */
  onReplaced: ((log: Log) => void) | undefined
  readonly moves: LogMoves
  readonly #options: LogManagerOptions
  readonly #table: LogTable
  readonly #deletions: LogDeletions
  readonly #openers: LogOpeners
  readonly #tasks: LogTasks
  readonly #creations = new TaskQueue(CREATED_AT_A_TIME)
  readonly #decompressions = new TaskQueue(DECOMPRESSIONS_AT_A_TIME)
  readonly #epochWrites = new TaskQueue(EPOCH_WRITES_AT_A_TIME)
  #closed = false

  private constructor(options: LogManagerOptions, dirs: readonly LogDir[], clusterId: string) {
    this.#options = options
    this.dirs = dirs
    this.clusterId = clusterId
    this.#tasks = new LogTasks(options, this)
    const failed = (dir: LogDir, error: StorageError): void => this.#failed(dir, error)
    this.#table = new LogTable({ clock: options.clock, log: options.log, failed })
    this.#deletions = new LogDeletions({ log: options.log, failed, after: (delayMs, work) => this.#tasks.after(delayMs, work) })
    this.moves = new LogMoves(this.#moveHost())
    this.#openers = new LogOpeners(options, (dir) => this.#environment(dir))
    for (const dir of dirs) dir.onFailure = (error) => this.#failed(dir, error)
    this.cleaner = new LogCleaner(options, dirs, (topic, partition) => this.moves.isMoving(topic, partition))
  }

  /**
   * Takes the directories and finds their partitions. Rejects with a ConfigError that names a directory which is somebody else's, in use, or
   * can't be used when there is no other.
   */
  static async open(options: LogManagerOptions): Promise<LogManager> {
    const metadataDir = options.metadataDir === undefined ? undefined : path.resolve(options.metadataDir)
    const chosen = new Set(options.dirs.map((dir) => path.resolve(dir)))
    const all = new Set([...chosen, ...(metadataDir === undefined ? [] : [metadataDir])])
    const dirs = Array.from(all, (dir) => new LogDir(dir, options.log, chosen.has(dir)))
    try {
      const clusterId = await claimDirs(dirs, { ...options, metadataDir })
      const manager = new LogManager(options, dirs, clusterId)
      await manager.#find()
      if (dirs.every((dir) => !dir.online)) throw new ConfigError('log.dirs', `no log directory can be used: ${dirs[0]!.failure!.message}`)
      if (options.readOnly === true) return manager
      manager.#tasks.start()
      manager.cleaner.start()
      return manager
    } catch (error) {
      for (const dir of dirs) dir.unlock()
      throw error
    }
  }

  /** The last stop was an orderly one in all directories. */
  get cleanStart(): boolean {
    return this.dirs.every((dir) => dir.cleanShutdown)
  }

  /** The log, if it is ready. */
  get(topic: string, partition: number): Log | undefined {
    return this.#table.find(topic, partition)?.log
  }

  /** All logs that are ready. */
  *logs(): IterableIterator<Log> {
    for (const entry of this.#table.entries()) if (entry.log) yield entry.log
  }

  /** All partitions that were found or created, ready or not. */
  *partitions(): IterableIterator<{ readonly topic: string; readonly partition: number }> {
    for (const { topic, partition } of this.#table.entries()) yield { topic, partition }
  }

  /**
   * The log when it is recovered; undefined: there is none. With a `topicId`, a log of another topic of that name (deleted while this broker
   * was down) is set aside, and there is none; one that does not say of which topic it is becomes that one's. Rejects with a StorageError when it can't be opened: where the disk was full, a later call tries again.
   */
  async whenReady(topic: string, partition: number, topicId?: string): Promise<Log | undefined> {
    const log = await this.#table.whenReady(topic, partition)
    if (log === undefined || topicId === undefined || log.topicId === topicId) return log
    if (log.topicId === ZERO_UUID) {
      if (this.#options.readOnly !== true) await log.adoptTopicId(topicId)
      // It may have moved meanwhile.
      return this.get(topic, partition)
    }
    await this.setAside(topic, partition, `is of another topic, ${log.topicId}`)
    return undefined
  }

  /** Sets aside what was found and is of no topic. Returns at once: what fails is told. */
  setAsideUnknown(isKnown: (topic: string, partition: number) => boolean): void {
    if (this.#options.readOnly === true) return
    const unknown = Array.from(this.partitions()).filter((one) => !isKnown(one.topic, one.partition))
    for (const { topic, partition } of unknown) {
      this.setAside(topic, partition, 'is in no topic').catch((error: Error) => this.#options.log.error(error.message))
    }
  }

  /** The partition is none that is known: as in Kafka its folder is kept as `….uuid-stray`, which no start opens. `why` is told. Rejects with a StorageError. */
  async setAside(topic: string, partition: number, why: string): Promise<void> {
    const entry = this.#table.find(topic, partition)
    const log = await entry?.ready.catch(() => undefined)
    const isLog = entry !== undefined && (log !== undefined || (await isFolder(entry.folder)))
    if (entry === undefined || this.#table.find(topic, partition) !== entry) return
    this.#table.remove(entry)
    if (!isLog) return this.#options.log.warn(`${entry.folder} ${why} and no folder: it is left alone`)
    const kept = strayFolder(topic, partition, randomBytes(16).toString('hex'))
    this.#options.log.warn(`${topic}-${partition} in ${entry.dir.path} ${why}: it is not served, and kept as ${kept}`)
    await this.#deletions.setAside(entry, log, kept)
  }

  /** Somebody wants to use the log: if it waits for its recovery, it is next. */
  hurry(topic: string, partition: number): void {
    const entry = this.#table.find(topic, partition)
    if (entry !== undefined && entry.log === undefined) this.#openers.hurry(entry.dir, partitionFolder(topic, partition))
  }

  /** Undefined: no log of the directory waits for its recovery. */
  recovery(dir: LogDir): RecoveryProgress | undefined {
    return this.#openers.progress(dir)
  }

  /** The directory that a partition is in, ready or not; undefined: there is none of that name. */
  dirOf(topic: string, partition: number): LogDir | undefined {
    return this.#table.find(topic, partition)?.dir
  }

  /**
   * Creates a log: where AlterReplicaLogDirs wants it, else in the directory of that path or id, else in the one with the fewest partitions.
   * One that exists is given back. Rejects with a StorageError.
   */
  create(topic: string, partition: number, topicId: string, config: TopicConfig, inDir?: string): Promise<Log> {
    const known = this.#table.find(topic, partition)
    if (known) return known.ready
    const leaving = this.#deletions.leaving(topic, partition)
    if (leaving) return leaving.catch(() => undefined).then(() => this.create(topic, partition, topicId, config, inDir))
    const key = partitionFolder(topic, partition)
    if (this.#closed) return Promise.reject(new StorageError('ECANCELED', key, 'the logs are closed'))
    const wanted =
      this.moves.takePreferred(key) ??
      this.dirs.find((each) => inDir !== undefined && (each.directoryId === inDir || each.path === path.resolve(inDir)))
    const dir = wanted ?? this.#leastUsed()
    if (dir?.online !== true)
      return Promise.reject(new StorageError('EIO', key, dir ? `${dir.path} is offline` : 'all log directories are offline'))
    const folder = path.join(dir.path, key)
    const options = { clean: true, recoveryPoint: 0, logStartOffset: undefined }
    const create = async (): Promise<Log> => {
      await dir.beginAnew(topic, partition)
      await dir.forgetCleanerOffset(key)
      await createPartitionFolder(folder, topicId)
      return Log.open({ topic, partition, topicId, folder }, config, options, this.#environment(dir))
    }
    const patiently = () => withDescriptor(create, () => dir.online && !this.#closed)
    const entry = this.#table.add(dir, topic, partition, () => this.#creations.run(patiently))
    // Nothing was written yet: the caller may try again.
    entry.ready.catch((error: StorageError) => {
      if (this.#table.find(topic, partition) === entry) this.#table.remove(entry)
      if (!isPassing(error.code)) this.#failed(dir, error)
    })
    return entry.ready
  }

  /** The log is gone at once; its folder is renamed now, its files removed after `file.delete.delay.ms`. Rejects with a StorageError. */
  async delete(topic: string, partition: number): Promise<void> {
    await this.moves.forget(topic, partition)
    const entry = this.#table.find(topic, partition)
    if (!entry) return
    const log = await entry.ready.catch(() => undefined)
    if (this.#table.find(topic, partition) !== entry) return
    this.#table.remove(entry)
    await this.#deletions.delete(entry, log)
  }

  describe(): Promise<LogDirDescription[]> {
    return describeDirs(this.dirs, this.moves)
  }

  /** An orderly stop: all logs are flushed and saved, then the directories marked as closed cleanly. Never rejects. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#table.close()
    await this.moves.close()
    this.#tasks.stop()
    this.cleaner.stop()
    this.#openers.cancel()
    await this.#table.settled()
    await Promise.all(this.dirs.map((dir) => this.#closeDir(dir)))
    await this.#deletions.settled()
    for (const dir of this.dirs) dir.unlock()
  }

  async #closeDir(dir: LogDir): Promise<void> {
    const readOnly = this.#options.readOnly === true
    let failure: unknown
    if (readOnly) await Promise.all(Array.from(dir.logs.values(), (log) => log.abandon()))
    else await closeLogs(dir, this.#options.runtime).catch((error: unknown) => (failure = error))
    if (!dir.online || readOnly) return
    try {
      if (failure !== undefined) throw failure
      await dir.saveRecoveryPoints()
      await dir.saveLogStarts()
      // A log that could not be opened was not closed either: the next start looks at everything again.
      if (this.#table.allOpen(dir)) await dir.markClean()
    } catch (error) {
      this.#options.log.error(`${dir.path} could not be closed cleanly and will be checked at the next start: ${(error as Error).message}`)
    }
  }

  async #find(): Promise<void> {
    const { log, assignedDir } = this.#options
    const found = await findFolders(this.dirs, { assignedDir, log, failed: (dir, error) => this.#failed(dir, error) })
    for (const folder of found.deleted) this.#deletions.removeFolder(folder)
    for (const { dir, name, topic, partition } of found.partitions) {
      const found = { name, topic, partition }
      this.#table.add(
        dir,
        topic,
        partition,
        () => this.#openers.add(dir, found),
        () => this.#openers.again(dir, found)
      )
    }
    this.#openers.start()
    for (const { dir, topic, partition, name } of found.disputed) {
      this.#table.add(dir, topic, partition, () =>
        Promise.reject(new StorageError('EEXIST', name, `${name} is in several log directories`))
      )
    }
    for (const future of found.futures) this.moves.resume(future)
  }

  // Somebody has changed a file of a folder that is only read: the others may be as they were.
  #changed(error: StorageError): void {
    this.#options.log.error(`${error.message}: the file is not as it was when it was opened; its partition is not served any more`)
  }

  #environment(dir: LogDir): LogEnvironment {
    const { runtime, clock, log, config } = this.#options
    return {
      runtime,
      clock,
      failed: (error) => (this.#options.readOnly === true ? this.#changed(error) : this.#failed(dir, error)),
      warn: (message, error) => log.warn(error === undefined ? message : `${message}: ${(error as Error).message}`),
      warnSometimes: (message) => log.limited(`write-${dir.path}`, REPORT_MS).warn(message),
      logStartMoved: () => dir.saveLogStarts(),
      truncating: () => dir.saveRecoveryPoints(),
      unflushed: (key, offset) => dir.lowerRecoveryPoint(key, offset),
      notCompacted: (key, offset) => dir.lowerCleanerOffset(key, offset),
      recoveryPointMoved: () => this.#tasks.saveSoon(dir),
      decompressions: this.#decompressions,
      epochWrites: this.#epochWrites,
      readOnly: this.#options.readOnly === true,
      producerExpirationMs: () => config.get('producer.id.expiration.ms'),
      backgroundFlushBytes: () => config.get('sluice.flush.background.bytes')
    }
  }

  #failed(dir: LogDir, error: StorageError): void {
    if (!dir.online) return
    dir.fail(error)
    const { log, metadataDir } = this.#options
    log.error(`log directory ${dir.path} is offline: ${error.message}`)
    for (const one of dir.logs.values()) void one.abandon()
    this.onDirFailure?.(dir, error)
    if (metadataDir !== undefined && dir.path === path.resolve(metadataDir))
      this.onFatal?.(`the directory of the metadata log, ${dir.path}, has failed: ${error.message}`)
    else if (this.dirs.every((each) => !each.online || !each.forPartitions))
      this.onFatal?.(`all log directories have failed, ${dir.path} as the last one: ${error.message}`)
  }

  #leastUsed(): LogDir | undefined {
    const online = this.dirs.filter((dir) => dir.online && dir.forPartitions)
    const open = online.filter((dir) => !this.moves.isCordoned(dir))
    let best: LogDir | undefined
    for (const dir of open.length > 0 ? open : online) if (best === undefined || dir.partitionCount < best.partitionCount) best = dir
    return best
  }

  #moveHost(): MoveHost {
    const { runtime, clock, log, config, topicConfig, assignDir } = this.#options
    return {
      dirs: this.dirs,
      runtime,
      clock,
      log,
      config,
      topicConfig,
      environment: (dir) => this.#environment(dir),
      whenHeld: async (topic, partition) => {
        const entry = this.#table.find(topic, partition)
        const ready = await entry?.ready.catch(() => undefined)
        return entry?.dir.online && ready ? { dir: entry.dir, log: ready } : undefined
      },
      assign: async (one, dir) => (assignDir === undefined ? true : assignDir(one, dir.directoryId)),
      replaced: (one, dir) => this.#replaced(one, dir),
      failed: (dir, error) => this.#failed(dir, error),
      removeFolder: (folder, one) => this.#deletions.removeFolder(folder, one),
      after: (delayMs, work) => this.#tasks.after(delayMs, work)
    }
  }

  #replaced(log: Log, dir: LogDir): void {
    const entry = this.#table.find(log.topic, log.partition)!
    this.cleaner.moved(log, entry.dir, dir)
    this.#table.replace(entry, log, dir)
    this.onReplaced?.(log)
  }
}
