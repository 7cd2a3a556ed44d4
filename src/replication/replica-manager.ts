/**
 * The partitions of this broker: made, opened and removed as the metadata says. A partition serves as soon as its log is ready, whatever
 * the others do.
 */
import type { Clock, Timer } from '../clock.js'
import type { TopicConfig } from '../config/topic-config.js'
import { StorageError } from '../errors.js'
import type { Logger } from '../log.js'
import type { MetadataDelta, MetadataSource } from '../metadata/metadata-source.js'
import type { TopicImage } from '../metadata/image.js'
import { ErrorCode } from '../protocol/error-codes.js'
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
  readonly clock: Clock
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
  readonly #failedOpenings = new Map<string, { topic: TopicImage; index: number }>()
  #retry: Timer | undefined

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
    return this.#failedOpenings.has(`${topic}-${index}`) ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.NOT_LEADER_OR_FOLLOWER
  }

  /** Opens all partitions that the metadata knows, in the background; each serves once it is ready. Follows the metadata from then on. */
  start(): void {
    const { metadata } = this.#options
    metadata.subscribe((delta) => this.#apply(delta))
    for (const topic of metadata.image.topics()) {
      for (const index of topic.partitions.keys()) void this.#open(topic, index)
    }
  }

  /** Ends the trying again. */
  stop(): void {
    this.#retry?.cancel()
  }

  /** Resolved when the change is in force here: a created topic serves, a deleted one is gone. */
  async #apply(delta: MetadataDelta): Promise<void> {
    for (const topic of delta.deletedTopics) await this.#remove(topic)
    const opening: Promise<void>[] = []
    for (const topic of delta.changedTopics) {
      for (const [index, { leaderEpoch }] of topic.partitions.entries()) {
        const partition = this.partition(topic.name, index)
        if (partition === undefined) opening.push(this.#open(topic, index))
        else partition.advanceLeaderEpoch(leaderEpoch)
      }
    }
    await Promise.all(opening)
    for (const topic of delta.changedConfigs) {
      const config = this.#options.topicConfig(topic)
      for (const partition of this.#topics.get(topic) ?? []) partition?.log.configure(config)
    }
  }

  #open(topic: TopicImage, index: number): Promise<void> {
    const key = `${topic.name}-${index}`
    let opening = this.#opening.get(key)
    if (opening === undefined) {
      opening = this.#openNow(topic, index, key).finally(() => this.#opening.delete(key))
      this.#opening.set(key, opening)
    }
    return opening
  }

  async #openNow(topic: TopicImage, index: number, key: string): Promise<void> {
    const { nodeId, logs, log, topicConfig } = this.#options
    const assigned = topic.partitions[index]!
    if (!assigned.replicas.includes(nodeId)) return
    try {
      const config = topicConfig(topic.name)
      const ready = (await logs.whenReady(topic.name, index, topic.id)) ?? (await logs.create(topic.name, index, topic.id, config))
      // A log that was found at the start was opened before the settings of its topic may have been known.
      ready.configure(config)
      // The topic may have been deleted, or made anew under its name, while its log was opened.
      this.#failedOpenings.delete(key)
      if (this.#options.metadata.image.topicById(topic.id) === undefined) return
      let partitions = this.#topics.get(topic.name)
      if (partitions === undefined) this.#topics.set(topic.name, (partitions = []))
      const partition = new Partition(ready, topic.id, assigned.leaderEpoch)
      partitions[index] = partition
      this.#options.onServing(partition)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      this.#failedOpenings.set(key, { topic, index })
      log.limited(`open-${key}`, REPORT_MS).error(`partition ${key} cannot be opened: ${error.message}`)
      this.#retry ??= this.#options.clock.schedule(RETRY_MS, () => this.#openFailed())
    }
  }

  #openFailed(): void {
    this.#retry = undefined
    for (const { topic, index } of this.#failedOpenings.values()) void this.#open(topic, index)
  }

  async #remove(topic: TopicImage): Promise<void> {
    for (const index of topic.partitions.keys()) this.#failedOpenings.delete(`${topic.name}-${index}`)
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
