/**
 * The partitions of this broker: made, opened and removed as the metadata says. A partition serves as soon as its log is ready, whatever
 * the others do.
 */
import type { Clock, Timer } from '../clock.js'
import type { TopicConfig } from '../config/topic-config.js'
import { StorageError } from '../errors.js'
import type { Logger } from '../log.js'
import { directoryOf } from '../metadata/controller/directories.js'
import type { ControllerError, ReplicaDirectory } from '../metadata/controller-client.js'
import type { MetadataDelta, MetadataSource } from '../metadata/metadata-source.js'
import type { TopicImage } from '../metadata/image.js'
import { METADATA_TOPIC } from '../metadata/storage-metadata-log.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { ZERO_UUID } from '../protocol/reader.js'
import type { Log } from '../storage/log.js'
import type { LogDir } from '../storage/log-dir.js'
import type { LogManager } from '../storage/log-manager.js'
import { Partition } from './partition.js'

export interface ReplicaManagerOptions {
  readonly nodeId: number
  readonly metadata: MetadataSource
  readonly logs: LogManager
  readonly log: Logger
  readonly topicConfig: (topic: string) => TopicConfig
  /** A partition serves from now on, or no longer: for coordinators, which live on partitions of their own topics. */
  readonly onServing: (partition: Partition) => void
  readonly onRetired: (partition: Partition) => void
  /** Tells the controller in which log directories replicas are. */
  readonly assignReplicas: (assignments: readonly ReplicaDirectory[]) => Promise<ControllerError>
  readonly clock: Clock
}

interface Opening {
  readonly topic: TopicImage
  readonly index: number
  /** It came into being while this broker ran: there is no log of it anywhere. */
  readonly isNew: boolean
}

/** A partition that could not be opened (a full disk, say) is tried again so often. */
const RETRY_MS = 1000
/** And the log is told of it so often. */
const REPORT_MS = 60_000

export class ReplicaManager {
  readonly #options: ReplicaManagerOptions
  // By topic name, then partition index.
  readonly #topics = new Map<string, (Partition | undefined)[]>()
  // By `topic-index`: openings under way, and those that failed and wait to be tried again.
  readonly #opening = new Map<string, Promise<void>>()
  readonly #failedOpenings = new Map<string, Opening>()
  // By `topic-index`: partitions in directories that do not work, or that may be in one.
  readonly #offline = new Set<string>()
  // Replicas of whose directory the controller is to be told.
  #unassigned: ReplicaDirectory[] = []
  #retry: Timer | undefined
  #stopped = false

  constructor(options: ReplicaManagerOptions) {
    this.#options = options
  }

  partition(topic: string, index: number): Partition | undefined {
    return this.#topics.get(topic)?.[index]
  }

