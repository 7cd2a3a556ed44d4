/** Which group a ConsumerGroupHeartbeat means: one that exists, a new one, or a classic one that becomes a consumer group. */
import { ErrorCode } from '../../../protocol/error-codes.js'
import type { ClassicGroup } from '../classic/group.js'
import { cancelAll } from '../classic/timers.js'
import type { GroupDirectory } from './directory.js'
import type { ConsumerGroup } from './group.js'
import { refused, type Refusal } from './refusal.js'
import type { ConsumerTurn } from './target.js'
import { upgrade, upgradeOf, type Upgrade } from './upgrade.js'

export interface Place {
  /** Undefined: it does not exist yet. */
  readonly group: ConsumerGroup | undefined
  /** A classic group without members, which gives way. */
  readonly replaces?: ClassicGroup
  readonly upgrade?: Upgrade
}

/** Changes nothing. Only who joins may make or convert a group. */
export function consumerGroupFor(turn: ConsumerTurn, directory: GroupDirectory, groupId: string, joins: boolean): Place | Refusal {
  const group = directory.consumer(groupId)
  if (group) return { group }
  const classic = directory.classic(groupId)
  if (!classic && directory.otherKind(groupId) === undefined) {
    return joins ? { group: undefined } : refused(ErrorCode.GROUP_ID_NOT_FOUND, `Consumer group ${groupId} not found.`)
  }
  if (!classic || !joins) return notConsumer(groupId)
  if (classic.state === 'Empty') return { group: undefined, replaces: classic }
  const planned = upgradeOf(turn, classic)
  return 'errorCode' in planned ? planned : { group: planned.group, upgrade: planned }
}

export function notConsumer(groupId: string): Refusal {
  return refused(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a consumer group.`)
}

/** Makes the place what it is to be; a new group begins with its first member. */
export function enter(turn: ConsumerTurn, { replaces, upgrade: planned }: Place): void {
  const { effects } = turn
  if (replaces) {
    cancelAll(effects, replaces)
    if (replaces.stored) effects.emit({ type: 'group', groupId: replaces.groupId, value: null })
  }
  if (planned) upgrade(turn, planned)
}
