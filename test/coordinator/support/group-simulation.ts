/**
 * One group shard without promises, and clients that follow the protocol more or less: for random sequences of events. `check` holds what must
 * be true after each.
 */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { groupCodec } from '../../../src/coordinator/group/group-codec.js'
import { DEFAULT_GROUP_CONFIG } from '../../../src/coordinator/group/group-config.js'
import type { GroupEffects, GroupRecord, GroupTimer } from '../../../src/coordinator/group/group-records.js'
import { GroupShard } from '../../../src/coordinator/group/group-shard.js'
import type { JoinGroupResponse, SyncGroupResponse } from '../../../src/coordinator/group/messages.js'
import { NOT_TRANSACTIONAL, type Reply } from '../../../src/coordinator/shard.js'
import type { StandingAnswers } from '../../../src/coordinator/standing-answers.js'
import { ErrorCode } from '../../../src/protocol/error-codes.js'
import { advance, type Timers } from './due-timers.js'
import { StandingCheck } from './standing-check.js'

const GROUP = 'g'
const config = {
  ...DEFAULT_GROUP_CONFIG,
  minSessionTimeoutMs: 1000,
  initialRebalanceDelayMs: 500,
  maxSize: 4,
  offsetsRetentionMs: 3_600_000
}

export type Step =
  | {
      readonly do: 'join'
      readonly client: number
      readonly protocols: readonly string[]
      readonly fresh: boolean
      readonly version: number
    }
  | { readonly do: 'sync' | 'heartbeat' | 'leave' | 'commit'; readonly client: number; readonly stale: boolean }
  | { readonly do: 'advance'; readonly ms: number }
  /** What well-behaved clients do: those in the group join again if they must, and sync. */
  | { readonly do: 'cycle' }
  | { readonly do: 'reload' | 'fetch' | 'delete' | 'delete-topic' }

interface Client {
  readonly instance: string | null
  memberId: string
  generation: number
  leads: boolean
  members: readonly string[]
}

interface Waiting {
  readonly answered: (response: unknown) => void
}

export class GroupSimulation {
  now = 1_000_000
  readonly standing = new StandingCheck()
  shard = new GroupShard({ config, newUuid: () => `${++this.#ids}`, standing: this.standing.answers })
  /** All that was ever written, encoded. */
  readonly log: ReturnType<typeof groupCodec.encode>[] = []
  /** Client 0 and 1 are static members. */
  readonly clients: Client[] = [0, 1, 2, 3, 4].map((n) => ({
    instance: n < 2 ? `i${n}` : null,
    memberId: '',
    generation: -1,
    leads: false,
    members: []
  }))
  #ids = 0
  #incarnation = 0
  readonly #timers: Timers<GroupTimer> = new Map()
  readonly #waiting = new Set<Waiting>()
  readonly #leaders = new Map<string, string>()
  #storedGeneration = -1
  #deletions = 0

