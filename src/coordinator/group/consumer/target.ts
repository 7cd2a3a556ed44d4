/** The group epoch, and the target assignment that follows it. */
import type { StandingAnswers } from '../../standing-answers.js'
import type { GroupConfig } from '../group-config.js'
import type { ConsumerRecord, GroupEffects } from '../group-records.js'
import type { GroupTopics } from '../group-topics.js'
import { groupHash } from '../metadata-hash.js'
import { assignorOf, type AssignedMember, type AssignorInput } from './assignors/assignor.js'
import type { ConsumerGroup } from './group.js'
import { RegexSearch, SLICE_STEPS } from './regex-search.js'
import { NO_PARTITIONS, samePartitions, storedBytes, topicPartitions, type ConsumerMember, type Partitions } from './member.js'

/** What every operation on a consumer group has at hand. */
export interface ConsumerTurn {
  readonly config: GroupConfig
  readonly effects: GroupEffects
  readonly topics: GroupTopics
  readonly standing?: StandingAnswers
}

/** Of a group whose first member subscribes to nothing; as with Apache Kafka, a subscription begins the next one. */
const FIRST_EPOCH = 1
/** An assignment that did not fit is tried again so much later: something else may have made room. */
const RETRY_MS = 10_000
const BYTES_OF_PARTITION = 4
/** No key of a subscription. */
const ASKED = '?'

type Part<P extends ConsumerRecord['part']> = Omit<Extract<ConsumerRecord, { part: P }>, 'type' | 'groupId'>
/** A record without what is the same for all of a group. */
export type AnyPart = { [P in ConsumerRecord['part']]: Part<P> }[ConsumerRecord['part']]

export function emit({ effects }: ConsumerTurn, { groupId }: ConsumerGroup, part: AnyPart): void {
  effects.emit({ type: 'consumer', groupId, ...part } as ConsumerRecord)
}

/** A number that stands for all that an assignment depends on but the members; 0: no topic. */
export function metadataHash({ topics }: ConsumerTurn, group: ConsumerGroup): bigint {
  const hashes: bigint[] = []
  for (const name of [...group.subscribedTopics()].toSorted()) {
    const topic = topics.byName(name)
    if (topic) hashes.push(topic.hash)
  }
  return groupHash(hashes)
}

/** Begins a new epoch if `changed`, or if the topics that the group subscribes to have changed since it last looked. */
export function followChanges(turn: ConsumerTurn, group: ConsumerGroup, changed: boolean): void {
  if (!changed && !group.topicsChanged) return
  group.topicsChanged = false
  const hash = metadataHash(turn, group)
  if (changed || hash !== group.metadataHash) nextEpoch(turn, group, hash)
  else if (group.epoch === 0) emit(turn, group, { part: 'group', value: { epoch: FIRST_EPOCH, metadataHash: hash } })
}

export function nextEpoch(turn: ConsumerTurn, group: ConsumerGroup, hash = metadataHash(turn, group)): void {
  if (group.hasPartitionMetadata) emit(turn, group, { part: 'partition-metadata', value: null })
  emit(turn, group, { part: 'group', value: { epoch: Math.max(group.epoch, FIRST_EPOCH) + 1, metadataHash: hash } })
}

/**
 * Computes the target assignment of the group's epoch, if it is behind. Not more often than every consumer.assignment.interval.ms (KIP-1263):
 * members that come one after the other are assigned together. A first assignment waits for nothing.
 */
