/**
 * The state of one consumer group (KIP-848). Hard state is written by `replay` alone; what is counted from it (who subscribes to what, who owns
 * which partition) is kept up to date with it.
 *
 *     group epoch        rises when members, subscriptions or topics change
 *     assignment epoch   the group epoch of which the target assignment was computed
 *     member epoch       the assignment epoch that the member has come to: it rises when it has given up what it must
 */
import { ErrorCode } from '../../../protocol/error-codes.js'
import type { ConsumerRecord, ResolvedRegex } from '../group-records.js'
import type { RegexSearch } from './regex-search.js'
import { refused, type Refusal } from './refusal.js'
import {
  isReconciledTo,
  MemberEpoch,
  MemberState,
  newMember,
  NO_PARTITIONS,
  NOTHING_OWNED,
  partitionsOf,
  withCurrent,
  withSubscription,
  type ConsumerMember,
  type OwnedPartitions,
  type Partitions
} from './member.js'

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable'

export class ConsumerGroup {
  readonly groupId: string
  epoch = 0
  metadataHash = 0n
  assignmentEpoch = 0
  /** When the target assignment was computed; 0: unknown. */
  assignedAt = 0
  /** A record of Apache Kafka 4.0 or before lies in the log, which has to be deleted with the group. */
  hasPartitionMetadata = false
  readonly members = new Map<string, ConsumerMember>()
  /** By instance id. */
  readonly staticMembers = new Map<string, string>()
  readonly targets = new Map<string, Partitions>()
  /** By regular expression. */
  readonly regexes = new Map<string, ResolvedRegex>()
  /** Soft: an epoch whose assignment does not fit the records, and when that was seen. */
  unassignable: { readonly epoch: number; readonly at: number } | undefined
  /** Soft: the topics were not compared with `metadataHash` since they changed. */
  topicsChanged = true
  /** Soft: members of the classic protocol that were told to join again. */
  readonly awaitedJoins = new Set<string>()
  /** Soft: the regular expressions are being looked up. */
  search: RegexSearch | undefined
  readonly #owners = new Map<string, Map<number, string>>()
  readonly #names = new Map<string, number>()
  readonly #regexSubscribers = new Map<string, number>()
  readonly #assignors = new Map<string, number>()
  readonly #classicProtocols = new Map<string, number>()
  #classicMembers = 0

  constructor(groupId: string) {
    this.groupId = groupId
  }

  get state(): ConsumerGroupState {
    if (this.members.size === 0) return 'Empty'
    if (this.epoch > this.assignmentEpoch) return 'Assigning'
    for (const member of this.members.values()) if (!isReconciledTo(member, this.assignmentEpoch)) return 'Reconciling'
    return 'Stable'
  }

  get isEmpty(): boolean {
    return this.members.size === 0
  }

  staticMember(instanceId: string): ConsumerMember | undefined {
    const memberId = this.staticMembers.get(instanceId)
    return memberId === undefined ? undefined : this.members.get(memberId)
  }

  target(memberId: string): Partitions {
    return this.targets.get(memberId) ?? NO_PARTITIONS
  }

  /** Some member has the partition, or is still to give it up. */
  isOwned(topicId: string, partition: number): boolean {
    return this.#owners.get(topicId)?.has(partition) ?? false
  }

  /** Of the regular expressions, those that a member subscribes to. */
  subscribedRegexes(): IterableIterator<string> {
    return this.#regexSubscribers.keys()
  }

  get usesRegexes(): boolean {
    return this.#regexSubscribers.size > 0
  }