  *all(): IterableIterator<Partition> {
    for (const partitions of this.#topics.values()) for (const partition of partitions) if (partition) yield partition
  }

  /** The error code for a partition that `partition` does not give: unknown, or not ready to serve. */
  whyMissing(topic: string, index: number): number {
    const known = this.#options.metadata.image.topicByName(topic)?.partitions[index]
    if (known === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    const key = `${topic}-${index}`
    if (this.#failedOpenings.has(key) || this.#offline.has(key)) return ErrorCode.KAFKA_STORAGE_ERROR
    // The client asks again in a moment.
    this.#options.logs.hurry(topic, index)
    return ErrorCode.NOT_LEADER_OR_FOLLOWER
  }

  /** The partition is in a log directory that does not work. */
  isOffline(topic: string, index: number): boolean {
    return this.#offline.has(`${topic}-${index}`)
  }

  /** Stops serving what is in a directory. */
  dirFailed(dir: LogDir): void {
    for (const partition of Array.from(this.all())) {
      const { topic, index } = partition
      if (this.#options.logs.dirOf(topic, index) !== dir) continue
      this.#offline.add(`${topic}-${index}`)
      this.#topics.get(topic)![index] = undefined
      partition.retire()
      this.#options.onRetired(partition)
    }
  }

  /**
   * AlterReplicaLogDirs for one partition, with Kafka's error codes. One that is not here yet is created in the directory when it comes, and
   * that is told as an error, too.
   */
  async alterLogDir(topic: string, index: number, dir: string): Promise<number> {
    const { moves } = this.#options.logs
    const refused = moves.refusal(topic, index, dir)
    if (refused !== ErrorCode.NONE) return refused
    if (this.partition(topic, index) !== undefined) return moves.start(topic, index, dir)
    const missing = this.whyMissing(topic, index)
    if (missing === ErrorCode.KAFKA_STORAGE_ERROR) return missing
    moves.prefer(topic, index, dir)
    return missing === ErrorCode.NOT_LEADER_OR_FOLLOWER ? ErrorCode.REPLICA_NOT_AVAILABLE : missing
  }

  /** Opens all partitions that the metadata knows, in the background; each serves once it is ready. Follows the metadata from then on. */
  start(): void {
    const { metadata, logs } = this.#options
    metadata.subscribe((delta) => this.#apply(delta))
    logs.onReplaced = (log) => this.#replaced(log)
    logs.onDirFailure = (dir) => this.dirFailed(dir)
    logs.setAsideUnknown((topic, index) => topic === METADATA_TOPIC || metadata.image.topicByName(topic)?.partitions[index] !== undefined)
    for (const topic of metadata.image.topics()) {
      for (const index of topic.partitions.keys()) void this.#open({ topic, index, isNew: false })
    }
  }

  /** Ends the trying again. */
  stop(): void {
    this.#stopped = true
    this.#retry?.cancel()
  }

  /** Resolved when the change is in force here: a created topic serves, a deleted one is gone. */
  async #apply(delta: MetadataDelta): Promise<void> {
    for (const topic of delta.deletedTopics) await this.#remove(topic)
    const opening: Promise<void>[] = []
    for (const topic of delta.changedTopics) {
      for (const [index, { leaderEpoch }] of topic.partitions.entries()) {
        const partition = this.partition(topic.name, index)
        const key = `${topic.name}-${index}`
        if (partition === undefined) opening.push(this.#open(this.#failedOpenings.get(key) ?? { topic, index, isNew: true }))
        else partition.advanceLeaderEpoch(leaderEpoch)
      }
    }
    await Promise.all(opening)
    for (const topic of delta.changedConfigs) {
      const config = this.#options.topicConfig(topic)
      for (const partition of this.#topics.get(topic) ?? []) partition?.log.configure(config)
    }
  }

  #replaced(log: Log): void {
    const key = `${log.topic}-${log.partition}`
    this.partition(log.topic, log.partition)?.replaceLog(log)
    // The directory from which it was moved failed in the last moment.
    if (!this.#offline.delete(key)) return
    const topic = this.#options.metadata.image.topicByName(log.topic)
    if (topic?.partitions[log.partition]) void this.#open({ topic, index: log.partition, isNew: false })
  }

  #open(wanted: Opening): Promise<void> {
    const key = `${wanted.topic.name}-${wanted.index}`
    if (this.#offline.has(key)) return Promise.resolve()
    let opening = this.#opening.get(key)
    if (opening === undefined) {
      opening = this.#openNow(wanted, key).finally(() => this.#opening.delete(key))
      this.#opening.set(key, opening)
    }
    return opening
  }

  async #openNow(wanted: Opening, key: string): Promise<void> {
    const { topic, index } = wanted
    const { nodeId, logs, log, topicConfig } = this.#options
    const assigned = topic.partitions[index]!
    if (!assigned.replicas.includes(nodeId)) return
    try {
      const config = topicConfig(topic.name)
      const ready = (await logs.whenReady(topic.name, index, topic.id)) ?? (await this.#create(wanted, config))
      // A log that was found at the start was opened before the settings of its topic may have been known.
      ready?.configure(config)
      // The topic may have been deleted, or made anew under its name, while its log was opened.
      this.#failedOpenings.delete(key)
      if (this.#options.metadata.image.topicById(topic.id) === undefined) return
      if (ready === undefined || logs.dirOf(topic.name, index)?.online !== true) return void this.#offline.add(key)
      let partitions = this.#topics.get(topic.name)
      if (partitions === undefined) this.#topics.set(topic.name, (partitions = []))
      const partition = new Partition(ready, topic.id, assigned.leaderEpoch)
      partitions[index] = partition
      this.#tellDirectory(partition)
      this.#options.onServing(partition)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      if (this.#stopped) return
      if (logs.dirOf(topic.name, index)?.online === false) return void this.#offline.add(key)
      this.#failedOpenings.set(key, wanted)
      log.limited(`open-${key}`, REPORT_MS).error(`partition ${key} cannot be opened: ${error.message}`)
      this.#retry ??= this.#options.clock.schedule(RETRY_MS, () => this.#openFailed())
    }
  }

  /** Undefined: a log of it may be in a directory that does not work. Making an empty one would lose what is there. */
  async #create({ topic, index, isNew }: Opening, config: TopicConfig): Promise<Log | undefined> {
    const { nodeId, logs } = this.#options
    const assigned = directoryOf(topic.partitions[index]!, nodeId) ?? ZERO_UUID
    const known = logs.dirs.find((dir) => dir.online && dir.directoryId === assigned)
    if (known === undefined && !isNew && logs.dirs.some((dir) => !dir.online)) return undefined
    return logs.create(topic.name, index, topic.id, config, known?.path)
  }

  // Not waited for: the controller may be waiting for this partition to serve.
  #tellDirectory({ topic, topicId, index }: Partition): void {
    const { logs, metadata, nodeId, assignReplicas, clock } = this.#options
    const directoryId = logs.dirOf(topic, index)?.directoryId
    const partition = metadata.image.topicById(topicId)?.partitions[index]
    if (directoryId === undefined || partition === undefined || directoryOf(partition, nodeId) === directoryId) return
    this.#unassigned.push({ topicId, partitionId: index, directoryId })
    if (this.#unassigned.length > 1) return
    clock.schedule(0, () => {
      const all = this.#unassigned
      this.#unassigned = []
      void assignReplicas(all)
    })
  }

  #openFailed(): void {
    this.#retry = undefined
    for (const wanted of this.#failedOpenings.values()) void this.#open(wanted)
  }

  async #remove(topic: TopicImage): Promise<void> {
    for (const index of topic.partitions.keys()) {
      this.#failedOpenings.delete(`${topic.name}-${index}`)
      this.#offline.delete(`${topic.name}-${index}`)
    }
    const partitions = this.#topics.get(topic.name) ?? []
    this.#topics.delete(topic.name)
    for (const partition of partitions) {
      if (partition === undefined) continue
      partition.retire()
      this.#options.onRetired(partition)
    }
    await Promise.all([...topic.partitions.keys()].map((index) => this.#options.logs.delete(topic.name, index)))
  }
}
