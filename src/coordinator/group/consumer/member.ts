/** A member of a consumer group, and the sets of partitions that it has and is to have. All of it is immutable: a change makes a new one. */
import type {
  ClassicProtocols,
  ConsumerMemberValue,
  CurrentAssignmentValue,
  OwnedPartitionsValue,
  TopicPartitionsValue
} from '../group-records.js'

/** By topic id. */
export type Partitions = ReadonlyMap<string, ReadonlySet<number>>
/** By topic id and partition: the epoch in which the member got it. */
export type OwnedPartitions = ReadonlyMap<string, ReadonlyMap<number, number>>

/** An id and a length. */
const TOPIC_BYTES = 24

export const NO_PARTITIONS: Partitions = new Map()
export const NOTHING_OWNED: OwnedPartitions = new Map()

/** The numbers are those of the records. */
export const MemberState = {
  /** It has what its epoch's target assignment says. */
  stable: 0,
  /** It was told to give up partitions and has not confirmed that. */
  unrevoked: 1,
  /** It waits for partitions that others have to give up. */
  unreleased: 2
} as const

/** Epochs that are none. */
export const MemberEpoch = { join: 0, leave: -1, leaveStatic: -2 } as const

export interface ConsumerMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Sorted. */
  readonly topicNames: readonly string[]
  /** '': none. */
  readonly regex: string
  readonly rebalanceTimeoutMs: number
  readonly serverAssignor: string | null
  /** Null: it uses the consumer protocol. */
  readonly classic: ClassicProtocols | null
  readonly epoch: number
  readonly previousEpoch: number
  readonly state: number
  readonly assigned: OwnedPartitions
  /** Those it is to give up. */
  readonly revoking: OwnedPartitions
}

export function newMember(memberId: string): ConsumerMember {
  return {
    memberId,
    instanceId: null,
    rackId: null,
    clientId: '',
    clientHost: '',
    topicNames: [],
    regex: '',
    rebalanceTimeoutMs: -1,
    serverAssignor: null,
    classic: null,
    epoch: 0,
    previousEpoch: -1,
    state: MemberState.stable,
    assigned: NOTHING_OWNED,
    revoking: NOTHING_OWNED
  }
}

export function withSubscription(member: ConsumerMember, value: ConsumerMemberValue): ConsumerMember {
  return {
    ...member,
    instanceId: value.instanceId,
    rackId: value.rackId,
    clientId: value.clientId,
    clientHost: value.clientHost,
    topicNames: value.subscribedTopicNames,
    regex: value.subscribedTopicRegex ?? '',
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    serverAssignor: value.serverAssignor,
    classic: value.classicMemberMetadata
  }
}

export function subscriptionOf(member: ConsumerMember): ConsumerMemberValue {
  return {
    instanceId: member.instanceId,
    rackId: member.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: member.topicNames,
    subscribedTopicRegex: member.regex,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    serverAssignor: member.serverAssignor,
    classicMemberMetadata: member.classic
  }
}

export function withCurrent(member: ConsumerMember, value: CurrentAssignmentValue): ConsumerMember {
  return {
    ...member,
    epoch: value.memberEpoch,
    previousEpoch: value.previousMemberEpoch,
    state: value.state,
    assigned: ownedOf(value.assignedPartitions, value.memberEpoch),
    revoking: ownedOf(value.partitionsPendingRevocation, value.memberEpoch)
  }
}

export function currentOf(member: ConsumerMember): CurrentAssignmentValue {
  return {
    memberEpoch: member.epoch,
    previousMemberEpoch: member.previousEpoch,
    state: member.state,
    assignedPartitions: ownedValue(member.assigned),
    partitionsPendingRevocation: ownedValue(member.revoking)
  }
}

function ownedOf(value: readonly OwnedPartitionsValue[], memberEpoch: number): OwnedPartitions {
  if (value.length === 0) return NOTHING_OWNED
  return new Map(
    value.map(({ topicId, partitions, assignmentEpochs }) => [
      topicId,
      new Map(partitions.map((partition, at) => [partition, assignmentEpochs?.[at] ?? memberEpoch]))
    ])
  )
}

function ownedValue(owned: OwnedPartitions): OwnedPartitionsValue[] {
  return [...owned].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions.keys()],
    assignmentEpochs: [...partitions.values()]
  }))
}

export function partitionsOf(value: readonly TopicPartitionsValue[]): Partitions {
  return value.length === 0 ? NO_PARTITIONS : new Map(value.map(({ topicId, partitions }) => [topicId, new Set(partitions)]))
}

/** In the form of requests, responses and records. */
export function topicPartitions(partitions: Partitions | OwnedPartitions): { topicId: string; partitions: number[] }[] {
  return [...partitions].map(([topicId, set]) => ({ topicId, partitions: [...set.keys()] }))
}

/** What they take in a record, with some room for lengths. */
export function storedBytes(partitions: Partitions): number {
  let bytes = 0
  for (const each of partitions.values()) bytes += TOPIC_BYTES + each.size * 4
  return bytes
}

/** Epochs aside. */
export function samePartitions(a: Partitions | OwnedPartitions, b: Partitions | OwnedPartitions): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (!others || others.size !== partitions.size) return false
    for (const partition of partitions.keys()) if (!others.has(partition)) return false
  }
  return true
}

/** Epochs included. */
export function sameOwned(a: OwnedPartitions, b: OwnedPartitions): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (!others || others.size !== partitions.size) return false
    for (const [partition, epoch] of partitions) if (others.get(partition) !== epoch) return false
  }
  return true
}

export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((name, at) => name === b[at]))
}

export function isReconciledTo(member: ConsumerMember, epoch: number): boolean {
  return member.state === MemberState.stable && member.epoch === epoch
}
