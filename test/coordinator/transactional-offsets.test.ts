/** TxnOffsetCommit as the group coordinator sees it: pending offsets, and what a marker makes of them. */
import test, { type ExecutionContext } from 'ava'
import { DEFAULT_GROUP_CONFIG } from '../../src/coordinator/group/group-config.js'
import { GroupCoordinator } from '../../src/coordinator/group/group-coordinator.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { ZERO_UUID } from '../../src/protocol/reader.js'
import { MemoryLog } from './support/memory-log.js'
import { SimClock, turn } from './support/sim-clock.js'

const HOUR = 3_600_000
const silent = { info() {}, warn() {}, error() {} }
const config = { ...DEFAULT_GROUP_CONFIG, initialRebalanceDelayMs: 0, offsetsRetentionMs: HOUR, offsetsRetentionCheckIntervalMs: HOUR / 6 }

class Node {
  readonly clock = new SimClock()
  readonly log: MemoryLog
  readonly groups: GroupCoordinator

  constructor(log = new MemoryLog()) {
    this.log = log
    let ids = 0
    const { clock } = this
    this.groups = new GroupCoordinator({ clock, logger: silent, log, config, partitions: () => 1, newUuid: () => `${++ids}` })
    void this.groups.elect(0)
  }

  commit(offset: number, { producer = 7, epoch = 0, member = '', generation = -1, topic = 't', metadata = '' } = {}) {
    return this.groups.commitTransactionalOffsets({
      ...offsetsOf(offset, topic, metadata, member, generation),
      producerId: producer,
      producerEpoch: epoch
    })
  }

  plain(offset: number, topic = 't') {
    return this.groups.commitOffsets(offsetsOf(offset, topic, '', '', -1), true)
  }

  /** What the transaction coordinator does: the marker is in the log, then the shard is told. */
  async end(commit: boolean, producer = 7): Promise<void> {
    this.log.putMarker(0, producer, commit)
    await this.groups.completeTransaction(0, producer, 0, commit)
  }

  async fetch(requireStable = false, topic = 't'): Promise<[offset: number, errorCode: number]> {
    const topics = [{ name: topic, partitionIndexes: [0] }]
    const { topics: answers } = await this.groups.fetchOffsets({ groupId: 'g', memberId: null, memberEpoch: -1, topics, requireStable })
    const { committedOffset, errorCode } = answers[0]!.partitions[0]!
    return [committedOffset, errorCode]
  }

  async join(memberId: string) {
    const request = {
      groupId: 'g',
      memberId,
      groupInstanceId: null,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: new Uint8Array(0) }]
    }
    return this.groups.joinGroup(request, { apiVersion: 3, clientId: 'c', clientAddress: '127.0.0.1' })
  }
}

function offsetsOf(committedOffset: number, name: string, committedMetadata: string, memberId: string, generationId: number) {
  const partitions = [{ partitionIndex: 0, committedOffset, committedLeaderEpoch: -1, committedMetadata }]
  const topics = [{ name, topicId: ZERO_UUID, partitions }]
  return { groupId: 'g', generationId, memberId, groupInstanceId: null, retentionTimeMs: -1, topics }
}

async function setUp(t: ExecutionContext): Promise<Node> {
  const node = new Node()
  await turn()
  t.teardown(() => node.groups.close())
  return node
}

const UNSTABLE = ErrorCode.UNSTABLE_OFFSET_COMMIT

test('offsets of a transaction count when it is committed', async (t) => {
  const node = await setUp(t)
  const { errorCode, topics } = await node.commit(5)
  t.deepEqual([errorCode, topics[0]!.partitions[0]!.errorCode], [0, 0])
  t.deepEqual(await node.fetch(), [-1, 0])
  t.deepEqual(await node.fetch(true), [-1, UNSTABLE])
  await node.end(true)
  t.deepEqual(await node.fetch(true), [5, 0])
  await node.commit(6)
  t.deepEqual(await node.fetch(), [5, 0])
  await node.end(false)
  t.deepEqual(await node.fetch(true), [5, 0])
})

test('of a plain commit and a transaction, the one that is later in the log wins', async (t) => {
  const node = await setUp(t)
  await node.commit(5)
  await node.plain(9)
  t.deepEqual(await node.fetch(true), [-1, UNSTABLE])
  await node.end(true)
  t.deepEqual(await node.fetch(true), [9, 0])
  await node.plain(10)
  await node.commit(11)
  await node.end(true)
  t.deepEqual(await node.fetch(true), [11, 0])
})

test('a producer that names no member may commit for a group of the consumer protocol, one that names another may not', async (t) => {
  const node = await setUp(t)
  const joins = {
    groupId: 'g',
    memberId: 'm',
    memberEpoch: 0,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: 30_000,
    subscribedTopicNames: ['t'],
    subscribedTopicRegex: null,
    serverAssignor: null,
    topicPartitions: []
  }
  const { memberEpoch } = await node.groups.consumerGroupHeartbeat(joins, { apiVersion: 1, clientId: 'c', clientAddress: '127.0.0.1' })
  const codeOf = async (more: Parameters<typeof node.commit>[1]) => (await node.commit(5, more)).errorCode
  t.is(await codeOf({}), 0)
  t.is(await codeOf({ member: 'm', generation: memberEpoch }), 0)
  t.is(await codeOf({ member: 'other' }), ErrorCode.UNKNOWN_MEMBER_ID)
  t.is(await codeOf({ member: 'm', generation: memberEpoch + 1 }), ErrorCode.ILLEGAL_GENERATION)
})

