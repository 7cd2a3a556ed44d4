/**
 * The metadata image: the state that the records of `__cluster_metadata` add up to. `replay` is its only writer, the same for live changes,
 * for the tail of the log and for a snapshot. One mutable object: JavaScript runs one thing at a time, so whoever reads sees whole batches.
 */
import { WireError } from '../errors.js'
import { ClientQuotaImage } from './client-quota-image.js'
import { ConfigImage, ResourceType } from './config-image.js'
import { DeltaBuilder } from './delta.js'
import { FeatureImage } from './features.js'
import { KeptRecords } from './kept-records.js'
import { brokerRecords, changedBroker, registeredBroker, type BrokerImage } from './broker-image.js'
import { changedPartition, newPartition, partitionRecord, type PartitionImage } from './partition-image.js'
import { RecordType, type ActiveRecord, type KeptRecord, type MetadataRecord, type PartitionFields } from './records.js'
import { ScramImage } from './scram-image.js'
import { unify } from '../protocol/topic-name.js'

export type { BrokerImage } from './broker-image.js'
export type { PartitionImage } from './partition-image.js'

export interface TopicImage {
  readonly name: string
  readonly id: string
  /** By partition index, without gaps. */
  readonly partitions: readonly PartitionImage[]
}

interface MutableTopic extends TopicImage {
  readonly partitions: PartitionImage[]
}

/** Bounds what a damaged record can make us allocate. */
const MAX_PARTITION_INDEX = 1_000_000

export class MetadataImage {
  readonly #byName = new Map<string, MutableTopic>()
  readonly #byId = new Map<string, MutableTopic>()
  // Names with '.' or '_' by what metric names make of them: such twins must not both exist.
  readonly #unified = new Map<string, string>()
  readonly #brokers = new Map<number, BrokerImage>()
  readonly configs = new ConfigImage()
  readonly features = new FeatureImage()
  readonly clientQuotas = new ClientQuotaImage()
  readonly scram = new ScramImage()
  readonly #kept = new KeptRecords()
  #nextProducerId = 0
  #partitionCount = 0
  #delta = new DeltaBuilder()

  topicByName(name: string): TopicImage | undefined {
    return this.#byName.get(name)
  }

  topicById(id: string): TopicImage | undefined {
    return this.#byId.get(id)
  }

  topics(): IterableIterator<TopicImage> {
    return this.#byName.values()
  }

  get topicCount(): number {
    return this.#byName.size
  }

  get partitionCount(): number {
    return this.#partitionCount
  }

  /** The existing topic whose metric name is that of `name`: they differ in '.' and '_' only. */
  topicLike(name: string): string | undefined {
    return this.#unified.get(unify(name))
  }

  broker(id: number): BrokerImage | undefined {
    return this.#brokers.get(id)
  }

  brokers(): IterableIterator<BrokerImage> {
    return this.#brokers.values()
  }

  /** Overrides of a topic; empty when it has none. */
  topicOverrides(name: string): ReadonlyMap<string, string> {
    return this.configs.of(ResourceType.topic, name)
  }

  /** What was changed at run time of one broker, or, with '', of all brokers. */
  brokerOverrides(broker: number | ''): ReadonlyMap<string, string> {
    return this.configs.of(ResourceType.broker, String(broker))
  }

  /** The first producer id that was never given out. */
  get nextProducerId(): number {
    return this.#nextProducerId
  }

  /** What changed since the last call. */
  takeDelta(): DeltaBuilder {
    const delta = this.#delta
    this.#delta = new DeltaBuilder()
    return delta
  }

  /** Throws WireError when the record does not fit what came before: the log is damaged, or not one. */
  replay(record: MetadataRecord): void {
    if (record.type === -1) this.#kept.replayUnknown(record)
    else if (isKept(record)) this.#kept.replay(record)
    else this.#apply(record)
  }

