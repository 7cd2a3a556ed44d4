/** A folder of logs, for programs: see docs/storage.md. */
import { rm } from 'node:fs/promises'
import os from 'node:os'
import { systemClock, type Clock } from '../../clock.js'
import { checkTopicOverrides, loadBrokerConfig, resolveTopicConfig, type BrokerConfig, type TopicConfig } from '../../config/index.js'
import { ConfigError, StorageError } from '../../errors.js'
import { programLogger, type ProgramLog } from '../../log.js'
import { TransferMode } from '../../native/numbers.js'
import { Runtime } from '../../native/runtime.js'
import { diskOptions } from '../disk-options.js'
import type { Log as PartitionLog } from '../log.js'
import { LogManager } from '../log-manager.js'
import { randomUuid, readMetaProperties } from '../meta-properties.js'
import { mirrorFolders } from '../mirror.js'
import { checkClock, checkFlag, checkName, checkNewName, checkOptions, checkPath, checkTexts, LOG_OPTIONS, OPEN_OPTIONS } from './checks.js'
import { LogError } from './errors.js'
import { Log } from './log.js'
import { RegionSender } from './region-sender.js'

/** Settings by the names of Apache Kafka and their values as texts, as they stand in server.properties or a topic's configuration. */
export type Settings = Readonly<Record<string, string>>

export interface LogDirectoryOptions {
  /** Of the folder and of all its logs, by the broker's names: `log.segment.bytes`, `log.flush.interval.messages`, `sluice.transfer.mode` … */
  readonly settings?: Settings
  /** Told what an operator should know: recoveries, damaged files, a folder that failed; `console`, say. Default: nobody is. */
  readonly log?: ProgramLog
  /** Default: the system's. Its timers do not keep a process alive. */
  readonly clock?: Clock
  /**
   * Nothing is written into the folder, which may lie on a file system that is mounted read-only: a copy of a broker's, one of somebody else. What
   * recovery has to make goes to a temporary folder with links to the segments, until `close`; a tail that is torn is not read. Whatever would
   * change a log rejects with a LogError (POLICY_VIOLATION). No broker may write to the folder meanwhile. Default: false.
   */
  readonly readOnly?: boolean
}

export interface LogOptions {
  /** Default: 0. */
  readonly partition?: number
  /** Of this log, by the topic's names: `segment.bytes`, `retention.ms`, `cleanup.policy` … They hold as long as the directory is open. */
  readonly settings?: Settings
  /** False: a log that is not there is an error instead of a new one. */
  readonly create?: boolean
}

export interface LogName {
  readonly topic: string
  readonly partition: number
}

/** The node whose folder a new one becomes: what a broker that starts on it without a setting is. */
const NODE_ID = 1

/**
 * The logs in one folder, which is that of an Apache Kafka broker: either may open what the other has left. One process at a time: a lock is
 * held while it is open. It owns native threads and keeps the process alive until it is closed.
 */
export class LogDirectory {
  readonly path: string
  readonly #runtime: Runtime
  readonly #manager: LogManager
  readonly #config: BrokerConfig
  readonly #sender: RegionSender
  readonly #overrides: Map<string, Map<string, string>>
  readonly #logs = new Map<PartitionLog, Log>()
  readonly #topicIds = new Map<string, Promise<string>>()
  /** Of a folder that is only read. */
  readonly #temporary: string | undefined
  #closed: Promise<void> | undefined