test('records of a transaction are batches of their producer alone', async (t) => {
  const node = await setUp(t)
  await Promise.all([node.plain(1), node.commit(2, { producer: 7 }), node.commit(3, { producer: 8, topic: 'u' }), node.plain(4, 'v')])
  const producers = node.log
    .entries(0)
    .map((entry) => ('batch' in entry ? new Set(entry.batch.map(({ producerId }) => producerId)) : undefined))
  t.deepEqual(producers, [new Set([-1]), new Set([7]), new Set([8]), new Set([-1])])
})

test('a restart in the middle of a transaction, and one after its marker', async (t) => {
  const node = await setUp(t)
  await node.plain(1)
  await node.commit(5)
  const second = new Node(node.log)
  await turn()
  t.deepEqual(
    [await second.fetch(), await second.fetch(true)],
    [
      [1, 0],
      [-1, UNSTABLE]
    ]
  )
  await second.end(true)
  t.deepEqual(await second.fetch(true), [5, 0])
  const third = new Node(node.log)
  await turn()
  t.deepEqual(await third.fetch(true), [5, 0])
  await Promise.all([second.groups.close(), third.groups.close()])
})

test('a marker whose partition is loading is heeded when it is loaded; of one that is not here nothing is known', async (t) => {
  const node = await setUp(t)
  await node.commit(5)
  let open = (): void => {}
  node.log.loadGate = new Promise((resolve) => (open = resolve))
  node.groups.resign(0)
  void node.groups.elect(0)
  const done = node.end(true)
  await turn()
  open()
  await done
  t.deepEqual(await node.fetch(true), [5, 0])
  await t.notThrowsAsync(node.groups.completeTransaction(1, 7, 0, true))
})

test('a fenced producer is refused, and nothing else is disturbed', async (t) => {
  const node = await setUp(t)
  node.log.epochs.set(7, 3)
  const parked = node.join('')
  await turn()
  t.is((await node.commit(5, { epoch: 2 })).errorCode, ErrorCode.INVALID_PRODUCER_EPOCH)
  t.is(node.log.loads, 1)
  await node.clock.advance(10)
  t.is((await parked).errorCode, 0)
  t.is((await node.commit(5, { epoch: 3, generation: -1 })).errorCode, 0)
})

test('who may commit: members of the generation, also while they wait for the assignment, and who names no member', async (t) => {
  const node = await setUp(t)
  t.is((await node.commit(1, { generation: 3, member: 'm' })).errorCode, ErrorCode.ILLEGAL_GENERATION)
  const joining = node.join('')
  await node.clock.advance(10)
  const { memberId, generationId } = await joining
  // The group waits for its leader's assignment.
  t.is((await node.commit(2, { member: memberId, generation: generationId })).errorCode, 0)
  t.is((await node.commit(2, { member: memberId, generation: generationId - 1 })).errorCode, ErrorCode.ILLEGAL_GENERATION)
  t.is((await node.commit(2, { member: 'nobody', generation: generationId })).errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
  t.is((await node.commit(2)).errorCode, 0)
  const tooLong = await node.commit(2, { metadata: 'x'.repeat(5000) })
  t.is(tooLong.topics[0]!.partitions[0]!.errorCode, ErrorCode.OFFSET_METADATA_TOO_LARGE)
})

test('members of a consumer group commit with their epoch; to a producer a wrong one is an old generation', async (t) => {
  const node = await setUp(t)
  const nothing = { instanceId: null, rackId: null, subscribedTopicRegex: null, serverAssignor: null }
  const joins = { groupId: 'g', memberId: 'm', memberEpoch: 0, rebalanceTimeoutMs: 1000, subscribedTopicNames: ['t'], topicPartitions: [] }
  const context = { apiVersion: 1, clientId: 'c', clientAddress: '127.0.0.1' }
  const { memberEpoch } = await node.groups.consumerGroupHeartbeat({ ...nothing, ...joins }, context)
  t.is((await node.commit(1, { member: 'm', generation: memberEpoch })).errorCode, 0)
  t.is((await node.commit(2, { member: 'm', generation: memberEpoch - 1 })).errorCode, ErrorCode.ILLEGAL_GENERATION)
  t.is((await node.commit(2, { member: 'm', generation: memberEpoch + 1 })).errorCode, ErrorCode.ILLEGAL_GENERATION)
  t.is((await node.commit(2, { member: 'nobody', generation: memberEpoch })).errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
  await node.end(true)
  t.deepEqual(await node.fetch(true), [1, 0])
})

test('pending offsets are deleted with others, and keep a group and its offsets from expiring', async (t) => {
  const node = await setUp(t)
  await node.commit(5)
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }] }]
  t.is((await node.groups.deleteOffsets({ groupId: 'g', topics })).topics[0]!.partitions[0]!.errorCode, 0)
  await node.end(true)
  t.deepEqual(await node.fetch(true), [-1, 0])
  await node.plain(6)
  await node.commit(7)
  await node.clock.advance(2 * HOUR)
  t.deepEqual(await node.fetch(), [6, 0])
  await node.end(false)
  await node.clock.advance(HOUR)
  t.deepEqual(await node.fetch(), [-1, 0])
  t.deepEqual((await node.groups.listGroups([], [])).groups, [])
})