  isSubscribedTo(topic: string): boolean {
    if (this.#names.has(topic)) return true
    for (const regex of this.#regexSubscribers.keys()) if (this.regexes.get(regex)?.topics.includes(topic)) return true
    return false
  }

  /** The names that all members together subscribe to, whether or not such topics exist. */
  subscribedTopics(): Set<string> {
    const names = new Set(this.#names.keys())
    for (const regex of this.#regexSubscribers.keys()) for (const name of this.regexes.get(regex)?.topics ?? []) names.add(name)
    return names
  }

  /** The names that one member subscribes to. */
  topicsOf({ topicNames, regex }: ConsumerMember): readonly string[] {
    const matched = regex === '' ? undefined : this.regexes.get(regex)?.topics
    return matched === undefined || matched.length === 0 ? topicNames : [...new Set([...topicNames, ...matched])]
  }

  /** The assignor that most members ask for. */
  get preferredAssignor(): string | undefined {
    let preferred: string | undefined
    for (const [name, count] of this.#assignors) if (preferred === undefined || count > this.#assignors.get(preferred)!) preferred = name
    return preferred
  }

  get classicMembers(): number {
    return this.#classicMembers
  }

  /** Whether a member of the classic protocol can be in this group: one of its protocols suits all members of its kind. */
  supportsClassic(protocolType: string, names: readonly string[]): boolean {
    if (protocolType !== 'consumer' || names.length === 0) return false
    return this.isEmpty || names.some((name) => (this.#classicProtocols.get(name) ?? 0) === this.#classicMembers)
  }

  /** Its target holds a partition that another member has not given up yet. */
  waitsForOthers(member: ConsumerMember): boolean {
    for (const [topicId, partitions] of this.target(member.memberId)) {
      const assigned = member.assigned.get(topicId)
      for (const partition of partitions) if (!assigned?.has(partition) && this.isOwned(topicId, partition)) return true
    }
    return false
  }

  /** Why this member may not commit or fetch with this epoch. Undefined: it may. */
  refusalOf(memberId: string, epoch: number, owned?: (member: ConsumerMember) => boolean): Refusal | undefined {
    const member = this.members.get(memberId)
    if (!member) return refused(ErrorCode.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${this.groupId}.`)
    if (epoch === member.epoch) return undefined
    if (member.classic) {
      return refused(
        ErrorCode.ILLEGAL_GENERATION,
        `The received generation id ${epoch} does not match the expected member epoch ${member.epoch}.`
      )
    }
    // KIP-1251: an older epoch will do as long as the partitions have been the member's since then.
    if (epoch < member.epoch && owned?.(member)) return undefined
    return refused(
      ErrorCode.STALE_MEMBER_EPOCH,
      `The received member epoch ${epoch} does not match the expected member epoch ${member.epoch}.`
    )
  }

  replay(record: ConsumerRecord): void {
    switch (record.part) {
      case 'group':
        this.epoch = record.value?.epoch ?? 0
        this.metadataHash = record.value?.metadataHash ?? 0n
        return
      case 'partition-metadata':
        this.hasPartitionMetadata = record.value !== null
        return
      case 'member':
        if (record.value) this.#put(withSubscription(this.members.get(record.memberId) ?? newMember(record.memberId), record.value))
        else this.#drop(record.memberId)
        return
      case 'target-epoch':
        this.assignmentEpoch = record.value?.assignmentEpoch ?? 0
        this.assignedAt = record.value?.assignmentTimestamp ?? 0
        return
      case 'target':
        if (record.value && record.value.topicPartitions.length > 0)
          this.targets.set(record.memberId, partitionsOf(record.value.topicPartitions))
        else this.targets.delete(record.memberId)
        return
      case 'current':
        return this.#replayCurrent(record)
      case 'regex':
        if (record.value) this.regexes.set(record.regex, record.value)
        else this.regexes.delete(record.regex)
    }
  }

  #replayCurrent({ memberId, value }: Extract<ConsumerRecord, { part: 'current' }>): void {
    const member = this.members.get(memberId)
    if (value) this.#put(withCurrent(member ?? newMember(memberId), value))
    else if (member) {
      const epoch = MemberEpoch.leave
      this.#put({ ...member, epoch, previousEpoch: epoch, state: MemberState.stable, assigned: NOTHING_OWNED, revoking: NOTHING_OWNED })
    }
  }

  #put(member: ConsumerMember): void {
    const before = this.members.get(member.memberId)
    if (before) this.#uncount(before)
    this.members.set(member.memberId, member)
    if (member.instanceId !== null) this.staticMembers.set(member.instanceId, member.memberId)
    for (const name of member.topicNames) vary(this.#names, name, 1)
    if (member.regex !== '') vary(this.#regexSubscribers, member.regex, 1)
    if (member.serverAssignor !== null) vary(this.#assignors, member.serverAssignor, 1)
    if (member.classic) this.#classicMembers++
    for (const { name } of member.classic?.supportedProtocols ?? []) vary(this.#classicProtocols, name, 1)
    this.#own(member.assigned, member.memberId)
    this.#own(member.revoking, member.memberId)
  }

  #drop(memberId: string): void {
    const member = this.members.get(memberId)
    if (!member) return
    this.#uncount(member)
    this.members.delete(memberId)
  }

  #uncount(member: ConsumerMember): void {
    const { memberId, instanceId } = member
    if (instanceId !== null && this.staticMembers.get(instanceId) === memberId) this.staticMembers.delete(instanceId)
    for (const name of member.topicNames) vary(this.#names, name, -1)
    if (member.regex !== '') vary(this.#regexSubscribers, member.regex, -1)
    if (member.serverAssignor !== null) vary(this.#assignors, member.serverAssignor, -1)
    if (member.classic) this.#classicMembers--
    for (const { name } of member.classic?.supportedProtocols ?? []) vary(this.#classicProtocols, name, -1)
    this.#disown(member.assigned, memberId)
    this.#disown(member.revoking, memberId)
  }

  #own(partitions: OwnedPartitions, memberId: string): void {
    for (const [topicId, owned] of partitions) {
      let owners = this.#owners.get(topicId)
      if (!owners) this.#owners.set(topicId, (owners = new Map()))
      for (const partition of owned.keys()) owners.set(partition, memberId)
    }
  }

  /** In a compacted log the record in which a member gave a partition up may come after the one in which the next member got it. */
  #disown(partitions: OwnedPartitions, memberId: string): void {
    for (const [topicId, owned] of partitions) {
      const owners = this.#owners.get(topicId)
      if (!owners) continue
      for (const partition of owned.keys()) if (owners.get(partition) === memberId) owners.delete(partition)
      if (owners.size === 0) this.#owners.delete(topicId)
    }
  }
}

function vary(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by
  if (count <= 0) counts.delete(key)
  else counts.set(key, count)
}
