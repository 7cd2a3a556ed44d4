/**
 * All logs of a broker, in one or more log directories. Opening finds the partitions and returns; each is opened, and recovered where need
 * be, in the background, and usable as soon as it is ready.
 */
import { strict as assert } from 'node:assert'
import { readdir, statfs } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../clock.js'
import type { BrokerConfig, TopicConfig } from '../config/index.js'
import { ConfigError, StorageError } from '../errors.js'
import type { Logger } from '../log.js'
import type { Runtime } from '../native/runtime.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { storageError } from './files.js'
import { Log } from './log.js'
import { LogDir } from './log-dir.js'
import { LogTasks } from './log-tasks.js'
import type { LogEnvironment } from './log-state.js'
import { randomUuid, type MetaProperties } from './meta-properties.js'
import { ZERO_UUID } from '../protocol/reader.js'
import { isDeletedFolder, parsePartitionFolder, partitionFolder } from './names.js'
import { createPartitionFolder, readTopicId, removePartitionFolder, renameForDeletion } from './partition-folder.js'
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
}

/** A log directory in DescribeLogDirs. */
export interface LogDirDescription {
  readonly path: string
  /** KAFKA_STORAGE_ERROR when it is offline. */
  readonly errorCode: number
  /** -1: not known. */
  readonly totalBytes: number
  readonly usableBytes: number
  readonly partitions: readonly { readonly topic: string; readonly partition: number; readonly sizeBytes: number }[]
}

interface Entry {
  readonly topic: string
  readonly partition: number
  readonly dir: LogDir
  readonly folder: string
  log: Log | undefined
  /** Rejects with a StorageError. */
  ready: Promise<Log>
}

/** How often the log tells of the same folder that can't be opened. */
const REPORT_MS = 60_000
/** Of logs that need no recovery: what waits is the disk, not the processor. */
const OPENED_AT_A_TIME = 32
/** Each needs a few descriptors more until it has let go of its own: thousands at a time would meet the limit of the process. */
const CLOSED_AT_A_TIME = 32
/** As many as the thread pool of Node runs; each may hold up to MAX_DECOMPRESSED_BYTES. */
const DECOMPRESSIONS_AT_A_TIME = 4

export class LogManager {
  readonly dirs: readonly LogDir[]
  readonly clusterId: string
  /** Told when a directory goes offline; its logs refuse everything from then on. */
  onDirFailure: ((dir: LogDir, error: StorageError) => void) | undefined
  readonly #options: LogManagerOptions
  readonly #entries = new Map<string, Entry>()
  readonly #tasks: LogTasks
  readonly #decompressions = new TaskQueue(DECOMPRESSIONS_AT_A_TIME)
  readonly #deletions = new Set<Promise<void>>()
  #closed = false

  private constructor(options: LogManagerOptions, dirs: readonly LogDir[], clusterId: string) {
    this.#options = options
    this.dirs = dirs
    this.clusterId = clusterId
    this.#tasks = new LogTasks(options, this)
  }

