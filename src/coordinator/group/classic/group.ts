/**
 * The state of one classic group: who is in it, who waits for what. Decisions are made in join.ts, sync.ts, membership.ts and rebalance.ts.
 *
 * Hard state is the last `StoredGroup` that was replayed; `install` alone sets it. A rebalance in progress (generation, protocol and leader
 * of the next generation, who has joined, who has synced) is soft until the leader's assignment is stored.
 */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { Reply } from '../../shard.js'
import type { GroupEffects, StoredGroup } from '../group-records.js'
import type { JoinGroupMember, JoinGroupResponse, JoinProtocol, SyncGroupResponse } from '../messages.js'
import { subscribedTopicsOf } from './consumer-protocol.js'
import { ClassicMember, sameBytes } from './member.js'

export type ClassicState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

/** The protocol type of Kafka's consumers: the only one whose metadata a broker may look into. */
export const CONSUMER = 'consumer'

export class ClassicGroup {
  readonly groupId: string
  /** What the log holds; undefined while only offsets of the group are stored. */
  stored: StoredGroup | undefined
  state: ClassicState = 'Empty'
  previousState: ClassicState = 'Empty'
  generation = 0
  protocolType: string | null = null
  protocol: string | null = null
  leader: string | null = null
  /** When the group last changed its state; -1: unknown. */
  currentStateTimestamp = -1
  /** Topics of all members of a consumer group; undefined: unknown, because it is none or its metadata cannot be read. */
  subscribedTopics: ReadonlySet<string> | undefined
  /** In the order in which they joined. */
  readonly members = new Map<string, ClassicMember>()
  readonly staticMembers = new Map<string, string>()
  /** Ids that were given out with MEMBER_ID_REQUIRED and have not come back. */
  readonly pendingJoin = new Set<string>()
  /** Members of the new generation that have not sent their SyncGroup. */
  readonly pendingSync = new Set<string>()
  /** A member joined during the initial delay, which is prolonged then. */
  newMemberAdded = false
  #awaitingJoin = 0
  /** How many members support a protocol. */
  readonly #support = new Map<string, number>()

  constructor(groupId: string) {
    this.groupId = groupId
  }

  get awaitingJoin(): number {
    return this.#awaitingJoin
  }

  get hasAllMembersJoined(): boolean {
    return this.members.size === this.#awaitingJoin && this.pendingJoin.size === 0
  }

  /** The longest of the members' rebalance time-outs. */
  get rebalanceTimeoutMs(): number {
    let longest = 0
    for (const member of this.members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs)
    return longest
  }

  /** Whether the group may leave its state for PreparingRebalance. */
  get canRebalance(): boolean {
    return this.state !== 'PreparingRebalance'
  }

  /** Only offsets, never a member: nothing but the offsets keeps the group. */
  get isSimple(): boolean {
    return this.protocolType === null && this.state === 'Empty' && this.pendingJoin.size === 0
  }

  /** Writes the hard state, from a record. What is soft of members that stay is kept. */
  install(stored: StoredGroup): void {
    this.stored = stored
    const before = new Map(this.members)
    for (const member of before.values()) this.#forget(member)
    this.protocolType = stored.protocolType === '' ? null : stored.protocolType
    this.generation = stored.generation
    this.protocol = stored.protocol
    this.leader = stored.leader
    this.currentStateTimestamp = stored.currentStateTimestamp
    for (const next of stored.members) {
      let member = before.get(next.memberId)
      if (member && sameBytes(member.metadata(stored.protocol), next.subscription)) member.assignment = next.assignment
      else member = ClassicMember.fromStored(next, stored.protocol)
      this.#count(member)
    }
    this.#enter(this.members.size > 0 ? 'Stable' : 'Empty')
    this.#refreshSubscription()
  }

  transitionTo(state: ClassicState, now: number): void {
    this.#enter(state)
    this.currentStateTimestamp = now
  }

