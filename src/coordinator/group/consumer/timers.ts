/** The names of a consumer group's timers. */
import type { ConsumerGroup } from './group.js'
import type { ConsumerMember } from './member.js'
import type { ConsumerTurn } from './target.js'

const key = (kind: string, groupId: string, memberId: string): string => `consumer-${kind}\0${groupId}\0${memberId}`

export const sessionKey = (groupId: string, memberId: string): string => key('session', groupId, memberId)

/** A member of the classic protocol has a session time-out of its own. */
export function keepSession({ effects, config }: ConsumerTurn, { groupId }: ConsumerGroup, { memberId, classic }: ConsumerMember): void {
  const timeoutMs = classic?.sessionTimeoutMs ?? config.consumer.sessionTimeoutMs(groupId)
  effects.schedule(sessionKey(groupId, memberId), timeoutMs, { type: 'consumer-expired', groupId, memberId })
}

/** The member must have given up what it was told to when its rebalance time-out is over. */
export function awaitRevocation({ effects }: ConsumerTurn, { groupId }: ConsumerGroup, member: ConsumerMember): void {
  const { memberId, epoch: memberEpoch, rebalanceTimeoutMs } = member
  effects.schedule(key('revocation', groupId, memberId), rebalanceTimeoutMs, {
    type: 'consumer-revocation',
    groupId,
    memberId,
    memberEpoch
  })
}

export function revocationDone({ effects }: ConsumerTurn, { groupId }: ConsumerGroup, memberId: string): void {
  effects.cancel(key('revocation', groupId, memberId))
}

/** A member of the classic protocol was told to join again. What is set stays. */
export function awaitJoin({ effects }: ConsumerTurn, group: ConsumerGroup, member: ConsumerMember): void {
  const { groupId } = group
  const { memberId, rebalanceTimeoutMs } = member
  if (group.awaitedJoins.has(memberId)) return
  group.awaitedJoins.add(memberId)
  effects.schedule(key('join', groupId, memberId), rebalanceTimeoutMs, { type: 'consumer-expired', groupId, memberId })
}

export function joinDone({ effects }: ConsumerTurn, group: ConsumerGroup, memberId: string): void {
  group.awaitedJoins.delete(memberId)
  effects.cancel(key('join', group.groupId, memberId))
}

/** A member of the classic protocol has joined: its SyncGroup must follow. */
export function awaitSync({ effects }: ConsumerTurn, { groupId }: ConsumerGroup, memberId: string, timeoutMs: number): void {
  effects.schedule(key('sync', groupId, memberId), timeoutMs, { type: 'consumer-expired', groupId, memberId })
}

export function syncDone({ effects }: ConsumerTurn, { groupId }: ConsumerGroup, memberId: string): void {
  effects.cancel(key('sync', groupId, memberId))
}

export function cancelTimers({ effects }: ConsumerTurn, group: ConsumerGroup, memberId: string): void {
  for (const kind of ['session', 'revocation', 'join', 'sync']) effects.cancel(key(kind, group.groupId, memberId))
  group.awaitedJoins.delete(memberId)
}

export function scheduleRegexes({ effects }: ConsumerTurn, { groupId }: ConsumerGroup): void {
  effects.schedule(key('regexes', groupId, ''), 0, { type: 'consumer-regexes', groupId })
}

export function cancelRegexes({ effects }: ConsumerTurn, { groupId }: ConsumerGroup): void {
  effects.cancel(key('regexes', groupId, ''))
}