  /**
   * Takes the directories and finds their partitions. Rejects with a ConfigError that names a directory which is somebody else's, in use, or
   * can't be used when there is no other.
   */
  static async open(options: LogManagerOptions): Promise<LogManager> {
    const all = [...options.dirs, ...(options.metadataDir === undefined ? [] : [options.metadataDir])]
    const dirs = [...new Set(all.map((dir) => path.resolve(dir)))].map((dir) => new LogDir(dir, options.log))
    try {
      const clusterId = await takeDirs(dirs, options)
      const manager = new LogManager(options, dirs, clusterId)
      await Promise.all(dirs.filter((dir) => dir.online).map((dir) => manager.#find(dir)))
      manager.#tasks.start()
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
    return this.#entries.get(partitionFolder(topic, partition))?.log
  }

  /** All logs that are ready. */
  *logs(): IterableIterator<Log> {
    for (const entry of this.#entries.values()) if (entry.log) yield entry.log
  }

  /** All partitions that were found or created, ready or not. */
  *partitions(): IterableIterator<{ readonly topic: string; readonly partition: number }> {
    for (const { topic, partition } of this.#entries.values()) yield { topic, partition }
  }

  /**
   * The log when it is recovered; undefined: there is none. With a `topicId`, a log of another topic of that name (deleted while this broker
   * was down) is removed, and there is none. Rejects with a StorageError when it can't be opened.
   */
  async whenReady(topic: string, partition: number, topicId?: string): Promise<Log | undefined> {
    const log = await this.#entries.get(partitionFolder(topic, partition))?.ready
    if (log === undefined || topicId === undefined || log.topicId === ZERO_UUID || log.topicId === topicId) return log
    this.#options.log.warn(`${topic}-${partition} is of an earlier topic ${log.topicId}: removed`)
    await this.delete(topic, partition)
    return undefined
  }

  /** Creates a log in the directory with the fewest partitions. One that exists is given back. Rejects with a StorageError. */
  create(topic: string, partition: number, topicId: string, config: TopicConfig, inDir?: string): Promise<Log> {
    const key = partitionFolder(topic, partition)
    const known = this.#entries.get(key)
    if (known) return known.ready
    if (this.#closed) return Promise.reject(new StorageError('ECANCELED', key, 'the logs are closed'))
    const dir = inDir === undefined ? this.#leastUsed() : this.dirs.find((each) => each.online && each.path === path.resolve(inDir))
    if (dir === undefined) return Promise.reject(new StorageError('EIO', key, 'all log directories are offline'))
    const folder = path.join(dir.path, key)
    const options = { clean: true, recoveryPoint: 0, logStartOffset: undefined }
    const entry = this.#enter(dir, topic, partition, async () => {
      await createPartitionFolder(folder, topicId)
      return Log.open({ topic, partition, topicId, folder }, config, options, this.#environment(dir))
    })
    // Nothing was written yet: the caller may try again.
    entry.ready.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key)
    })
    return entry.ready
  }

  /** The log is gone at once; its folder is renamed now, its files removed after `file.delete.delay.ms`. Rejects with a StorageError. */
  async delete(topic: string, partition: number): Promise<void> {
    const key = partitionFolder(topic, partition)
    const entry = this.#entries.get(key)
    if (!entry) return
    const log = await entry.ready.catch(() => undefined)
    if (this.#entries.get(key) !== entry) return
    this.#entries.delete(key)
    entry.dir.forget(topic, partition)
    await log?.abandon()
    const renamed = await renameForDeletion(entry.folder, topic, partition)
    this.#tasks.after(log?.config.fileDeleteDelayMs ?? 0, () => this.#removeFolder(renamed))
    try {
      await Promise.all([entry.dir.saveRecoveryPoints(), entry.dir.saveLogStarts()])
    } catch (error) {
      // A disk that is full is why topics are deleted. The next checkpoint that can be written leaves the log out.
      this.#options.log.warn(`${key} is deleted, but the checkpoints of ${entry.dir.path} still name it: ${(error as Error).message}`)
    }
  }

  async describe(): Promise<LogDirDescription[]> {
    return Promise.all(
      this.dirs.map(async (dir) => {
        const partitions = [...dir.logs.values()].map((log) => ({ topic: log.topic, partition: log.partition, sizeBytes: log.sizeBytes }))
        if (!dir.online)
          return { path: dir.path, errorCode: ErrorCode.KAFKA_STORAGE_ERROR, totalBytes: -1, usableBytes: -1, partitions: [] }
        const space = await statfs(dir.path).catch(() => undefined)
        const totalBytes = space ? space.bsize * space.blocks : -1
        const usableBytes = space ? space.bsize * space.bavail : -1
        return { path: dir.path, errorCode: ErrorCode.NONE, totalBytes, usableBytes, partitions }
      })
    )
  }

  /** An orderly stop: all logs are flushed and saved, then the directories marked as closed cleanly. Never rejects. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#tasks.stop()
    await Promise.allSettled([...this.#entries.values()].map((entry) => entry.ready))
    await Promise.all(this.dirs.map((dir) => this.#closeDir(dir)))
    await Promise.allSettled(this.#deletions)
    for (const dir of this.dirs) dir.unlock()
  }

  async #closeDir(dir: LogDir): Promise<void> {
    const queue = new TaskQueue(CLOSED_AT_A_TIME)
    const closed = await Promise.allSettled([...dir.logs.values()].map((log) => queue.run(() => log.close())))
    if (!dir.online) return
    try {
      for (const result of closed) if (result.status === 'rejected') throw result.reason
      await dir.saveRecoveryPoints()
      await dir.saveLogStarts()
      // A log that could not be opened was not closed either: the next start looks at everything again.
      if (this.#allOpen(dir)) await dir.markClean()
    } catch (error) {
      this.#options.log.error(`${dir.path} could not be closed cleanly and will be checked at the next start: ${(error as Error).message}`)
    }
  }

  #allOpen(dir: LogDir): boolean {
    for (const entry of this.#entries.values()) if (entry.dir === dir && entry.log === undefined) return false
    return true
  }

  async #find(dir: LogDir): Promise<void> {
    const { config, topicConfig, log } = this.#options
    let names: string[]
    try {
      names = await readdir(dir.path)
    } catch (error) {
      return this.#failed(dir, storageError(error, dir.path))
    }
    const queue = new TaskQueue(dir.cleanShutdown ? OPENED_AT_A_TIME : Math.max(1, config.get('num.recovery.threads.per.data.dir')))
    for (const name of names) {
      if (isDeletedFolder(name)) this.#removeFolder(path.join(dir.path, name))
      const found = parsePartitionFolder(name)
      if (!found) continue
      const { topic, partition } = found
      if (this.#entries.has(name)) {
        log.error(`${name} is in ${dir.path} and in another log directory: the other one is used`)
        continue
      }
      const folder = path.join(dir.path, name)
      const options = { clean: dir.cleanShutdown, recoveryPoint: dir.recoveryPoints.get(name), logStartOffset: dir.logStarts.get(name) }
      this.#enter(dir, topic, partition, () =>
        queue.run(async () => {
          const topicId = await readTopicId(folder)
          return Log.open({ topic, partition, topicId, folder }, topicConfig(topic), options, this.#environment(dir))
        })
      )
    }
  }

  #enter(dir: LogDir, topic: string, partition: number, open: () => Promise<Log>): Entry {
    const key = partitionFolder(topic, partition)
    const folder = path.join(dir.path, key)
    const ready = open().then(
      (log) => {
        if (this.#entries.get(key) !== entry) return log
        entry.log = log
        dir.logs.set(key, log)
        return log
      },
      (error: unknown) => {
        const failure = storageError(error, folder)
        this.#options.log.limited(`open-${key}`, REPORT_MS).error(`${key} in ${dir.path} can not be opened: ${failure.message}`)
        if (failure.code === 'EIO' || failure.code === 'EROFS') this.#failed(dir, failure)
        throw failure
      }
    )
    ready.catch(() => undefined)
    const entry: Entry = { topic, partition, dir, folder, log: undefined, ready }
    this.#entries.set(key, entry)
    return entry
  }

  #environment(dir: LogDir): LogEnvironment {
    const { runtime, clock, log, config } = this.#options
    return {
      runtime,
      clock,
      failed: (error) => this.#failed(dir, error),
      warn: (message, error) => log.warn(error === undefined ? message : `${message}: ${(error as Error).message}`),
      logStartMoved: () => dir.saveLogStarts(),
      recoveryPointMoved: () => this.#tasks.saveSoon(dir),
      decompressions: this.#decompressions,
      producerExpirationMs: () => config.get('producer.id.expiration.ms'),
      backgroundFlushBytes: () => config.get('sluice.flush.background.bytes')
    }
  }

  #failed(dir: LogDir, error: StorageError): void {
    if (!dir.online) return
    dir.fail(error)
    this.#options.log.error(`log directory ${dir.path} is offline: ${error.message}`)
    for (const log of dir.logs.values()) void log.abandon()
    this.onDirFailure?.(dir, error)
  }

  #leastUsed(): LogDir | undefined {
    const chosen = new Set(this.#options.dirs.map((dir) => path.resolve(dir)))
    const counts = new Map<LogDir, number>(this.dirs.filter((dir) => dir.online && chosen.has(dir.path)).map((dir) => [dir, 0]))
    for (const { dir } of this.#entries.values()) if (counts.has(dir)) counts.set(dir, counts.get(dir)! + 1)
    let best: LogDir | undefined
    for (const [dir, count] of counts) if (best === undefined || count < counts.get(best)!) best = dir
    return best
  }

  #removeFolder(folder: string): void {
    const { log } = this.#options
    const removal = removePartitionFolder(folder).then(
      (left) => {
        if (left.length > 0) log.warn(`${folder} stays: ${left.slice(0, 3).join(', ')} in it is not ours`)
      },
      (error: Error) => log.warn(`a deleted partition's folder could not be removed: ${error.message}`)
    )
    this.#deletions.add(removal)
    void removal.finally(() => this.#deletions.delete(removal))
  }
}

/** Locks all directories and makes them one cluster's and one node's. Returns the cluster id. */
async function takeDirs(dirs: readonly LogDir[], { nodeId, clusterId, log }: LogManagerOptions): Promise<string> {
  assert(dirs.length > 0, 'there is at least one log directory')
  const known = new Map<LogDir, MetaProperties | undefined>()
  for (const dir of dirs) await guarded(dir, dirs.length, log, async () => known.set(dir, await dir.lock()))
  const cluster = [...known.values()].find((meta) => meta !== undefined)?.clusterId ?? clusterId ?? randomUuid()
  for (const [dir, meta] of known) {
    const expected = clusterId ?? cluster
    if (meta && meta.clusterId !== expected) {
      throw new ConfigError('log.dirs', `${dir.path} belongs to the cluster ${meta.clusterId}, not to ${expected}`)
    }
    if (meta && meta.nodeId !== nodeId)
      throw new ConfigError('log.dirs', `${dir.path} belongs to the node ${meta.nodeId}, not to ${nodeId}`)
    const directoryId = meta?.directoryId ?? randomUuid()
    await guarded(dir, dirs.length, log, () => dir.adopt(meta, { clusterId: cluster, nodeId, directoryId }))
  }
  if (dirs.every((dir) => !dir.online)) throw new ConfigError('log.dirs', `no log directory can be used: ${dirs[0]!.failure!.message}`)
  return cluster
}

/** One of several directories may be broken; the only one may not. */
async function guarded(dir: LogDir, count: number, log: Logger, work: () => Promise<unknown>): Promise<void> {
  try {
    if (dir.online) await work()
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    if (count === 1) throw new ConfigError('log.dirs', `${dir.path} can not be used: ${error.message}`)
    dir.fail(error)
    log.error(`log directory ${dir.path} is offline: ${error.message}`)
  }
}
