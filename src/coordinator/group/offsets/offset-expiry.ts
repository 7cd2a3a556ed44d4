/** Offsets that go by themselves: too old, or of a topic that is no more. */
import { ClassicGroup, CONSUMER } from '../classic/group.js'
import type { ConsumerGroup } from '../consumer/group.js'
import type { GroupConfig } from '../group-config.js'
import type { CommittedOffset, GroupEffects } from '../group-records.js'
import type { OffsetPlace, OffsetStore } from './offset-store.js'

export function deleteOffset(effects: GroupEffects, groupId: string, { topic, partition }: OffsetPlace): void {
  effects.emit({ type: 'offset', groupId, topic, partition, value: null })
}

/** Removes everything a group has committed, in open transactions as well. */
export function deleteAllOffsets(effects: GroupEffects, store: OffsetStore, groupId: string): void {
  for (const place of [...store.of(groupId), ...store.pendingOf(groupId)]) deleteOffset(effects, groupId, place)
}

/**
 * Removes the expired offsets of a group. True if none is left that keeps the group. Since when an offset is unused (KIP-211):
 *
 *     group                                    retention counts from
 *     without group management                 its commit
 *     Empty                                    the moment in which the group became empty
 *     Stable, consumers, topic not subscribed  its commit
 *     of the consumer protocol, not subscribed its commit
 *     others                                   never expires
 */
export function expireOffsets(
  effects: GroupEffects,
  store: OffsetStore,
  group: ClassicGroup | ConsumerGroup,
  config: GroupConfig
): boolean {
  if (!store.has(group.groupId)) return !store.hasPending(group.groupId)
  const expires = expiryRule(group)
  if (!expires) return false
  let kept = false
  for (const { topic, partition, value } of store.of(group.groupId)) {
    const expired =
      !group.isSubscribedTo(topic) &&
      !store.isPending(group.groupId, topic, partition) &&
      (value.expireTimestamp >= 0 ? effects.now >= value.expireTimestamp : effects.now - expires(value) >= config.offsetsRetentionMs)
    if (expired) deleteOffset(effects, group.groupId, { topic, partition })
    else kept = true
  }
  return !kept && !store.hasPending(group.groupId)
}

function expiryRule(group: ClassicGroup | ConsumerGroup): ((offset: CommittedOffset) => number) | undefined {
  if (!(group instanceof ClassicGroup) || group.protocolType === null) return ({ commitTimestamp }) => commitTimestamp
  if (group.state === 'Empty') {
    return ({ commitTimestamp }) => (group.currentStateTimestamp < 0 ? commitTimestamp : group.currentStateTimestamp)
  }
  if (group.protocolType === CONSUMER && group.subscribedTopics && group.state === 'Stable') {
    return ({ commitTimestamp }) => commitTimestamp
  }
  return undefined
}
