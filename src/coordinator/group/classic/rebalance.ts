/**
 * A rebalance of a classic group.
 *
 *     Empty ──first member──► PreparingRebalance ──all joined, or time is up──► CompletingRebalance ──leader's sync stored──► Stable
 *       ▲                          ▲      │                                           │                                        │
 *       └────────nobody left───────┼──────┘                                           │                                        │
 *                                  └────────────────member joins, changes, leaves, expires────────────────────────────────────┘
 *
 * The first rebalance of an empty group waits group.initial.rebalance.delay.ms, again and again while members come, up to their rebalance
 * time-out (KIP-134). Later ones wait for all known members, at most the longest rebalance time-out.
 */
import { ErrorCode } from '../../../protocol/error-codes.js'
import type { GroupConfig } from '../group-config.js'
import type { StandingAnswers } from '../../standing-answers.js'
import type { GroupEffects } from '../group-records.js'
import { joinError, joined, syncError, UNKNOWN_MEMBER } from './answers.js'
import type { ClassicGroup } from './group.js'
import { NO_BYTES, type ClassicMember } from './member.js'
import { cancelJoin, cancelSession, cancelSync, keepSession, scheduleInitialJoin, scheduleJoin, scheduleSync } from './timers.js'

/** What every operation on a classic group has at hand. */
export interface Turn {
  readonly config: GroupConfig
  readonly effects: GroupEffects
  readonly standing?: StandingAnswers
}

/** Something changed that the members must agree on anew. */
export function rebalanceOrCompleteJoin(turn: Turn, group: ClassicGroup): void {
  if (group.canRebalance) prepareRebalance(turn, group)
  else maybeCompleteJoin(turn, group)
}

export function prepareRebalance(turn: Turn, group: ClassicGroup): void {
  const { effects, config } = turn
  if (group.state === 'CompletingRebalance') failSyncs(turn, group, ErrorCode.REBALANCE_IN_PROGRESS)
  group.pendingSync.clear()
  cancelSync(effects, group)
  const initial = group.state === 'Empty'
  group.transitionTo('PreparingRebalance', effects.now)
  if (initial) {
    group.newMemberAdded = false
    const delayMs = config.initialRebalanceDelayMs
    scheduleInitialJoin(effects, group, delayMs, Math.max(group.rebalanceTimeoutMs - delayMs, 0))
  } else if (group.hasAllMembersJoined) completeJoin(turn, group)
  else scheduleJoin(effects, group)
}

/** Completes the join phase when all are there; not during the initial delay, whose timer completes it. */
export function maybeCompleteJoin(turn: Turn, group: ClassicGroup): void {
  if (group.state !== 'PreparingRebalance' || group.previousState === 'Empty') return
  if (group.hasAllMembersJoined) completeJoin(turn, group)
}

/** The initial delay is over: it is prolonged if members came meanwhile and the rebalance time-out allows. */
export function onInitialJoinTimer(turn: Turn, group: ClassicGroup, delayMs: number, remainingMs: number): void {
  if (group.state !== 'PreparingRebalance') return
  if (!group.newMemberAdded || remainingMs === 0) return completeJoin(turn, group)
  group.newMemberAdded = false
  const next = Math.min(turn.config.initialRebalanceDelayMs, remainingMs)
  scheduleInitialJoin(turn.effects, group, next, Math.max(remainingMs - delayMs, 0))
}

export function onJoinTimer(turn: Turn, group: ClassicGroup): void {
  if (group.state === 'PreparingRebalance') completeJoin(turn, group)
}

/** Ends the join phase with those who came. Dynamic members who did not are removed, static ones stay until their session ends. */
export function completeJoin(turn: Turn, group: ClassicGroup): void {
  const { effects } = turn
  cancelJoin(effects, group)
  for (const member of group.members.values()) {
    if (member.awaitingJoin || member.isStatic) continue
    group.remove(member.memberId)
    cancelSession(effects, group, member.memberId)
  }
  if (group.members.size === 0) return becomeEmpty(turn, group)
  // Only static members are left and none has come: wait for one, or for their sessions to end.
  if (!group.electJoinedLeader()) return scheduleJoin(effects, group)
  group.beginGeneration(effects.now)
  for (const memberId of group.members.keys()) group.pendingSync.add(memberId)
  scheduleSync(effects, group)
  for (const member of group.members.values()) {
    keepSession(effects, group, member)
    member.isNew = false
    group.answerJoin(member, joined(group, member.memberId), effects)
  }
}

function becomeEmpty({ effects }: Turn, group: ClassicGroup): void {
  effects.emit({
    type: 'group',
    groupId: group.groupId,
    value: {
      protocolType: group.protocolType ?? '',
      generation: group.generation + 1,
      protocol: null,
      leader: null,
      currentStateTimestamp: effects.now,
      members: []
    }
  })
}

/** Members that have not sent their SyncGroup in time are removed, and the others asked to join again. */
export function onSyncTimer(turn: Turn, group: ClassicGroup, generation: number): void {
  if (generation !== group.generation || group.pendingSync.size === 0) return
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return
  for (const memberId of group.pendingSync) {
    group.remove(memberId)
    cancelSession(turn.effects, group, memberId)
  }
  prepareRebalance(turn, group)
}

/** Answers all parked SyncGroups with an error and forgets the assignments. */
export function failSyncs({ effects }: Turn, group: ClassicGroup, errorCode: number): void {
  for (const member of group.members.values()) {
    member.assignment = NO_BYTES
    if (group.answerSync(member, syncError(errorCode), effects)) keepSession(effects, group, member)
  }
}

/** Takes a member out of the group, answering what it has parked. The caller decides what becomes of the group. */
export function dismiss({ effects }: Turn, group: ClassicGroup, member: ClassicMember): void {
  cancelSession(effects, group, member.memberId)
  group.answerJoin(member, joinError(ErrorCode.UNKNOWN_MEMBER_ID, UNKNOWN_MEMBER), effects)
  group.answerSync(member, syncError(ErrorCode.UNKNOWN_MEMBER_ID), effects)
  group.remove(member.memberId)
}
