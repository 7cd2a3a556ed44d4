/**
 * Random clients that come with the classic protocol and with that of KIP-848, and change between them: the group is upgraded and downgraded under them.
 * Each partition has one owner at a time, epochs never fall, no acknowledged commit is lost, and what is stored is what lives.
 */
import { strict as assert } from 'node:assert'
import type { EncodedRecord } from '../../../src/coordinator/coordinator-log.js'
import { groupCodec } from '../../../src/coordinator/group/group-codec.js'
import { DEFAULT_GROUP_CONFIG, type GroupConfig } from '../../../src/coordinator/group/group-config.js'
import type { GroupEffects, GroupRecord, GroupTimer } from '../../../src/coordinator/group/group-records.js'
import { GroupShard } from '../../../src/coordinator/group/group-shard.js'
import type { JoinGroupResponse, SyncGroupResponse } from '../../../src/coordinator/group/messages.js'
import { NOT_TRANSACTIONAL, type Reply } from '../../../src/coordinator/shard.js'
import type { StandingAnswers } from '../../../src/coordinator/standing-answers.js'
import { readAssignment, readSubscription, writeAssignment } from '../../../src/protocol/consumer-protocol.js'
import { ErrorCode } from '../../../src/protocol/error-codes.js'
import { classicSubscription } from './consumer-subscription.js'
import { advance, type Timers } from './due-timers.js'
import { StandingCheck } from './standing-check.js'
import { idOf, nameOfId, SimTopics } from './sim-topics.js'

const GROUP = 'g'
const TOPIC = 't'
const PARTITIONS = 4
const config: GroupConfig = {
  ...DEFAULT_GROUP_CONFIG,
  initialRebalanceDelayMs: 0,
  consumer: { ...DEFAULT_GROUP_CONFIG.consumer, mayUpgrade: true, mayDowngrade: true, assignmentIntervalMs: () => 1000 }
}

export type MigrationStep =
  | { do: 'beat' | 'leave' | 'switch' | 'commit'; client: number }
  | { do: 'advance'; ms: number }
  | { do: 'reload' }

class Client {
  readonly instanceId: string | null
  classic: boolean
  memberId = ''
  epoch = 0
  /** `waits`: for the answer to JoinGroup or SyncGroup. */
  phase: 'out' | 'waits' | 'in' = 'out'
  owned = new Set<number>()
  news = false

  constructor(instanceId: string | null, classic: boolean) {
    this.instanceId = instanceId
    this.classic = classic
  }

  forget(): void {
    this.memberId = ''
    this.epoch = 0
    this.rejoin()
  }

  /** Eagerly: who joins has given up all. */
  rejoin(): void {
    this.phase = 'out'
    this.owned.clear()
  }
}

export class MigrationSimulation {
  readonly topics = new SimTopics()
  readonly clients = [
    new Client(null, true),
    new Client('i', true),
    new Client(null, false),
    new Client('j', false),
    new Client(null, true)
  ]
  now = 1_000_000
  upgrades = 0
  downgrades = 0
  #ids = 0
  #incarnation = 0
  readonly log: EncodedRecord[] = []
  readonly #timers: Timers<GroupTimer> = new Map()
  #epoch = 0
  #committed: number | undefined
  #kind = ''
  readonly standing = new StandingCheck()
  shard: GroupShard

  constructor() {
    this.topics.set(TOPIC, PARTITIONS)
    this.shard = this.#fresh(this.standing.answers)
  }

  run(step: MigrationStep): void {
    switch (step.do) {
      case 'beat':
        return this.#beat(this.clients[step.client]!)
      case 'leave':
        return this.#leave(this.clients[step.client]!)
      case 'switch': {
        // A new version of a program: a static member just comes back.
        const client = this.clients[step.client]!
        if (client.instanceId === null || !client.classic) this.#leave(client)
        client.forget()
        client.classic = !client.classic
        return
      }
      case 'commit':
        return this.#commit(this.clients[step.client]!)
      case 'advance':
        return this.#advance(step.ms)
      case 'reload':
        return this.#reload()
    }
  }

