/**
 * Brings a member from what it has to what it is to have, one step a heartbeat: it first gives up what is not its any more, and gets what is new
 * when nobody else has it. So a partition has never two owners, without anybody waiting for the whole group (KIP-848).
 *
 *     stable ──the target's epoch is above the member's──┬─ must give up partitions ─► unrevoked: epoch stays, until it confirms
 *                                                        ├─ others hold what is new ─► unreleased: target's epoch, without them
 *                                                        └─ otherwise ───────────────► stable: target's epoch, everything
 */
import { MemberState, type ConsumerMember, type OwnedPartitions, type Partitions } from './member.js'

export interface Reconciliation {
  readonly targetEpoch: number
  readonly target: Partitions
  isOwned(topicId: string, partition: number): boolean
  /** Whether the member still subscribes to the topic: the target assignment may be behind. */
  isSubscribed(topicId: string): boolean
  /** What the member says it has; undefined: it does not say. */
  readonly reported: Partitions | undefined
}

/** The member after one step; the same object if there is nothing to do. */
export function reconcile(member: ConsumerMember, plan: Reconciliation): ConsumerMember {
  switch (member.state) {
    case MemberState.stable: {
      if (member.epoch !== plan.targetEpoch) return next(member, plan, member.epoch)
      const unsubscribed = [...member.assigned.keys()].some((topicId) => !plan.isSubscribed(topicId))
      return unsubscribed ? next(member, plan, member.epoch) : member
    }
    case MemberState.unrevoked:
      return plan.reported === undefined || holdsAny(plan.reported, member.revoking) ? member : next(member, plan, member.epoch + 1)
    case MemberState.unreleased:
      return next(member, plan, member.epoch)
    default:
      // From a later release: it must begin anew, which the caller has seen to.
      return next(member, plan, plan.targetEpoch)
  }
}

/** `epoch`: of the member while it has something to give up. */
function next(member: ConsumerMember, plan: Reconciliation, epoch: number): ConsumerMember {
  const assigned = new Map<string, Map<number, number>>()
  const revoking = new Map<string, Map<number, number>>()
  const added: (readonly [topicId: string, partition: number])[] = []
  let waits = false
  for (const [topicId, owned] of member.assigned) {
    const target = plan.isSubscribed(topicId) ? plan.target.get(topicId) : undefined
    for (const [partition, since] of owned) put(target?.has(partition) ? assigned : revoking, topicId, partition, since)
  }
  for (const [topicId, target] of plan.target) {
    if (!plan.isSubscribed(topicId)) continue
    for (const partition of target) {
      if (assigned.get(topicId)?.has(partition)) continue
      if (plan.isOwned(topicId, partition)) waits = true
      else added.push([topicId, partition])
    }
  }
  const mustRevoke = revoking.size > 0 && (plan.reported === undefined || holdsAny(plan.reported, revoking))
  if (mustRevoke) return moved(member, epoch, MemberState.unrevoked, assigned, revoking)
  for (const [topicId, partition] of added) put(assigned, topicId, partition, plan.targetEpoch)
  return moved(member, plan.targetEpoch, waits ? MemberState.unreleased : MemberState.stable, assigned, new Map())
}

/** The epoch before is remembered: the response with the new one may be lost. */
function moved(member: ConsumerMember, epoch: number, state: number, assigned: OwnedPartitions, revoking: OwnedPartitions): ConsumerMember {
  return { ...member, previousEpoch: member.epoch, epoch, state, assigned, revoking }
}

function holdsAny(reported: Partitions, revoking: OwnedPartitions): boolean {
  for (const [topicId, partitions] of reported) {
    const pending = revoking.get(topicId)
    if (pending) for (const partition of partitions) if (pending.has(partition)) return true
  }
  return false
}

function put(into: Map<string, Map<number, number>>, topicId: string, partition: number, epoch: number): void {
  let partitions = into.get(topicId)
  if (!partitions) into.set(topicId, (partitions = new Map()))
  partitions.set(partition, epoch)
}