  /** The records that make this image, in the order in which Kafka writes them into snapshots. */
  *records(): Generator<MetadataRecord> {
    yield* this.features.records()
    const version = this.features.metadataVersion
    yield* brokerRecords(this.#brokers.values(), version)
    for (const topic of this.#byName.values()) {
      yield { type: RecordType.topic, version: 0, data: { name: topic.name, topicId: topic.id } }
      for (const [index, partition] of topic.partitions.entries()) yield partitionRecord(topic.id, index, partition, version)
    }
    yield* this.configs.records()
    yield* this.clientQuotas.records()
    if (this.#nextProducerId > 0) {
      yield { type: RecordType.producerIds, version: 0, data: { brokerId: -1, brokerEpoch: -1, nextProducerId: this.#nextProducerId } }
    }
    yield* this.scram.records()
    yield* this.#kept.records()
  }

  #apply(record: ActiveRecord): void {
    switch (record.type) {
      case RecordType.topic:
        return this.#addTopic(record.data.name, record.data.topicId)
      case RecordType.partition:
        return this.#setPartition(record.data)
      case RecordType.partitionChange: {
        const topic = this.#topic(record.data.topicId)
        const before = topic.partitions[record.data.partitionId]
        if (!before) throw new WireError(`metadata record changes unknown partition ${topic.name}-${record.data.partitionId}`)
        topic.partitions[record.data.partitionId] = changedPartition(before, record.data)
        return this.#delta.topicChanged(topic)
      }
      case RecordType.removeTopic:
        return this.#removeTopic(this.#topic(record.data.topicId))
      case RecordType.clearElr:
        return this.#clearElr(record.data.topicName)
      case RecordType.config:
        this.configs.set(record.data)
        return this.#delta.configChanged(record.data.resourceType, record.data.resourceName)
      case RecordType.featureLevel:
        return this.features.set(record.data.name, record.data.featureLevel)
      case RecordType.clientQuota:
        this.clientQuotas.replay(record.data)
        return this.#delta.clientQuotaChanged()
      case RecordType.userScramCredential:
      case RecordType.removeUserScramCredential:
        return this.scram.replay(record)
      case RecordType.producerIds:
        this.#nextProducerId = record.data.nextProducerId
        return undefined
      case RecordType.noOp:
      case RecordType.beginTransaction:
      case RecordType.endTransaction:
      case RecordType.abortTransaction:
        return undefined
      default:
        return this.#applyToBroker(record)
    }
  }

  #applyToBroker(record: ActiveRecord): void {
    switch (record.type) {
      case RecordType.registerBroker:
        this.#brokers.set(record.data.brokerId, registeredBroker(record.data))
        return this.#delta.brokerChanged(record.data.brokerId)
      case RecordType.unregisterBroker:
        this.#broker(record.data.brokerId)
        this.#brokers.delete(record.data.brokerId)
        return this.#delta.brokerChanged(record.data.brokerId)
      case RecordType.fenceBroker:
      case RecordType.unfenceBroker:
        return this.#setBroker({ ...this.#broker(record.data.id), fenced: record.type === RecordType.fenceBroker })
      case RecordType.brokerRegistrationChange:
        return this.#setBroker(changedBroker(this.#broker(record.data.brokerId), record.data))
      default:
        throw new WireError(`metadata record of type ${record.type} has no place`)
    }
  }

  #addTopic(name: string, id: string): void {
    if (this.#byName.has(name) || this.#byId.has(id)) throw new WireError(`metadata record creates topic ${name} (${id}) a second time`)
    const topic: MutableTopic = { name, id, partitions: [] }
    this.#byName.set(name, topic)
    this.#byId.set(id, topic)
    if (/[._]/.test(name)) this.#unified.set(unify(name), name)
    this.#delta.topicCreated(topic)
  }

  #removeTopic(topic: MutableTopic): void {
    this.#byName.delete(topic.name)
    this.#byId.delete(topic.id)
    if (this.#unified.get(unify(topic.name)) === topic.name) this.#unified.delete(unify(topic.name))
    this.#partitionCount -= topic.partitions.length
    this.configs.removeResource(ResourceType.topic, topic.name)
    this.#delta.topicDeleted(topic)
  }

  #setPartition(fields: PartitionFields): void {
    const topic = this.#topic(fields.topicId)
    const index = fields.partitionId
    if (index < 0 || index > MAX_PARTITION_INDEX) throw new WireError(`metadata record of partition ${topic.name}-${index}`)
    if (topic.partitions[index] === undefined) this.#partitionCount++
    topic.partitions[index] = newPartition(fields)
    this.#delta.topicChanged(topic)
  }

  #clearElr(name: string): void {
    const cleared = name === '' ? this.#byName.values() : [this.#byName.get(name)]
    for (const topic of cleared) {
      topic?.partitions.forEach((partition, index) => {
        topic.partitions[index] = { ...partition, eligibleLeaderReplicas: [], lastKnownElr: [] }
      })
    }
  }

  #setBroker(broker: BrokerImage): void {
    this.#brokers.set(broker.id, broker)
    this.#delta.brokerChanged(broker.id)
  }

  #topic(id: string): MutableTopic {
    const topic = this.#byId.get(id)
    if (!topic) throw new WireError(`metadata record of unknown topic id ${id}`)
    return topic
  }

  #broker(id: number): BrokerImage {
    const broker = this.#brokers.get(id)
    if (!broker) throw new WireError(`metadata record of unknown broker ${id}`)
    return broker
  }
}

const KEPT: ReadonlySet<number> = new Set([
  RecordType.delegationToken,
  RecordType.accessControlEntry,
  RecordType.removeAccessControlEntry,
  RecordType.zkMigrationState,
  RecordType.removeDelegationToken,
  RecordType.registerController,
  RecordType.unregisterController
])

function isKept(record: ActiveRecord | KeptRecord): record is KeptRecord {
  return KEPT.has(record.type)
}