  run(step: Step): void {
    switch (step.do) {
      case 'join':
        return this.#join(this.clients[step.client]!, step)
      case 'sync':
        return this.#sync(this.clients[step.client]!, step.stale)
      case 'heartbeat': {
        const { memberId, generation, instance } = this.clients[step.client]!
        const request = { groupId: GROUP, memberId, generationId: generation - Number(step.stale), groupInstanceId: instance }
        this.standing.ask(this.#effects(), (effects) => this.shard.heartbeat(request, effects))
        return
      }
      case 'cycle':
        return this.#cycle()
      case 'leave':
        return this.#leave(this.clients[step.client]!)
      case 'commit':
        return this.#commit(this.clients[step.client]!, step.stale)
      case 'advance':
        return this.#advance(step.ms)
      case 'reload':
        return this.#reload()
      case 'fetch':
        this.shard.fetchOffsets({ groupId: GROUP, memberId: null, memberEpoch: -1, topics: null, requireStable: true })
        return
      case 'delete':
        this.shard.deleteGroup(GROUP, this.#effects())
        return
      case 'delete-topic':
        return this.shard.onTopicsDeleted(new Set(['t']), this.#effects())
    }
  }

  /** Nobody may be left waiting when all timers have run. */
  settle(): void {
    this.#advance(3_600_000)
    assert.equal(this.#waiting.size, 0)
  }

  check(): void {
    this.standing.check(this.now)
    const group = this.shard.groups.get(GROUP)
    const replayed = this.#replayed()
    assert.deepEqual(replayed.groups.get(GROUP)?.stored, group?.stored)
    assert.deepEqual([...replayed.offsets.of(GROUP)], [...this.shard.offsets.of(GROUP)])
    assert.deepEqual([...replayed.groups.keys()], [...this.shard.groups.keys()])
    if (!group) return
    const members = [...group.members.values()]
    assert.equal(members.filter(({ awaitingJoin }) => awaitingJoin).length, group.awaitingJoin)
    assert(group.leader === null ? members.length === 0 : group.members.has(group.leader), 'the leader is a member')
    assert(members.length <= config.maxSize || group.state === 'PreparingRebalance')
    assert.equal(group.staticMembers.size, members.filter(({ isStatic }) => isStatic).length)
    for (const memberId of group.staticMembers.values()) assert(group.members.has(memberId))
    for (const memberId of group.pendingSync) assert(group.members.has(memberId))
    for (const memberId of group.pendingJoin) assert(!group.members.has(memberId))
    if (group.state === 'Empty') assert.equal(members.length, 0)
    if (group.state === 'Stable' || group.state === 'CompletingRebalance') {
      assert(members.length > 0)
      assert(members.every(({ awaitingJoin }) => !awaitingJoin))
      for (const member of members)
        assert(
          member.protocols.some(({ name }) => name === group.protocol),
          'the protocol suits all'
        )
    }
    if (group.state === 'CompletingRebalance')
      assert(this.#leaders.has(this.#generation(this.#incarnation, group.generation)), 'someone was told to lead')
    if (group.state === 'Stable') assert(members.every(({ awaitingSync }) => !awaitingSync))
    // Whoever is in the group is watched by a timer, or waits for an answer that has one.
    for (const { memberId } of members)
      assert(this.#timers.has(`member\0${GROUP}\0${memberId}`) || group.members.get(memberId)!.awaitingJoin)
  }

  #effects(): GroupEffects {
    return {
      now: this.now,
      emit: (record) => {
        this.shard.replay(record, NOT_TRANSACTIONAL)
        this.log.push(groupCodec.encode(record))
        this.#written(record)
      },
      emitInTransaction: () => assert.fail('no transactions here'),
      whenWritten: () => assert.fail('groups do not wait for it'),
      reply: (to, answer) => {
        const waiting = to as Waiting
        assert(this.#waiting.delete(waiting), 'answered twice')
        waiting.answered(answer)
      },
      schedule: (key, delayMs, event) => void this.#timers.set(key, { at: this.now + delayMs, event }),
      cancel: (key) => void this.#timers.delete(key)
    }
  }

  #written(record: GroupRecord): void {
    if (record.type !== 'group' || record.groupId !== GROUP) return
    if (record.value === null) {
      this.#deletions++
      this.#storedGeneration = -1
    } else {
      assert(record.value.generation >= this.#storedGeneration, 'generations grow')
      this.#storedGeneration = record.value.generation
    }
  }

  #park<T>(answered: (response: T) => void): Reply<T> {
    const waiting: Waiting = { answered: answered as (response: unknown) => void }
    this.#waiting.add(waiting)
    return waiting as Reply<T>
  }

  #join(client: Client, { protocols, fresh, version }: Extract<Step, { do: 'join' }>): void {
    const request = {
      groupId: GROUP,
      memberId: fresh ? '' : client.memberId,
      groupInstanceId: client.instance,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 20_000,
      protocolType: 'consumer',
      protocols: protocols.map((name) => ({ name, metadata: Buffer.from(`${client.instance}/${name}`) }))
    }
    const context = { clientId: 'c', clientHost: '/h', requiresKnownMemberId: version >= 4, supportsSkippingAssignment: true }
    const incarnation = this.#incarnation
    const reply = this.#park<JoinGroupResponse>((answer) => this.#joined(client, incarnation, answer))
    this.shard.join(request, context, reply, this.#effects())
  }

  #joined(client: Client, incarnation: number, answer: JoinGroupResponse): void {
    if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) client.memberId = answer.memberId
    if (answer.errorCode !== ErrorCode.NONE) return
    const { memberId, generationId, leader, members, skipAssignment } = answer
    Object.assign(client, {
      memberId,
      generation: generationId,
      leads: members.length > 0,
      members: members.map((member) => member.memberId)
    })
    assert.equal(members.length > 0, leader === memberId)
    if (members.length === 0 || skipAssignment) return
    const generation = this.#generation(incarnation, generationId)
    assert.equal(this.#leaders.get(generation) ?? memberId, memberId, 'one leader in a generation')
    this.#leaders.set(generation, memberId)
  }

  /** Generations begin anew when the group was deleted, and one that was not stored is lost with a kill. */
  #generation(incarnation: number, generation: number): string {
    return `${incarnation}/${this.#deletions}/${generation}`
  }

  #cycle(): void {
    const inGroup = (): Client[] => this.clients.filter(({ memberId }) => this.shard.groups.get(GROUP)?.members.has(memberId))
    if (this.shard.groups.get(GROUP)?.state === 'PreparingRebalance') {
      for (const client of inGroup())
        this.#join(client, { do: 'join', client: 0, protocols: ['range', 'sticky'], fresh: false, version: 9 })
      this.#advance(600)
    }
    for (const client of inGroup()) this.#sync(client, false)
  }

  #sync(client: Client, stale: boolean): void {
    const generationId = client.generation - Number(stale)
    const token = (memberId: string): Uint8Array => Buffer.from(`${memberId}@${generationId}`)
    const request = {
      groupId: GROUP,
      memberId: client.memberId,
      groupInstanceId: client.instance,
      generationId,
      protocolType: null,
      protocolName: null,
      assignments: client.leads ? client.members.map((memberId) => ({ memberId, assignment: token(memberId) })) : []
    }
    const reply = this.#park<SyncGroupResponse>(({ errorCode, assignment }) => {
      if (errorCode !== ErrorCode.NONE) return
      assert.equal(this.shard.groups.get(GROUP)?.generation, generationId, 'an answered sync belongs to the current generation')
      const text = Buffer.from(assignment).toString()
      assert(text === '' || text.endsWith(`@${generationId}`), `${text} in generation ${generationId}`)
      if (text !== '' && client.instance === null) assert.equal(text, `${client.memberId}@${generationId}`)
    })
    this.shard.sync(request, reply, this.#effects())
  }

