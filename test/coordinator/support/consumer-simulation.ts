/**
 * Random members against one consumer group: some of the consumer protocol, some of the classic one, responses that are lost, members that
 * die, a coordinator that is killed, topics that change. What the coordinator promises is checked from the members' side: a partition that a
 * member was given is nobody else's until it says that it has given it up, or is removed.
 */
import { strict as assert } from 'node:assert'
import type { EncodedRecord } from '../../../src/coordinator/coordinator-log.js'
import { groupCodec } from '../../../src/coordinator/group/group-codec.js'
import { DEFAULT_GROUP_CONFIG, type GroupConfig } from '../../../src/coordinator/group/group-config.js'
import type { GroupEffects, GroupRecord, GroupTimer } from '../../../src/coordinator/group/group-records.js'
import { GroupShard } from '../../../src/coordinator/group/group-shard.js'
import type { JoinGroupResponse, SyncGroupResponse, TopicIdPartitions } from '../../../src/coordinator/group/messages.js'
import { NOT_TRANSACTIONAL, type Reply } from '../../../src/coordinator/shard.js'
import type { StandingAnswers } from '../../../src/coordinator/standing-answers.js'
import { readAssignment } from '../../../src/protocol/consumer-protocol.js'
import { ErrorCode } from '../../../src/protocol/error-codes.js'
import { classicSubscription } from './consumer-subscription.js'
import { idOf, nameOfId, SimTopics } from './sim-topics.js'
import { advance, type Timers } from './due-timers.js'
import { StandingCheck } from './standing-check.js'

const GROUP = 'g'
const config: GroupConfig = {
  ...DEFAULT_GROUP_CONFIG,
  consumer: { ...DEFAULT_GROUP_CONFIG.consumer, mayDowngrade: false, maxSize: 5, assignmentIntervalMs: () => 1000 }
}

export type Step =
  | { do: 'beat'; client: number; lost: boolean; full: boolean }
  | { do: 'subscribe'; client: number; topics: readonly string[]; regex: string }
  | { do: 'leave'; client: number }
  | { do: 'commit'; client: number; stale: number }
  | { do: 'advance'; ms: number }
  | { do: 'topic'; name: string; partitions: number }
  | { do: 'reload' | 'delete' }

class Client {
  readonly instanceId: string | null
  readonly classic: boolean
  memberId = ''
  epoch = 0
  joined = false
  topics: readonly string[] = ['t']
  regex = ''
  /** What it consumes, as `topic-partition`. */
  owned = new Set<string>()
  /** A heartbeat has changed what it consumes, or its subscription: the next one says so. */
  news = false

  constructor(instanceId: string | null, classic: boolean) {
    this.instanceId = instanceId
    this.classic = classic
  }

  forget(): void {
    this.joined = false
    this.epoch = 0
    this.owned.clear()
  }
}

export class ConsumerSimulation {
  readonly topics = new SimTopics()
  readonly clients = [
    new Client(null, false),
    new Client(null, false),
    new Client('i', false),
    new Client(null, true),
    new Client('j', true),
    new Client(null, false)
  ]
  now = 1_000_000
  #ids = 0
  readonly standing = new StandingCheck()
  shard = this.#fresh(this.standing.answers)
  readonly log: EncodedRecord[] = []
  readonly #timers: Timers<GroupTimer> = new Map()
  #storedEpoch = 0
  #committed: number | undefined
  #checks = 0

  constructor() {
    this.topics.set('t', 3)
    this.topics.set('u', 2)
  }

