/** What groups need to know of topics: consumer groups are assigned partitions by the broker. */
import type { MetadataImage, TopicImage } from '../../metadata/image.js'
import type { MetadataDelta } from '../../metadata/metadata-source.js'
import { topicHash } from './metadata-hash.js'

export interface GroupTopic {
  readonly name: string
  readonly id: string
  readonly partitions: number
  /** Of name, id, number of partitions and their racks, as Apache Kafka computes it: whether something changed that matters to an assignment. */
  readonly hash: bigint
}

export interface GroupTopics {
  byName(name: string): GroupTopic | undefined
  byId(id: string): GroupTopic | undefined
  names(): Iterable<string>
  /** Rises with every change of the metadata. */
  readonly version: number
  /** The version in which the newest topic was made, or an earlier one. */
  readonly createdVersion: number
}

export const NO_TOPICS: GroupTopics = { byName: () => undefined, byId: () => undefined, names: () => [], version: 0, createdVersion: 0 }

/** The topics of a metadata image. It must be told of every change of them. */
export class ImageTopics implements GroupTopics {
  readonly #source: { readonly image: MetadataImage; readonly offset: number }
  readonly #known = new Map<string, GroupTopic>()
  #created = 0

  constructor(source: { readonly image: MetadataImage; readonly offset: number }) {
    this.#source = source
  }

  get version(): number {
    return Math.max(0, this.#source.offset)
  }

  /** Which topics a start has found is not known: the newest may be among them. */
  get createdVersion(): number {
    return (this.#created ||= this.version)
  }

  byName(name: string): GroupTopic | undefined {
    return this.#of(this.#source.image.topicByName(name))
  }

  byId(id: string): GroupTopic | undefined {
    return this.#of(this.#source.image.topicById(id))
  }

  *names(): Iterable<string> {
    for (const { name } of this.#source.image.topics()) yield name
  }

  /** True: something changed that groups may have to be told. */
  follow({ changedTopics, deletedTopics, createdTopics, changedBrokers }: MetadataDelta): boolean {
    for (const { id } of [...changedTopics, ...deletedTopics]) this.#known.delete(id)
    if (createdTopics.length > 0) this.#created = this.version
    // Racks belong to brokers: one that registers anew may have another.
    if (changedBrokers.length > 0) this.#known.clear()
    return changedTopics.length + deletedTopics.length + changedBrokers.length > 0
  }

  #of(topic: TopicImage | undefined): GroupTopic | undefined {
    if (!topic) return undefined
    const known = this.#known.get(topic.id)
    if (known) return known
    const { name, id } = topic
    const racks = topic.partitions.map(({ replicas }) =>
      replicas.map((replica) => this.#source.image.broker(replica)?.rack ?? null).filter((rack) => rack !== null)
    )
    const made: GroupTopic = { name, id, partitions: topic.partitions.length, hash: topicHash({ name, id, racks }) }
    this.#known.set(id, made)
    return made
  }
}
