/** Snapshots and deltas in: how the rest of the broker sees the cluster's metadata, wherever it comes from. */
import type { MetadataImage, TopicImage } from './image.js'

/** What one committed batch of records changed. Topics are the image's own objects; of a deleted one, its last state. */
export interface MetadataDelta {
  readonly deletedTopics: readonly TopicImage[]
  readonly createdTopics: readonly TopicImage[]
  /** Created ones, and ones with new partitions or a changed leader, epoch, ISR or assignment. */
  readonly changedTopics: readonly TopicImage[]
  /** Names of topics whose own settings changed; created with settings included, deleted ones not. */
  readonly changedConfigs: readonly string[]
  /** Of brokers whose settings changed: ids as text, '' stands for the default of all brokers. */
  readonly changedBrokerConfigs: readonly string[]
  /** Names of groups whose own settings changed. */
  readonly changedGroupConfigs: readonly string[]
  /** Names of client metrics subscriptions that changed (KIP-714). */
  readonly changedClientMetrics: readonly string[]
  readonly clientQuotasChanged: boolean
  /** Ids of brokers that registered, left, or were fenced or unfenced. */
  readonly changedBrokers: readonly number[]
}

/**
 * Called after the image has changed, in the order of the metadata log. What it returns is awaited before the next delta is delivered and
 * before the request that made the change is answered: when CreateTopics is answered, the partitions serve.
 */
export type MetadataListener = (delta: MetadataDelta) => void | Promise<void>

export interface MetadataSource {
  /** Always the same object, brought up to date in place: read it, never keep parts of it across a turn and expect them to last. */
  readonly image: MetadataImage
  /** Of the last record of the metadata log that the image holds. */
  readonly offset: number
  /** Of the active controller. */
  readonly epoch: number
  /** The broker id of the active controller, for Metadata and DescribeCluster; -1: none. */
  readonly controllerId: number
  /** Returns what ends the subscription. */
  subscribe(listener: MetadataListener): () => void
}
