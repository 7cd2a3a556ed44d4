/** SyncGroup of classic groups. */
import { ErrorCode } from '../../../protocol/error-codes.js'
import type { Reply } from '../../shard.js'
import type { SyncGroupRequest, SyncGroupResponse } from '../messages.js'
import { syncError, synced } from './answers.js'
import { storedSize, type ClassicGroup } from './group.js'
import { NO_BYTES } from './member.js'
import { failSyncs, prepareRebalance, type Turn } from './rebalance.js'
import { cancelSync, keepSession } from './timers.js'
import { validateGeneration } from './validate.js'

export function sync(turn: Turn, group: ClassicGroup, request: SyncGroupRequest, reply: Reply<SyncGroupResponse>): void {
  const { effects } = turn
  const error = validate(group, request)
  if (error !== ErrorCode.NONE) return effects.reply(reply, syncError(error))
  const member = group.members.get(request.memberId)!
  switch (group.state) {
    case 'Empty':
    case 'PreparingRebalance':
      return effects.reply(reply, syncError(ErrorCode.REBALANCE_IN_PROGRESS))
    case 'Stable':
      hasSynced(turn, group, member.memberId)
      return effects.reply(reply, synced(group, member.assignment))
    case 'CompletingRebalance':
      // A second SyncGroup takes the place of the first, whose connection is gone.
      group.answerSync(member, syncError(ErrorCode.REBALANCE_IN_PROGRESS), effects)
      member.awaitingSync = reply
      hasSynced(turn, group, member.memberId)
      if (group.leader === member.memberId) assign(turn, group, request)
  }
}

function validate(group: ClassicGroup, request: SyncGroupRequest): number {
  const error = validateGeneration(group, request.memberId, request.groupInstanceId, request.generationId)
  if (error !== ErrorCode.NONE) return error
  const differs = (asked: string | null, actual: string | null): boolean => asked !== null && actual !== null && asked !== actual
  return differs(request.protocolType, group.protocolType) || differs(request.protocolName, group.protocol)
    ? ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    : ErrorCode.NONE
}

function hasSynced({ effects }: Turn, group: ClassicGroup, memberId: string): void {
  group.pendingSync.delete(memberId)
  if (group.pendingSync.size === 0) cancelSync(effects, group)
}

/** The leader's assignment makes the generation: it is stored, the group is stable, and everyone who waits gets his part. */
function assign(turn: Turn, group: ClassicGroup, request: SyncGroupRequest): void {
  const { effects, config } = turn
  const assignments = new Map(request.assignments.map(({ memberId, assignment }) => [memberId, assignment]))
  const stored = group.store(effects.now, ({ memberId }) => assignments.get(memberId) ?? NO_BYTES)
  if (storedSize(stored) > config.maxRecordBytes) {
    failSyncs(turn, group, ErrorCode.UNKNOWN_SERVER_ERROR)
    return prepareRebalance(turn, group)
  }
  effects.emit({ type: 'group', groupId: group.groupId, value: stored })
  for (const member of group.members.values()) {
    if (group.answerSync(member, synced(group, member.assignment), effects)) keepSession(effects, group, member)
  }
}
