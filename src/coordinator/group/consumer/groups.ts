/** The consumer groups of one shard: replay, timers, and what other requests ask of them. */
import type { ClassicGroup } from '../classic/group.js'
import type { ConsumerRecord, GroupTimer, OtherKind } from '../group-records.js'
import type { GroupDirectory } from './directory.js'
import { ConsumerGroup } from './group.js'
import { fence } from './leave.js'
import { MemberState } from './member.js'
import { continueSearch } from './regexes.js'
import { followChanges, type ConsumerTurn } from './target.js'
import { awaitRevocation, keepSession } from './timers.js'

type ConsumerTimer = Extract<GroupTimer, { type: `consumer-${string}` }>

interface Others {
  readonly classic: (groupId: string) => ClassicGroup | undefined
  readonly otherKind: (groupId: string) => OtherKind | undefined
  readonly newUuid: () => string
}

export class ConsumerGroups implements GroupDirectory {
  readonly #groups = new Map<string, ConsumerGroup>()
  readonly classic: Others['classic']
  readonly otherKind: Others['otherKind']
  readonly newUuid: Others['newUuid']

  constructor({ classic, otherKind, newUuid }: Others) {
    this.classic = classic
    this.otherKind = otherKind
    this.newUuid = newUuid
  }

  get(groupId: string): ConsumerGroup | undefined {
    return this.#groups.get(groupId)
  }

  consumer(groupId: string): ConsumerGroup | undefined {
    return this.#groups.get(groupId)
  }

  values(): IterableIterator<ConsumerGroup> {
    return this.#groups.values()
  }

  /** A group begins with any of its records and ends with the deletion of its epoch. */
  replay(record: ConsumerRecord): void {
    const { groupId, part, value } = record
    let group = this.#groups.get(groupId)
    if (part === 'group' && value === null) {
      this.#groups.delete(groupId)
      return
    }
    if (!group) {
      if (value === null) return
      this.#groups.set(groupId, (group = new ConsumerGroup(groupId)))
    }
    group.replay(record)
  }

  onLoaded(turn: ConsumerTurn): void {
    for (const group of this.#groups.values()) {
      for (const member of group.members.values()) {
        keepSession(turn, group, member)
        if (!member.classic && member.state === MemberState.unrevoked) awaitRevocation(turn, group, member)
      }
    }
  }

  /** Topics came, went or changed: each group looks at its own with its next heartbeat. */
  onTopicsChanged(): void {
    for (const group of this.#groups.values()) group.topicsChanged = true
  }

  onTimer(event: ConsumerTimer, turn: ConsumerTurn): void {
    const group = this.#groups.get(event.groupId)
    if (!group) return
    if (event.type === 'consumer-regexes') {
      if (continueSearch(turn, group)) followChanges(turn, group, true)
      return
    }
    const member = group.members.get(event.memberId)
    if (!member || (event.type === 'consumer-revocation' && member.epoch !== event.memberEpoch)) return
    fence(turn, this, group, [member])
  }
}
