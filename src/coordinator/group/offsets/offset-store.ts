/**
 * The committed offsets of one shard: hard state, written by replay alone. Offsets of an open transaction are kept apart until its marker
 * comes: they then replace what is older than they are, or vanish.
 */
import type { CommittedOffset } from '../group-records.js'

/** One object for each offset: a broker may have millions. */
class Entry implements CommittedOffset {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestamp: number
  readonly expireTimestamp: number
  readonly topicId: string
  /** Rises with every replayed record: which of two commits is the later one in the log. */
  readonly order: number

  constructor({ offset, leaderEpoch, metadata, commitTimestamp, expireTimestamp, topicId }: CommittedOffset, order: number) {
    this.offset = offset
    this.leaderEpoch = leaderEpoch
    this.metadata = metadata
    this.commitTimestamp = commitTimestamp
    this.expireTimestamp = expireTimestamp
    this.topicId = topicId
    this.order = order
  }
}

/** topic → partition → offset */
type TopicOffsets = Map<string, Map<number, Entry>>

class OffsetTable {
  readonly groups = new Map<string, TopicOffsets>()
  /** Of a transaction: the groups that it has committed for, also if that was deleted since. */
  readonly touched = new Set<string>()

  get(groupId: string, topic: string, partition: number): Entry | undefined {
    return this.groups.get(groupId)?.get(topic)?.get(partition)
  }

  put(groupId: string, topic: string, partition: number, entry: Entry): void {
    let topics = this.groups.get(groupId)
    if (!topics) this.groups.set(groupId, (topics = new Map()))
    let partitions = topics.get(topic)
    if (!partitions) topics.set(topic, (partitions = new Map()))
    partitions.set(partition, entry)
  }

  remove(groupId: string, topic: string, partition: number): void {
    const topics = this.groups.get(groupId)
    const partitions = topics?.get(topic)
    if (!topics || !partitions) return
    partitions.delete(partition)
    if (partitions.size === 0) topics.delete(topic)
    if (topics.size === 0) this.groups.delete(groupId)
  }
}

/** Where an offset belongs. */
export interface OffsetPlace {
  readonly topic: string
  readonly partition: number
}

export class OffsetStore {
  readonly #committed = new OffsetTable()
  /** By producer id. */
  readonly #pending = new Map<number, OffsetTable>()
  /** By group: the producers whose open transactions have committed for it. */
  readonly #open = new Map<string, Set<number>>()
  #order = 0

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#committed.get(groupId, topic, partition)
  }

  /** All offsets of a group, topics and partitions in the order of their first commit. */
  *of(groupId: string): IterableIterator<OffsetPlace & { readonly value: CommittedOffset }> {
    for (const [topic, partitions] of this.#committed.groups.get(groupId) ?? []) {
      for (const [partition, value] of partitions) yield { topic, partition, value }
    }
  }

  has(groupId: string): boolean {
    return this.#committed.groups.has(groupId)
  }

  /** The groups with a committed offset. */
  groupIds(): IterableIterator<string> {
    return this.#committed.groups.keys()
  }

  /** Whether an open transaction has committed an offset there. */
  isPending(groupId: string, topic: string, partition: number): boolean {
    for (const table of this.#openTables(groupId)) if (table.get(groupId, topic, partition)) return true
    return false
  }

  hasPending(groupId: string): boolean {
    for (const table of this.#openTables(groupId)) if (table.groups.has(groupId)) return true
    return false
  }

  /** Of open transactions, each place once. */
  pendingOf(groupId: string): OffsetPlace[] {
    const places = new Map<string, OffsetPlace>()
    for (const table of this.#openTables(groupId)) {
      for (const [topic, partitions] of table.groups.get(groupId) ?? []) {
        for (const partition of partitions.keys()) places.set(`${partition}\0${topic}`, { topic, partition })
      }
    }
    return [...places.values()]
  }

  /** Of a group that no transaction touches, which is the usual case, there is nothing to look through. */
  *#openTables(groupId: string): IterableIterator<OffsetTable> {
    for (const producerId of this.#open.get(groupId) ?? []) yield this.#pending.get(producerId)!
  }

  /** `producerId` -1: not in a transaction. */
  replay(groupId: string, topic: string, partition: number, value: CommittedOffset | null, producerId: number): void {
    const order = this.#order++
    if (value === null) {
      this.#committed.remove(groupId, topic, partition)
      for (const table of this.#openTables(groupId)) table.remove(groupId, topic, partition)
      return
    }
    let table = this.#committed
    if (producerId >= 0) {
      const open = this.#pending.get(producerId) ?? new OffsetTable()
      this.#pending.set(producerId, open)
      let producers = this.#open.get(groupId)
      if (!producers) this.#open.set(groupId, (producers = new Set()))
      producers.add(producerId)
      open.touched.add(groupId)
      table = open
    }
    table.put(groupId, topic, partition, new Entry(value, order))
  }

  replayTransactionEnd(producerId: number, committed: boolean): void {
    const table = this.#pending.get(producerId)
    this.#pending.delete(producerId)
    if (!table) return
    for (const groupId of table.touched) {
      const producers = this.#open.get(groupId)
      producers?.delete(producerId)
      if (producers?.size === 0) this.#open.delete(groupId)
    }
    if (!committed) return
    for (const [groupId, topics] of table.groups) {
      for (const [topic, partitions] of topics) {
        for (const [partition, entry] of partitions) {
          const present = this.#committed.get(groupId, topic, partition)
          if (!present || present.order < entry.order) this.#committed.put(groupId, topic, partition, entry)
        }
      }
    }
  }
}