  #leave(client: Client): void {
    const members = [{ memberId: client.memberId, groupInstanceId: client.instance }]
    this.shard.leave({ groupId: GROUP, members }, this.#effects())
  }

  #commit(client: Client, stale: boolean): void {
    const partitions = [{ partitionIndex: 0, committedOffset: this.now, committedLeaderEpoch: 3, committedMetadata: 'm' }]
    const request = {
      groupId: GROUP,
      memberId: client.memberId,
      groupInstanceId: client.instance,
      generationId: stale ? -1 : client.generation,
      retentionTimeMs: -1,
      topics: [{ name: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitions }]
    }
    this.shard.commitOffsets(request, false, this.#effects())
  }

  #advance(ms: number): void {
    advance(this, this.#timers, ms, (event) => this.shard.onTimer(event, this.#effects()))
  }

  /** A kill: requests that wait are lost with their connections. */
  #reload(): void {
    this.#waiting.clear()
    this.#timers.clear()
    this.#incarnation++
    this.standing.answers.revokeAll()
    this.shard = this.#replayed(this.standing.answers)
    this.shard.onLoaded(this.#effects())
  }

  #replayed(standing?: StandingAnswers): GroupShard {
    const shard = new GroupShard({ config, newUuid: () => `${++this.#ids}`, ...(standing && { standing }) })
    for (const { key, value } of this.log) shard.replay(groupCodec.decode(key, value)!, NOT_TRANSACTIONAL)
    return shard
  }
}
