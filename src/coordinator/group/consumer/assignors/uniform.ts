/**
 * As even as subscriptions allow, with as few moves as that takes.
 *
 * Members with one subscription: each keeps what it has up to its share, the rest fills up those that have less. With different subscriptions
 * each partition without owner goes to the subscriber that has least; then partitions move from a member to one that has at least two fewer,
 * until no such move is left. Each move makes the sum of the squares smaller, so that this ends.
 */
import type { AssignedMember, Assignment, AssignorInput } from './assignor.js'

interface Holder {
  readonly member: AssignedMember
  readonly held: Map<string, Set<number>>
  size: number
}

type TopicPartition = readonly [topicId: string, partition: number]

export function uniform(input: AssignorInput): Assignment {
  const holders = input.members.map((member): Holder => ({ member, held: new Map(), size: 0 }))
  if (holders.length > 0) {
    if (isHomogeneous(input.members)) assignEvenly(input, holders)
    else assignByLoad(input, holders)
  }
  return new Map(holders.map(({ member, held }) => [member.memberId, held]))
}

function isHomogeneous(members: readonly AssignedMember[]): boolean {
  const first = members[0]?.topics
  return members.every(({ topics }) => topics === first || (topics.size === first!.size && [...topics].every((id) => first!.has(id))))
}

function assignEvenly(input: AssignorInput, holders: readonly Holder[]): void {
  let total = 0
  for (const count of input.partitions.values()) total += count
  const share = Math.floor(total / holders.length)
  // Those that have more than the share already are the first to keep one more.
  let extras = total % holders.length
  const quotas = new Map<Holder, number>()
  const validOf = new Map(holders.map((holder) => [holder, validPartitions(holder.member, input)]))
  const giveQuota = (holder: Holder): void => {
    quotas.set(holder, extras > 0 ? share + 1 : share)
    extras--
  }
  for (const holder of holders) if (extras > 0 && validOf.get(holder)!.length > share) giveQuota(holder)
  for (const holder of holders) if (!quotas.has(holder)) giveQuota(holder)
  const taken = new Map<string, Set<number>>()
  for (const holder of holders) {
    for (const [topicId, partition] of validOf.get(holder)!) {
      if (holder.size < quotas.get(holder)! && claim(taken, topicId, partition)) take(holder, topicId, partition)
    }
  }
  const unfilled = holders.filter((holder) => holder.size < quotas.get(holder)!)
  let next = 0
  for (const [topicId, partition] of unclaimed(input, taken)) {
    const holder = unfilled[next % unfilled.length]!
    take(holder, topicId, partition)
    if (holder.size < quotas.get(holder)!) next++
    else unfilled.splice(next % unfilled.length, 1)
    if (unfilled.length > 0) next %= unfilled.length
  }
}

function assignByLoad(input: AssignorInput, holders: readonly Holder[]): void {
  const subscribers = new Map<string, Holder[]>()
  for (const topicId of input.partitions.keys())
    subscribers.set(
      topicId,
      holders.filter(({ member }) => member.topics.has(topicId))
    )
  const taken = new Map<string, Set<number>>()
  for (const holder of holders) {
    for (const [topicId, partition] of validPartitions(holder.member, input)) {
      if (claim(taken, topicId, partition)) take(holder, topicId, partition)
    }
  }
  // Topics with few subscribers leave the least choice: they go first.
  const open = [...unclaimed(input, taken)].toSorted(([a], [b]) => subscribers.get(a)!.length - subscribers.get(b)!.length)
  for (const [topicId, partition] of open) {
    const least = leastLoaded(subscribers.get(topicId)!)
    if (least) take(least, topicId, partition)
  }
  let moved = true
  while (moved) {
    moved = false
    for (const [topicId, candidates] of subscribers) moved = level(topicId, candidates) || moved
  }
}

/** Moves partitions of one topic until its subscribers cannot be levelled by them. */
function level(topicId: string, candidates: readonly Holder[]): boolean {
  let moved = false
  for (;;) {
    const least = leastLoaded(candidates)
    let most: Holder | undefined
    for (const holder of candidates) if (holder.held.has(topicId) && (!most || holder.size > most.size)) most = holder
    if (!least || !most || most.size - least.size < 2) return moved
    const partitions = most.held.get(topicId)!
    const partition = lastOf(partitions)
    partitions.delete(partition)
    if (partitions.size === 0) most.held.delete(topicId)
    most.size--
    take(least, topicId, partition)
    moved = true
  }
}

function lastOf(partitions: ReadonlySet<number>): number {
  let last = -1
  for (const partition of partitions) last = partition
  return last
}

function leastLoaded(holders: readonly Holder[]): Holder | undefined {
  let least: Holder | undefined
  for (const holder of holders) if (!least || holder.size < least.size) least = holder
  return least
}

/** What a member has now and may keep: of topics that exist and that it subscribes to. */
function validPartitions({ topics, current }: AssignedMember, { partitions }: AssignorInput): TopicPartition[] {
  const valid: TopicPartition[] = []
  for (const [topicId, held] of current) {
    const count = topics.has(topicId) ? (partitions.get(topicId) ?? 0) : 0
    for (const partition of held) if (partition < count) valid.push([topicId, partition])
  }
  return valid
}

function* unclaimed({ partitions }: AssignorInput, taken: ReadonlyMap<string, ReadonlySet<number>>): Generator<TopicPartition> {
  for (const [topicId, count] of partitions) {
    const claimed = taken.get(topicId)
    for (let partition = 0; partition < count; partition++) if (!claimed?.has(partition)) yield [topicId, partition]
  }
}

/** False if another member has it. */
function claim(taken: Map<string, Set<number>>, topicId: string, partition: number): boolean {
  let claimed = taken.get(topicId)
  if (!claimed) taken.set(topicId, (claimed = new Set()))
  return claimed.size < claimed.add(partition).size
}

function take(holder: Holder, topicId: string, partition: number): void {
  let partitions = holder.held.get(topicId)
  if (!partitions) holder.held.set(topicId, (partitions = new Set()))
  partitions.add(partition)
  holder.size++
}