  run(step: Step): void {
    switch (step.do) {
      case 'beat':
        return this.#beat(this.clients[step.client]!, step.lost, step.full)
      case 'subscribe': {
        const client = this.clients[step.client]!
        client.topics = step.topics
        client.regex = client.classic ? '' : step.regex
        client.news = true
        return
      }
      case 'leave':
        return this.#leave(this.clients[step.client]!)
      case 'commit':
        return this.#commit(this.clients[step.client]!, step.stale)
      case 'advance':
        return this.#advance(step.ms)
      case 'topic':
        if (step.partitions === 0) this.topics.delete(step.name)
        else this.topics.set(step.name, Math.max(step.partitions, this.topics.byName(step.name)?.partitions ?? 0))
        this.standing.answers.revokeAll()
        return this.shard.consumers.onTopicsChanged()
      case 'reload':
        return this.#reload()
      case 'delete':
        if (this.shard.deleteGroup(GROUP, this.#effects()) === ErrorCode.NONE) this.#storedEpoch = 0
        this.#committed = this.shard.offsets.get(GROUP, 't', 0)?.offset
    }
  }

  /** With everybody sending heartbeats the group becomes stable, and who subscribes has what there is. */
  settle(): void {
    this.clients.splice(0, 1)[0]!.forget()
    for (let round = 0; round < 60; round++) {
      for (const client of this.clients) this.#beat(client, false, true)
      this.#checkOwners()
      this.#advance(1500)
    }
    const group = this.shard.consumers.get(GROUP)!
    assert.equal(group.state, 'Stable')
    const owned = new Set(this.clients.flatMap((client) => [...client.owned]))
    for (const name of group.subscribedTopics()) {
      for (let partition = 0; partition < (this.topics.byName(name)?.partitions ?? 0); partition++)
        assert(owned.has(`${name}-${partition}`))
    }
    for (const client of this.clients.filter(({ joined }) => joined)) {
      const target = [...group.target(client.memberId)].flatMap(([id, set]) => [...set].map((partition) => `${nameOfId(id)}-${partition}`))
      assert.deepEqual([...client.owned].toSorted(), target.toSorted())
    }
  }

  check(): void {
    this.standing.check(this.now)
    // A replay reads the whole log.
    if (++this.#checks % 10 === 0) assert.deepEqual(picture(this.#replayed()), picture(this.shard))
    this.#checkOwners()
  }

  #checkOwners(): void {
    const group = this.shard.consumers.get(GROUP)
    assert.equal(this.shard.offsets.get(GROUP, 't', 0)?.offset, this.#committed, 'an acknowledged commit is there')
    if (!group) return
    assert(group.assignmentEpoch <= group.epoch)
    assert(group.members.size <= config.consumer.maxSize)
    const owners = new Map<string, string>()
    for (const client of this.clients) {
      // Who was removed is told so with its next heartbeat; what it still consumes is its own mistake.
      if (!client.joined || !group.members.has(client.memberId)) continue
      for (const place of client.owned) {
        assert(!owners.has(place), `${place} has two owners`)
        owners.set(place, client.memberId)
      }
    }
    const seen = new Set<string>()
    for (const member of group.members.values()) {
      for (const held of [member.assigned, member.revoking]) {
        for (const [topicId, partitions] of held) {
          for (const [partition, since] of partitions) {
            assert(group.isOwned(topicId, partition) && !seen.has(`${topicId}-${partition}`), 'one owner in the records')
            assert(since <= group.assignmentEpoch)
            seen.add(`${topicId}-${partition}`)
          }
        }
      }
      assert(this.#timers.has(`consumer-session\0${GROUP}\0${member.memberId}`))
      if (!member.classic && member.state === 1) assert(this.#timers.has(`consumer-revocation\0${GROUP}\0${member.memberId}`))
    }
  }

  #beat(client: Client, lost: boolean, full: boolean): void {
    if (client.classic) return this.#classicJoin(client, lost)
    const joins = !client.joined
    if (joins) client.memberId = client.memberId === '' || !lost ? `m${++this.#ids}` : client.memberId
    const tells = joins || full || client.news
    const request = {
      groupId: GROUP,
      memberId: client.memberId,
      memberEpoch: joins ? 0 : client.epoch,
      instanceId: client.instanceId,
      rackId: null,
      rebalanceTimeoutMs: tells ? 20_000 : -1,
      subscribedTopicNames: tells ? client.topics : null,
      subscribedTopicRegex: tells ? client.regex : null,
      serverAssignor: null,
      topicPartitions: tells ? byTopic(client.owned).map(({ topic, partitions }) => ({ topicId: idOf(topic), partitions })) : null
    }
    const context = { clientId: 'c', clientHost: '/h', makesOwnId: true }
    const answer = this.standing.ask(this.#effects(), (effects) => this.shard.consumerHeartbeat(request, context, effects))
    if (lost) return
    if (answer.errorCode !== ErrorCode.NONE) return client.forget()
    assert(joins || answer.memberEpoch >= client.epoch, 'epochs rise')
    client.joined = true
    client.epoch = answer.memberEpoch
    const owned = answer.assignment === null ? client.owned : placesOf(answer.assignment.topicPartitions)
    client.news = joins || owned.size !== client.owned.size || ![...owned].every((place) => client.owned.has(place))
    client.owned = owned
  }

  #classicJoin(client: Client, lost: boolean): void {
    const group = this.shard.consumers.get(GROUP)
    // Alone it would make a classic group.
    if (!group || group.isEmpty) return client.forget()
    // It learns of its removal by its heartbeats, of which it sends many.
    const { memberId, epoch: generationId, instanceId: groupInstanceId } = client
    const beat = { groupId: GROUP, memberId, generationId, groupInstanceId }
    const { errorCode } = this.standing.ask(this.#effects(), (effects) => this.shard.heartbeat(beat, effects))
    if (client.joined && errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.REBALANCE_IN_PROGRESS) client.forget()
    let joined: JoinGroupResponse | undefined
    const request = {
      groupId: GROUP,
      memberId: client.joined ? client.memberId : '',
      groupInstanceId: client.instanceId,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 20_000,
      protocolType: 'consumer',
      protocols: [{ name: 'cooperative', metadata: classicSubscription(client.topics, byTopic(client.owned)) }]
    }
    const context = { clientId: 'c', clientHost: '/h', requiresKnownMemberId: false, supportsSkippingAssignment: true }
    this.shard.join(
      request,
      context,
      this.#answered<JoinGroupResponse>((answer) => (joined = answer)),
      this.#effects()
    )
    if (lost) return
    if (joined!.errorCode !== ErrorCode.NONE) return client.forget()
    Object.assign(client, { joined: true, memberId: joined!.memberId, epoch: joined!.generationId })
    let synced: SyncGroupResponse | undefined
    const sync = { groupId: GROUP, generationId: client.epoch, memberId: client.memberId, groupInstanceId: client.instanceId }
    this.shard.sync(
      { ...sync, protocolType: null, protocolName: null, assignments: [] },
      this.#answered<SyncGroupResponse>((answer) => (synced = answer)),
      this.#effects()
    )
    if (synced!.errorCode !== ErrorCode.NONE) return
    const { assignedPartitions } = readAssignment(synced!.assignment)
    client.owned = new Set(assignedPartitions.flatMap(({ topic, partitions }) => partitions.map((partition) => `${topic}-${partition}`)))
  }

  #answered<T>(answered: (answer: T) => void): Reply<T> {
    return { answered } as unknown as Reply<T>
  }

  #leave(client: Client): void {
    if (!client.joined) return
    const { memberId, instanceId } = client
    if (client.classic) this.shard.leave({ groupId: GROUP, members: [{ memberId, groupInstanceId: instanceId }] }, this.#effects())
    else {
      const nothing = { rackId: null, rebalanceTimeoutMs: -1, subscribedTopicNames: null, subscribedTopicRegex: null, serverAssignor: null }
      const request = {
        groupId: GROUP,
        memberId,
        memberEpoch: instanceId === null ? -1 : -2,
        instanceId,
        ...nothing,
        topicPartitions: null
      }
      this.shard.consumerHeartbeat(request, { clientId: 'c', clientHost: '/h', makesOwnId: true }, this.#effects())
    }
    client.forget()
  }

  #commit(client: Client, stale: number): void {
    const partitions = [{ partitionIndex: 0, committedOffset: this.now, committedLeaderEpoch: -1, committedMetadata: '' }]
    const generationId = client.epoch - stale
    const { errorCode } = this.shard.commitOffsets(
      {
        groupId: GROUP,
        memberId: client.memberId,
        groupInstanceId: null,
        generationId,
        retentionTimeMs: -1,
        topics: [{ name: 't', topicId: idOf('t'), partitions }]
      },
      true,
      this.#effects()
    )
    if (errorCode !== ErrorCode.NONE) return
    this.#committed = this.now
    const member = this.shard.consumers.get(GROUP)?.members.get(client.memberId)
    if (!member || generationId === member.epoch) return
    const since = member.assigned.get(idOf('t'))?.get(0) ?? member.revoking.get(idOf('t'))?.get(0)
    assert(since !== undefined && since <= generationId, 'only its owner commits with an older epoch')
  }

  #effects(): GroupEffects {
    const emit = (record: GroupRecord): void => {
      this.shard.replay(record, NOT_TRANSACTIONAL)
      this.log.push(groupCodec.encode(record))
      if (record.type !== 'consumer' || record.part !== 'group') return
      if (record.value) assert(record.value.epoch > this.#storedEpoch || record.value.epoch === 1, 'epochs rise')
      this.#storedEpoch = record.value?.epoch ?? 0
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

  /** A kill. */
  #reload(): void {
    this.#timers.clear()
    this.standing.answers.revokeAll()
    this.shard = this.#replayed(this.standing.answers)
    this.shard.onLoaded(this.#effects())
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

/** What is stored of the group. */
function picture(shard: GroupShard) {
  const group = shard.consumers.get(GROUP)
  if (!group) return { classic: [...shard.groups.keys()] }
  const { epoch, assignmentEpoch, metadataHash, assignedAt, members, targets, regexes, staticMembers } = group
  return { epoch, assignmentEpoch, metadataHash, assignedAt, members, targets, regexes, staticMembers, state: group.state }
}

function placesOf(partitions: readonly TopicIdPartitions[]): Set<string> {
  return new Set(partitions.flatMap(({ topicId, partitions: set }) => set.map((partition) => `${nameOfId(topicId)}-${partition}`)))
}

function byTopic(places: ReadonlySet<string>): { topic: string; partitions: number[] }[] {
  const topics = new Map<string, number[]>()
  for (const place of places) {
    const [topic = '', partition = ''] = place.split('-')
    topics.set(topic, [...(topics.get(topic) ?? []), Number(partition)])
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}
