/** The records that delete a member, or a whole group. */
import type { ConsumerGroup } from './group.js'
import { emit, type ConsumerTurn } from './target.js'
import { cancelTimers } from './timers.js'

/** The caller begins a new epoch. */
export function removeMember(turn: ConsumerTurn, group: ConsumerGroup, memberId: string): void {
  cancelTimers(turn, group, memberId)
  emit(turn, group, { part: 'current', memberId, value: null })
  emit(turn, group, { part: 'target', memberId, value: null })
  emit(turn, group, { part: 'member', memberId, value: null })
}

/** Everything that is stored of a group but its offsets; the group itself goes last. */
export function removeGroup(turn: ConsumerTurn, group: ConsumerGroup): void {
  const memberIds = [...group.members.keys()]
  for (const memberId of memberIds) cancelTimers(turn, group, memberId)
  for (const memberId of memberIds) emit(turn, group, { part: 'current', memberId, value: null })
  for (const memberId of new Set([...memberIds, ...group.targets.keys()])) emit(turn, group, { part: 'target', memberId, value: null })
  emit(turn, group, { part: 'target-epoch', value: null })
  for (const memberId of memberIds) emit(turn, group, { part: 'member', memberId, value: null })
  for (const regex of group.regexes.keys()) emit(turn, group, { part: 'regex', regex, value: null })
  emit(turn, group, { part: 'partition-metadata', value: null })
  emit(turn, group, { part: 'group', value: null })
}
