/** The names of a classic group's timers. One name is one timer: setting it again replaces it. */
import type { GroupEffects } from '../group-records.js'
import type { ClassicGroup } from './group.js'
import type { ClassicMember } from './member.js'

/** A member that has joined for the first time may wait that long for the join to complete, whatever its session time-out is. */
export const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000

// Ids may hold any character but this one is not seen in practice; a clash would only mix up the timers of the client's own groups.
export const memberKey = (groupId: string, memberId: string): string => `member\0${groupId}\0${memberId}`
const joinKey = (groupId: string): string => `join\0${groupId}`
const syncKey = (groupId: string): string => `sync\0${groupId}`

/** The session of a member, or of an id that is pending. */
export function scheduleSession(effects: GroupEffects, group: ClassicGroup, memberId: string, timeoutMs: number): void {
  effects.schedule(memberKey(group.groupId, memberId), timeoutMs, { type: 'member-expired', groupId: group.groupId, memberId })
}

export function keepSession(effects: GroupEffects, group: ClassicGroup, member: ClassicMember): void {
  scheduleSession(effects, group, member.memberId, member.sessionTimeoutMs)
}

export function cancelSession(effects: GroupEffects, group: ClassicGroup, memberId: string): void {
  effects.cancel(memberKey(group.groupId, memberId))
}

export function scheduleJoin(effects: GroupEffects, group: ClassicGroup): void {
  effects.schedule(joinKey(group.groupId), group.rebalanceTimeoutMs, { type: 'join', groupId: group.groupId })
}

export function scheduleInitialJoin(effects: GroupEffects, group: ClassicGroup, delayMs: number, remainingMs: number): void {
  effects.schedule(joinKey(group.groupId), delayMs, { type: 'initial-join', groupId: group.groupId, delayMs, remainingMs })
}

export function cancelJoin(effects: GroupEffects, group: ClassicGroup): void {
  effects.cancel(joinKey(group.groupId))
}

export function scheduleSync(effects: GroupEffects, group: ClassicGroup): void {
  const { groupId, generation } = group
  effects.schedule(syncKey(groupId), group.rebalanceTimeoutMs, { type: 'sync', groupId, generation })
}

export function cancelSync(effects: GroupEffects, group: ClassicGroup): void {
  effects.cancel(syncKey(group.groupId))
}

/** Of a group that is deleted; it has no members. */
export function cancelAll(effects: GroupEffects, group: ClassicGroup): void {
  cancelJoin(effects, group)
  cancelSync(effects, group)
  for (const memberId of group.pendingJoin) cancelSession(effects, group, memberId)
}