  #enter(state: ClassicState): void {
    if (state === this.state) return
    this.previousState = this.state
    this.state = state
  }

  add(member: ClassicMember, protocolType: string, reply: Reply<JoinGroupResponse>): void {
    assert(member.groupInstanceId === null || !this.staticMembers.has(member.groupInstanceId))
    if (this.members.size === 0) this.protocolType = protocolType
    assert.equal(this.protocolType, protocolType)
    this.leader ??= member.memberId
    this.pendingJoin.delete(member.memberId)
    this.#count(member)
    this.park(member, reply)
  }

  /** Removes a member or a pending id. A leader that goes is followed by the member that joined first. */
  remove(memberId: string): void {
    const member = this.members.get(memberId)
    if (member) {
      assert(!member.awaitingJoin && !member.awaitingSync, 'a parked request of a removed member must be answered')
      this.#forget(member)
    }
    if (this.leader === memberId) this.leader = this.members.keys().next().value ?? null
    this.pendingJoin.delete(memberId)
    this.pendingSync.delete(memberId)
  }

  /** Gives a static member another id; its parked requests must have been answered. */
  replaceStatic(old: ClassicMember, memberId: string): ClassicMember {
    const member = new ClassicMember({ ...fieldsOf(old), memberId })
    member.assignment = old.assignment
    this.#forget(old)
    this.#count(member)
    this.pendingSync.delete(old.memberId)
    if (this.leader === old.memberId) this.leader = memberId
    return member
  }

  update(member: ClassicMember, join: { protocols: readonly JoinProtocol[]; rebalanceTimeoutMs: number; sessionTimeoutMs: number }): void {
    this.#vary(member, -1)
    member.protocols = new ClassicMember({ ...fieldsOf(member), protocols: join.protocols }).protocols
    this.#vary(member, 1)
    member.rebalanceTimeoutMs = join.rebalanceTimeoutMs
    member.sessionTimeoutMs = join.sessionTimeoutMs
  }

  /** Parks a JoinGroup; the caller has answered an earlier one. */
  park(member: ClassicMember, reply: Reply<JoinGroupResponse>): void {
    assert(!member.awaitingJoin)
    member.awaitingJoin = reply
    this.#awaitingJoin++
  }

  answerJoin(member: ClassicMember, response: JoinGroupResponse, effects: GroupEffects): void {
    if (!member.awaitingJoin) return
    effects.reply(member.awaitingJoin, response)
    member.awaitingJoin = undefined
    this.#awaitingJoin--
  }

  answerSync(member: ClassicMember, response: SyncGroupResponse, effects: GroupEffects): boolean {
    if (!member.awaitingSync) return false
    effects.reply(member.awaitingSync, response)
    member.awaitingSync = undefined
    return true
  }

  /** Whether a member with these protocols can be in this group: the type fits and one protocol suits all. */
  supports(protocolType: string, protocols: readonly JoinProtocol[]): boolean {
    if (this.state === 'Empty') return protocolType !== '' && protocols.length > 0
    return this.protocolType === protocolType && protocols.some(({ name }) => (this.#support.get(name) ?? 0) === this.members.size)
  }

  /** Each member votes for its first protocol that suits all; of several with most votes, the one that was voted for first. */
  selectProtocol(): string {
    const candidates = new Set([...this.#support].filter(([, count]) => count === this.members.size).map(([name]) => name))
    const votes = new Map<string, number>()
    for (const member of this.members.values()) {
      const vote = member.vote(candidates)
      if (vote !== undefined) votes.set(vote, (votes.get(vote) ?? 0) + 1)
    }
    let selected: string | undefined
    for (const [name, count] of votes) if (selected === undefined || count > votes.get(selected)!) selected = name
    assert(selected !== undefined, 'members without a common protocol')
    return selected
  }

  /** The next generation of a group with members; it becomes hard state when the leader's assignment is stored. */
  beginGeneration(now: number): void {
    this.generation++
    this.protocol = this.selectProtocol()
    this.transitionTo('CompletingRebalance', now)
    this.pendingSync.clear()
    this.#refreshSubscription()
  }

  /**
   * After a join phase: a leader that has not rejoined is followed by the first member that has. False: nobody has joined, or nobody is
   * there.
   */
  electJoinedLeader(): boolean {
    if (this.leader === null) return false
    if (this.members.get(this.leader)?.awaitingJoin) return true
    for (const member of this.members.values()) {
      if (!member.awaitingJoin) continue
      this.leader = member.memberId
      return true
    }
    return false
  }

  joinMembers(): JoinGroupMember[] {
    return [...this.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: member.metadata(this.protocol)
    }))
  }

  /** The group as it is to be stored, with these assignments. */
  store(now: number, assignmentOf: (member: ClassicMember) => Uint8Array): StoredGroup {
    return {
      protocolType: this.protocolType ?? '',
      generation: this.generation,
      protocol: this.protocol,
      leader: this.leader,
      currentStateTimestamp: now,
      members: [...this.members.values()].map((member) => member.store(this.protocol, assignmentOf(member)))
    }
  }

  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics ? this.subscribedTopics.has(topic) : this.protocolType === CONSUMER
  }

  #refreshSubscription(): void {
    this.subscribedTopics =
      this.protocolType === CONSUMER
        ? subscribedTopicsOf([...this.members.values()].map((member) => member.metadata(this.protocol)))
        : undefined
  }

  #count(member: ClassicMember): void {
    this.members.set(member.memberId, member)
    if (member.groupInstanceId !== null) this.staticMembers.set(member.groupInstanceId, member.memberId)
    if (member.awaitingJoin) this.#awaitingJoin++
    this.#vary(member, 1)
  }

  #forget(member: ClassicMember): void {
    this.members.delete(member.memberId)
    if (member.groupInstanceId !== null) this.staticMembers.delete(member.groupInstanceId)
    if (member.awaitingJoin) this.#awaitingJoin--
    this.#vary(member, -1)
  }

  #vary(member: ClassicMember, by: 1 | -1): void {
    for (const { name } of member.protocols) {
      const count = (this.#support.get(name) ?? 0) + by
      if (count === 0) this.#support.delete(name)
      else this.#support.set(name, count)
    }
  }
}

function fieldsOf(member: ClassicMember) {
  const { memberId, groupInstanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols } = member
  return { memberId, groupInstanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols }
}

/** An upper bound, in bytes, of what `stored` takes in the log. */
export function storedSize(stored: StoredGroup): number {
  const strings = [stored.protocolType, stored.protocol ?? '', stored.leader ?? '']
  let bytes = 64
  for (const member of stored.members) {
    strings.push(member.memberId, member.groupInstanceId ?? '', member.clientId, member.clientHost)
    bytes += 32 + member.subscription.length + member.assignment.length
  }
  for (const text of strings) bytes += Buffer.byteLength(text)
  return bytes
}
