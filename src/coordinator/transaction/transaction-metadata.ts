/** The hard state of a transactional id, and the partitions of a transaction. Values: a transition makes a new one. */

/** Kafka's names, each at the number that it has in `__transaction_state`. */
export const TRANSACTION_STATES = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence'
] as const
export type TransactionState = (typeof TRANSACTION_STATES)[number]

export const NO_PRODUCER_ID = -1
export const NO_PRODUCER_EPOCH = -1
/** An int16. Reached only inside the coordinator: a producer never gets it. */
export const LARGEST_EPOCH = 0x7fff

/** By topic, the partitions in the order in which they were added. */
export type PartitionSet = ReadonlyMap<string, readonly number[]>
export const NO_PARTITIONS: PartitionSet = new Map()

export interface TransactionMetadata {
  readonly state: TransactionState
  readonly producerId: number
  /** Of the transition before this one: a producer whose answer got lost comes again with it. */
  readonly previousProducerId: number
  /** The id that the producer gets when the transaction is complete, because the epochs of this one are used up; -1: it keeps its own. */
  readonly nextProducerId: number
  readonly producerEpoch: number
  /** What `producerEpoch` was raised from at the producer's own wish; -1: it was not. Not stored: after a restart it is -1. */
  readonly lastProducerEpoch: number
  readonly timeoutMs: number
  readonly partitions: PartitionSet
  /** When the transaction began, milliseconds since the epoch; -1: there was none yet. */
  readonly startMs: number
  readonly lastUpdateMs: number
  /** Transaction version of the client, by which its transaction is ended (KIP-890): 2, if the epoch rises with each. */
  readonly clientVersion: number
}

/** A null value deletes. */
export interface TransactionRecord {
  readonly transactionalId: string
  readonly value: TransactionMetadata | null
}

/** The next epoch but one could not be told to anybody. */
export function isExhausted(epoch: number): boolean {
  return epoch >= LARGEST_EPOCH - 1
}

/** Its end is decided, and markers are on their way. */
export function isEnding({ state }: TransactionMetadata): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort'
}

export function containsAll(partitions: PartitionSet, wanted: PartitionSet): boolean {
  for (const [topic, indexes] of wanted) {
    const known = partitions.get(topic)
    if (known === undefined || indexes.some((index) => !known.includes(index))) return false
  }
  return true
}

export function union(partitions: PartitionSet, added: PartitionSet): PartitionSet {
  const all = new Map(partitions)
  for (const [topic, indexes] of added) all.set(topic, [...new Set([...(all.get(topic) ?? []), ...indexes])])
  return all
}

export function partitionSet(places: Iterable<readonly [topic: string, index: number, ...unknown[]]>): PartitionSet {
  const all = new Map<string, number[]>()
  for (const [topic, index] of places) {
    const indexes = all.get(topic)
    if (indexes === undefined) all.set(topic, [index])
    else if (!indexes.includes(index)) indexes.push(index)
  }
  return all
}
