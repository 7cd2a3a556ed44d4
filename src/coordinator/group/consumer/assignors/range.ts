/**
 * Contiguous ranges of each topic's partitions, members in the order of their instance ids, then of their ids. Topics with as many partitions
 * and the same subscribers are co-partitioned: a member gets the same partitions of each, so that it can join them.
 */
import type { AssignedMember, Assignment, AssignorInput } from './assignor.js'

export function range({ members, partitions }: AssignorInput): Assignment {
  const assignment = new Map<string, Map<string, Set<number>>>(members.map(({ memberId }) => [memberId, new Map()]))
  const sorted = [...members].toSorted(byIdentity)
  for (const [topicId, count] of partitions) {
    const subscribers = sorted.filter(({ topics }) => topics.has(topicId))
    let first = 0
    for (const [at, { memberId }] of subscribers.entries()) {
      const size = Math.floor(count / subscribers.length) + (at < count % subscribers.length ? 1 : 0)
      if (size > 0) assignment.get(memberId)!.set(topicId, new Set(Array.from({ length: size }, (_, index) => first + index)))
      first += size
    }
  }
  return assignment
}

/** Static members come first: they keep their place when they come back with another id. */
function byIdentity(a: AssignedMember, b: AssignedMember): number {
  if (a.instanceId !== null && b.instanceId !== null) return a.instanceId < b.instanceId ? -1 : a.instanceId > b.instanceId ? 1 : 0
  if (a.instanceId !== null) return -1
  if (b.instanceId !== null) return 1
  return a.memberId < b.memberId ? -1 : 1
}