  check(): void {
    this.standing.check(this.now)
    const consumer = this.shard.consumers.get(GROUP)
    const classic = this.shard.groups.get(GROUP)
    assert(!consumer || !classic, 'a group is of one kind')
    const kind = consumer ? 'consumer' : classic && classic.members.size > 0 ? 'classic' : ''
    if (this.#kind === 'classic' && kind === 'consumer') this.upgrades++
    if (this.#kind === 'consumer' && kind === 'classic') this.downgrades++
    this.#kind = kind
    assert.equal(this.shard.offsets.get(GROUP, TOPIC, 0)?.offset, this.#committed, 'an acknowledged commit is there')
    const owners = new Map<number, string>()
    for (const client of this.clients) {
      // Who has missed a rebalance is told so with its next heartbeat; a static member stays in the group meanwhile.
      const generation = classic?.generation ?? (client.classic ? consumer?.members.get(client.memberId)?.epoch : client.epoch)
      if (client.phase !== 'in' || !this.#isMember(client) || client.epoch !== generation) continue
      for (const partition of client.owned) {
        assert(!owners.has(partition), `${partition} belongs to ${owners.get(partition)} and ${client.memberId}`)
        owners.set(partition, client.memberId)
      }
    }
  }

  /** What is stored makes the same group. Reads the whole log. */
  checkStored(): void {
    const again = this.#replayed()
    const [live, stored] = [this.shard.consumers.get(GROUP), again.consumers.get(GROUP)]
    assert.deepEqual(stored && [stored.epoch, stored.members, stored.targets], live && [live.epoch, live.members, live.targets])
    const [classic, kept] = [this.shard.groups.get(GROUP), again.groups.get(GROUP)]
    if (classic?.state === 'Stable')
      assert.deepEqual([kept?.generation, [...kept!.members.keys()]], [classic.generation, [...classic.members.keys()]])
  }

  /** When everybody sends heartbeats, each partition comes to somebody. */
  settle(): void {
    for (let round = 0; round < 80; round++) {
      for (const client of this.clients) {
        this.#beat(client)
        this.check()
      }
      this.#advance(1000)
      this.check()
    }
    const owned = this.clients.flatMap((client) => [...client.owned]).toSorted((a, b) => a - b)
    assert.deepEqual(
      owned,
      Array.from({ length: PARTITIONS }, (_, partition) => partition)
    )
  }

  #isMember({ memberId }: Client): boolean {
    return this.shard.consumers.get(GROUP)?.members.has(memberId) ?? this.shard.groups.get(GROUP)?.members.has(memberId) ?? false
  }

  #beat(client: Client): void {
    if (!client.classic) return this.#consumerBeat(client)
    if (client.phase === 'waits') return
    if (client.phase === 'out') return this.#join(client)
    const { memberId, epoch: generationId, instanceId: groupInstanceId } = client
    const beat = { groupId: GROUP, memberId, generationId, groupInstanceId }
    const { errorCode } = this.standing.ask(this.#effects(), (effects) => this.shard.heartbeat(beat, effects))
    if (errorCode === ErrorCode.NONE) return
    if (errorCode === ErrorCode.REBALANCE_IN_PROGRESS) client.rejoin()
    else client.forget()
    this.#join(client)
  }

  #join(client: Client): void {
    client.phase = 'waits'
    const request = {
      groupId: GROUP,
      memberId: client.memberId,
      groupInstanceId: client.instanceId,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 20_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: classicSubscription([TOPIC], []) }]
    }
    const context = { clientId: 'c', clientHost: '/h', requiresKnownMemberId: false, supportsSkippingAssignment: true }
    const answered = this.#answered<JoinGroupResponse>(client, (answer) => this.#joined(client, answer))
    this.shard.join(request, context, answered, this.#effects())
  }

  #joined(client: Client, answer: JoinGroupResponse): void {
    if (answer.errorCode !== ErrorCode.NONE) return client.forget()
    Object.assign(client, { memberId: answer.memberId, epoch: answer.generationId })
    const leads = answer.leader === answer.memberId && !answer.skipAssignment
    const members = leads ? answer.members : []
    const assignments = members.map(({ memberId, metadata }, at) => {
      assert.deepEqual(readSubscription(metadata).topics, [TOPIC])
      const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition).filter(
        (partition) => partition % members.length === at
      )
      return { memberId, assignment: writeAssignment([{ topic: TOPIC, partitions }], metadata) }
    })
    const sync = { groupId: GROUP, generationId: client.epoch, memberId: client.memberId, groupInstanceId: client.instanceId }
    const answered = this.#answered<SyncGroupResponse>(client, (synced) => {
      if (synced.errorCode === ErrorCode.REBALANCE_IN_PROGRESS) return client.rejoin()
      if (synced.errorCode !== ErrorCode.NONE) return client.forget()
      client.phase = 'in'
      client.owned = new Set(readAssignment(synced.assignment).assignedPartitions.flatMap(({ partitions }) => partitions))
    })
    this.shard.sync({ ...sync, protocolType: null, protocolName: null, assignments }, answered, this.#effects())
  }

  #consumerBeat(client: Client): void {
    const joins = client.phase === 'out'
    if (joins) client.memberId = `m${++this.#ids}`
    const tells = joins || client.news
    const held = client.owned.size > 0 ? [{ topicId: idOf(TOPIC), partitions: [...client.owned] }] : []
    const request = {
      groupId: GROUP,
      memberId: client.memberId,
      memberEpoch: joins ? 0 : client.epoch,
      instanceId: client.instanceId,
      rackId: null,
      rebalanceTimeoutMs: joins ? 20_000 : -1,
      subscribedTopicNames: joins ? [TOPIC] : null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: tells ? held : null
    }
    const context = { clientId: 'c', clientHost: '/h', makesOwnId: true }
    const answer = this.standing.ask(this.#effects(), (effects) => this.shard.consumerHeartbeat(request, context, effects))
    if (answer.errorCode !== ErrorCode.NONE) return client.forget()
    assert(joins || answer.memberEpoch >= client.epoch, 'epochs rise')
    client.phase = 'in'
    client.epoch = answer.memberEpoch
    client.news = answer.assignment !== null
    if (answer.assignment)
      client.owned = new Set(
        answer.assignment.topicPartitions.flatMap(({ topicId, partitions }) => (nameOfId(topicId) === TOPIC ? partitions : []))
      )
  }

  #leave(client: Client): void {
    if (client.memberId === '') return client.forget()
    const { memberId, instanceId } = client
    if (client.classic) this.shard.leave({ groupId: GROUP, members: [{ memberId, groupInstanceId: instanceId }] }, this.#effects())
    else {
      const nothing = { rackId: null, rebalanceTimeoutMs: -1, subscribedTopicNames: null, subscribedTopicRegex: null, serverAssignor: null }
      const request = {
        ...nothing,
        groupId: GROUP,
        memberId,
        memberEpoch: instanceId === null ? -1 : -2,
        instanceId,
        topicPartitions: null
      }
      this.shard.consumerHeartbeat(request, { clientId: 'c', clientHost: '/h', makesOwnId: true }, this.#effects())
    }
    client.forget()
  }

  #commit(client: Client): void {
    if (client.phase !== 'in') return
    const partitions = [{ partitionIndex: 0, committedOffset: this.now, committedLeaderEpoch: -1, committedMetadata: '' }]
    const request = {
      groupId: GROUP,
      memberId: client.memberId,
      groupInstanceId: client.instanceId,
      generationId: client.epoch,
      retentionTimeMs: -1,
      topics: [{ name: TOPIC, topicId: idOf(TOPIC), partitions }]
    }
    if (this.shard.commitOffsets(request, true, this.#effects()).errorCode === ErrorCode.NONE) this.#committed = this.now
  }

  /** An answer that comes to nobody any more is not heard. */
  #answered<T>(client: Client, answered: (answer: T) => void): Reply<T> {
    const { memberId, classic } = client
    const incarnation = this.#incarnation
    return {
      answered: (answer: T) => {
        const same = client.phase === 'waits' && client.classic === classic && (memberId === '' || client.memberId === memberId)
        if (same && incarnation === this.#incarnation) answered(answer)
      }
    } as unknown as Reply<T>
  }

  #effects(): GroupEffects {
    const emit = (record: GroupRecord): void => {
      this.shard.replay(record, NOT_TRANSACTIONAL)
      this.log.push(groupCodec.encode(record))
      const epoch =
        record.type === 'consumer' && record.part === 'group'
          ? record.value?.epoch
          : record.type === 'group'
            ? record.value?.generation
            : undefined
      if (epoch === undefined) return
      assert(epoch >= this.#epoch || epoch <= 2, `epoch ${epoch} after ${this.#epoch}`)
      this.#epoch = epoch
    }
    return {
      now: this.now,
      emit,
      emitInTransaction: (_producer, record) => emit(record),
      whenWritten: () => assert.fail('groups do not wait for it'),
      reply: (to, answer) => (to as unknown as { answered(answer: unknown): void }).answered(answer),
      schedule: (key, delayMs, event) => void this.#timers.set(key, { at: this.now + delayMs, event }),
      cancel: (key) => void this.#timers.delete(key)
    }
  }

  #advance(ms: number): void {
    advance(this, this.#timers, ms, (event) => this.shard.onTimer(event, this.#effects()))
  }

  /** A kill: whoever waits for an answer asks again. */
  #reload(): void {
    this.#timers.clear()
    this.#incarnation++
    this.standing.answers.revokeAll()
    this.shard = this.#replayed(this.standing.answers)
    this.shard.onLoaded(this.#effects())
    for (const client of this.clients) if (client.phase === 'waits') client.rejoin()
  }

  #fresh(standing?: StandingAnswers): GroupShard {
    return new GroupShard({ config, newUuid: () => `u${++this.#ids}`, topics: this.topics, ...(standing && { standing }) })
  }

  #replayed(standing?: StandingAnswers): GroupShard {
    const shard = this.#fresh(standing)
    for (const { key, value } of this.log) shard.replay(groupCodec.decode(key, value)!, NOT_TRANSACTIONAL)
    return shard
  }
}