export function followEpoch(turn: ConsumerTurn, group: ConsumerGroup): void {
  if (group.epoch <= group.assignmentEpoch) return
  const { now } = turn.effects
  const sinceLast = now - group.assignedAt
  // A clock that was set back must not keep a group from being assigned.
  const tooSoon = sinceLast >= 0 && sinceLast < turn.config.consumer.assignmentIntervalMs(group.groupId)
  if (group.assignmentEpoch > 0 && tooSoon) return
  const { unassignable } = group
  const triedNow = unassignable?.epoch === group.epoch && now - unassignable.at < RETRY_MS
  if (triedNow) return
  const assignor = assignorOf(group.preferredAssignor ?? turn.config.consumer.assignors[0] ?? 'uniform')
  const assignment = assignor(inputOf(turn, group))
  group.unassignable = undefined
  if (!fitsRecords(turn, assignment)) {
    group.unassignable = { epoch: group.epoch, at: now }
    return
  }
  for (const memberId of group.members.keys()) {
    const target = assignment.get(memberId) ?? NO_PARTITIONS
    if (samePartitions(target, group.target(memberId))) continue
    emit(turn, group, { part: 'target', memberId, value: { topicPartitions: topicPartitions(target) } })
  }
  emit(turn, group, { part: 'target-epoch', value: { assignmentEpoch: group.epoch, assignmentTimestamp: now } })
}

/** A member's record holds what it has beside what it is to give up: each gets half of it. */
function fitsRecords({ config }: ConsumerTurn, assignment: ReadonlyMap<string, Partitions>): boolean {
  for (const target of assignment.values()) if (storedBytes(target) > config.maxRecordBytes / 2) return false
  return true
}

/**
 * Whether some member would get more partitions than a record can hold, if `asked` were in the group as it is given. The assignment is tried only
 * where that could be. A regular expression that is new to the group is looked up for it, if that takes no more than a slice.
 */
export function tooManyPartitions(turn: ConsumerTurn, group: ConsumerGroup | undefined, asked: ConsumerMember): boolean {
  const { topics, config } = turn
  const names = new Set([...asked.topicNames, ...topicsOfRegex(turn, group, asked.regex)])
  let bytes = 0
  for (const name of names) bytes += BYTES_OF_PARTITION * (topics.byName(name)?.partitions ?? 0)
  if (bytes <= config.maxRecordBytes / 4) return false
  const assignor = assignorOf(group?.preferredAssignor ?? turn.config.consumer.assignors[0] ?? 'uniform')
  return !fitsRecords(turn, assignor(inputOf(turn, group, { member: asked, topicNames: [...names] })))
}

function topicsOfRegex({ topics }: ConsumerTurn, group: ConsumerGroup | undefined, regex: string): readonly string[] {
  if (regex === '') return []
  const known = group?.regexes.get(regex)
  if (known) return known.topics
  const search = new RegexSearch([regex], topics.names(), topics.version)
  return (search.run(SLICE_STEPS) && search.found.get(regex)) || []
}

/** A member that is not in the group yet, or as it is not yet, with all topics that it subscribes to. */
interface Asked {
  readonly member: ConsumerMember
  readonly topicNames: readonly string[]
}

function inputOf({ topics }: ConsumerTurn, group: ConsumerGroup | undefined, asked?: Asked): AssignorInput {
  const partitions = new Map<string, number>()
  // Most members subscribe alike: they share a set.
  const sets = new Map<string, ReadonlySet<string>>()
  const setOf = (names: readonly string[], key: string): ReadonlySet<string> => {
    const known = sets.get(key)
    if (known) return known
    const ids = new Set<string>()
    for (const name of names) {
      const topic = topics.byName(name)
      if (topic) ids.add(topic.id)
      if (topic) partitions.set(topic.id, topic.partitions)
    }
    sets.set(key, ids)
    return ids
  }
  const members: AssignedMember[] = []
  const all = new Map(group?.members)
  if (asked) all.set(asked.member.memberId, asked.member)
  for (const member of all.values()) {
    const { memberId, instanceId, topicNames, regex } = member
    const ids =
      member === asked?.member
        ? setOf(asked.topicNames, ASKED)
        : setOf(group?.topicsOf(member) ?? topicNames, `${regex}\0${topicNames.join('\0')}`)
    members.push({ memberId, instanceId, topics: ids, current: group?.target(memberId) ?? NO_PARTITIONS })
  }
  return { members, partitions }
}