  private constructor(
    path: string,
    runtime: Runtime,
    manager: LogManager,
    config: BrokerConfig,
    overrides: Map<string, Map<string, string>>,
    temporary: string | undefined
  ) {
    this.path = path
    this.#runtime = runtime
    this.#manager = manager
    this.#config = config
    this.#sender = new RegionSender(runtime, {
      mode: TransferMode[config.get('sluice.transfer.mode') as keyof typeof TransferMode],
      copyBelowBytes: config.get('sluice.transfer.copy.below.bytes'),
      inlineBelowBytes: config.get('sluice.transfer.inline.below.bytes')
    })
    this.#overrides = overrides
    this.#temporary = temporary
    manager.onDirFailure = () => {
      for (const log of this.#logs.values()) log.failed(this.#failure!)
    }
  }

  /**
   * Opens the folder, making it if need be. Logs that were not closed in an orderly way are recovered in the background, each when it is
   * asked for at the latest. Rejects with a ConfigError when the folder is in use or somebody else's, or a setting is wrong; with a StorageError
   * when it can't be made or used. With `readOnly` a folder that can't be read is a ConfigError, too.
   */
  static async open(path: string, options: LogDirectoryOptions = {}): Promise<LogDirectory> {
    checkPath(path)
    checkOptions(options, OPEN_OPTIONS)
    const { settings = {}, clock = systemClock(), readOnly = false } = options
    checkTexts(settings)
    checkClock(clock)
    checkFlag('readOnly', readOnly)
    const { config, unknown } = loadBrokerConfig(settings)
    if (unknown.length > 0) throw new ConfigError('settings', `Unknown settings of a folder: ${unknown.join(', ')}`)
    const log = programLogger(options.log)
    const overrides = new Map<string, Map<string, string>>()
    const mirror = readOnly ? await mirrorFolders([path], os.tmpdir(), log) : undefined
    const dir = mirror?.dirs[0]?.path ?? path
    const runtime = new Runtime(diskOptions(config))
    try {
      const nodeId = mirror?.nodeId ?? (await readMetaProperties(path))?.nodeId ?? NODE_ID
      const topicConfig = (topic: string): TopicConfig => resolveTopicConfig(config, overrides.get(topic))
      const manager = await LogManager.open({ dirs: [dir], runtime, clock, log, config, topicConfig, nodeId, readOnly })
      return new LogDirectory(path, runtime, manager, config, overrides, mirror?.root)
    } catch (error) {
      await runtime.close()
      if (mirror !== undefined) await rm(mirror.root, { recursive: true, force: true })
      // The only folder there is: what the system says of it.
      throw error instanceof ConfigError && error.cause instanceof StorageError ? error.cause : error
    }
  }

  /** The logs that are there, ready or still being recovered. */
  *names(): IterableIterator<LogName> {
    for (const { topic, partition } of this.#manager.partitions()) yield { topic, partition }
  }

  /**
   * The log of a topic's partition, made if it is not there; the same object each time. Resolves when it is recovered. Rejects with a LogError
   * (UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION), a ConfigError for a wrong setting, a StorageError when its files can not be used.
   */
  async log(topic: string, options: LogOptions = {}): Promise<Log> {
    this.#checkWorks()
    checkOptions(options, LOG_OPTIONS)
    const { partition = 0, settings, create = true } = options
    checkName(topic, partition)
    checkFlag('create', create)
    if (settings !== undefined) checkTexts(settings)
    const undo = settings === undefined ? undefined : this.#override(topic, settings)
    const config = resolveTopicConfig(this.#config, this.#overrides.get(topic))
    const found = await this.#find(topic, partition, create, config).catch((error: unknown) => {
      undo?.()
      throw error
    })
    if (settings !== undefined) for (const log of this.#manager.logs()) if (log.topic === topic) log.configure(config)
    const known = this.#logs.get(found)
    if (known !== undefined) return known
    // Meanwhile.
    this.#checkWorks()
    if (this.#manager.get(topic, partition) !== found) return this.log(topic, options)
    const log = new Log(found, this.#runtime, this.#sender, this.#temporary === undefined ? this.#manager.cleaner : undefined)
    this.#logs.set(found, log)
    return log
  }

  async #find(topic: string, partition: number, create: boolean, config: TopicConfig): Promise<PartitionLog> {
    const found = await this.#manager.whenReady(topic, partition)
    if (found !== undefined) return found
    if (!create || this.#temporary !== undefined)
      throw new LogError('UNKNOWN_TOPIC_OR_PARTITION', `there is no log ${topic}-${partition} in ${this.path}`)
    checkNewName(topic, partition)
    return this.#manager.create(topic, partition, await this.#topicId(topic), config)
  }

  // Before the log is looked for, because it may be opened with them.
  #override(topic: string, settings: Settings): () => void {
    const before = this.#overrides.get(topic)
    const now = checkTopicOverrides(this.#config, new Map(Object.entries(settings)))
    this.#overrides.set(topic, now)
    return () => {
      if (this.#overrides.get(topic) !== now) return
      if (before === undefined) this.#overrides.delete(topic)
      else this.#overrides.set(topic, before)
    }
  }

  /** Deletes a log, if it is there; its files go after `file.delete.delay.ms`. Rejects with a StorageError, or a LogError where the directory is only read. */
  async delete(topic: string, partition = 0): Promise<void> {
    if (this.#temporary !== undefined) throw new LogError('POLICY_VIOLATION', `${this.path} is only read`)
    this.#checkWorks()
    checkName(topic, partition)
    const log = this.#manager.get(topic, partition)
    if (log !== undefined) this.#forget(log)
    this.#topicIds.delete(topic)
    await this.#manager.delete(topic, partition)
    // One that was only being made when this began.
    for (const one of this.#logs.keys())
      if (one.topic === topic && one.partition === partition && this.#manager.get(topic, partition) !== one) this.#forget(one)
  }

  #forget(log: PartitionLog): void {
    void this.#logs.get(log)?.ended()
    this.#logs.delete(log)
  }

  /** An orderly stop: everything is flushed and saved, so that the next opening recovers nothing. What is being sent is ended. Never rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const ended = Array.from(this.#logs.values(), (log) => log.ended())
    await this.#sender.close()
    await Promise.all(ended)
    await this.#manager.close()
    await this.#runtime.close()
    if (this.#temporary !== undefined) await rm(this.#temporary, { recursive: true, force: true })
  }

  #checkWorks(): void {
    if (this.#closed !== undefined) throw new StorageError('ECANCELED', this.path, `the log directory ${this.path} is closed`)
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Why the folder takes and gives nothing any more. */
  get #failure(): StorageError | undefined {
    const { failure } = this.#manager.dirs[0]!
    return failure && new StorageError(failure.code, failure.path, `the log directory ${this.path} is offline: ${failure.message}`)
  }

  // All partitions of a topic have its id, which stands in their folders, also those that are made at the same time.
  #topicId(topic: string): Promise<string> {
    const known = this.#topicIds.get(topic) ?? this.#findTopicId(topic)
    this.#topicIds.set(topic, known)
    return known
  }

  async #findTopicId(topic: string): Promise<string> {
    for (const one of Array.from(this.#manager.partitions())) {
      if (one.topic !== topic) continue
      const log = await this.#manager.whenReady(topic, one.partition).catch(() => undefined)
      if (log !== undefined) return log.topicId
    }
    return randomUuid()
  }
}
