/** Gathers what a batch of records changes. */
import { ResourceType } from './config-image.js'
import type { TopicImage } from './image.js'
import type { MetadataDelta } from './metadata-source.js'

export class DeltaBuilder implements MetadataDelta {
  readonly #deleted: TopicImage[] = []
  readonly #created = new Set<TopicImage>()
  readonly #changed = new Set<TopicImage>()
  readonly #topicConfigs = new Set<string>()
  readonly #brokerConfigs = new Set<string>()
  readonly #brokers = new Set<number>()
  readonly #clientMetrics = new Set<string>()
  readonly #groupConfigs = new Set<string>()
  #clientQuotas = false

  get deletedTopics(): readonly TopicImage[] {
    return this.#deleted
  }

  get createdTopics(): readonly TopicImage[] {
    return [...this.#created]
  }

  get changedTopics(): readonly TopicImage[] {
    return [...this.#changed]
  }

  get changedConfigs(): readonly string[] {
    return [...this.#topicConfigs]
  }

  get changedBrokerConfigs(): readonly string[] {
    return [...this.#brokerConfigs]
  }

  get changedBrokers(): readonly number[] {
    return [...this.#brokers]
  }

  get changedGroupConfigs(): readonly string[] {
    return [...this.#groupConfigs]
  }

  get changedClientMetrics(): readonly string[] {
    return [...this.#clientMetrics]
  }

  get clientQuotasChanged(): boolean {
    return this.#clientQuotas
  }

  get isEmpty(): boolean {
    const { size: configs } = this.#topicConfigs
    const others = this.#brokerConfigs.size + this.#groupConfigs.size + this.#clientMetrics.size + this.#brokers.size
    return this.#deleted.length + this.#changed.size + configs + others === 0 && !this.#clientQuotas
  }

  topicCreated(topic: TopicImage): void {
    this.#created.add(topic)
    this.#changed.add(topic)
  }

  topicChanged(topic: TopicImage): void {
    this.#changed.add(topic)
  }

  /** A topic that was created by the same batch leaves no trace. */
  topicDeleted(topic: TopicImage): void {
    this.#changed.delete(topic)
    this.#topicConfigs.delete(topic.name)
    if (!this.#created.delete(topic)) this.#deleted.push(topic)
  }

  configChanged(resourceType: number, resourceName: string): void {
    if (resourceType === ResourceType.topic) this.#topicConfigs.add(resourceName)
    else if (resourceType === ResourceType.broker) this.#brokerConfigs.add(resourceName)
    else if (resourceType === ResourceType.group) this.#groupConfigs.add(resourceName)
    else if (resourceType === ResourceType.clientMetrics) this.#clientMetrics.add(resourceName)
  }

  clientQuotaChanged(): void {
    this.#clientQuotas = true
  }

  brokerChanged(id: number): void {
    this.#brokers.add(id)
  }
}
