/** What handlers add to the coordinator: topics that do not exist, ids and names, versions, the internal topic. */
import test from 'ava'
import { deleteGroupsHandler } from '../../src/handlers/42-delete-groups.js'
import { describeGroupsHandler } from '../../src/handlers/15-describe-groups.js'
import { findCoordinatorHandler } from '../../src/handlers/10-find-coordinator.js'
import { heartbeatHandler } from '../../src/handlers/12-heartbeat.js'
import { joinGroupHandler } from '../../src/handlers/11-join-group.js'
import { leaveGroupHandler } from '../../src/handlers/13-leave-group.js'
import { listGroupsHandler } from '../../src/handlers/16-list-groups.js'
import { offsetCommitHandler } from '../../src/handlers/08-offset-commit.js'
import { offsetDeleteHandler } from '../../src/handlers/47-offset-delete.js'
import { offsetFetchHandler } from '../../src/handlers/09-offset-fetch.js'
import { syncGroupHandler } from '../../src/handlers/14-sync-group.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { ZERO_UUID } from '../../src/protocol/reader.js'
import { call } from './support/call.js'
import { GroupNode, MAIN_ID } from './support/group-services.js'

const UNKNOWN_ID = 'UUUUUUUUUUUUUUUUUUUUUA'

async function setUp(ready = true): Promise<GroupNode> {
  let ids = 0
  const node = new GroupNode(() => `${++ids}`)
  if (ready) await call(findCoordinatorHandler, 4, { coordinatorKeys: ['g'], keyType: 0, ...unusedFind }, node.services)
  return node
}

const unusedFind = { key: '' }

function commitOf(topics: [name: string, topicId: string, offsets: [partition: number, offset: number, metadata?: string | null][]][]) {
  return {
    groupId: 'g',
    memberId: '',
    topics: topics.map(([name, topicId, offsets]) => ({
      name,
      topicId,
      partitions: offsets.map(([partitionIndex, committedOffset, committedMetadata = 'm']) => ({
        partitionIndex,
        committedOffset,
        committedMetadata
      }))
    }))
  }
}

test('FindCoordinator makes the topic once: compacted, one replica on one node', async (t) => {
  const node = await setUp(false)
  const find = () => call(findCoordinatorHandler, 0, { key: 'g' }, node.services)
  const answers = await Promise.all([find(), find()])
  for (const { errorCode, nodeId, host, port } of answers) t.deepEqual([errorCode, nodeId, host, port], [0, 1, '127.0.0.1', 19692])
  await find()
  t.deepEqual(node.created[0], {
    name: '__consumer_offsets',
    numPartitions: 50,
    replicationFactor: 1,
    assignments: [],
    configs: [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'compression.type', value: 'producer' },
      { name: 'segment.bytes', value: '104857600' }
    ]
  })
  t.is(node.image.topicByName('__consumer_offsets')?.partitions.length, 50)
  t.is(node.groups.partitions().length, 50)
})

test('FindCoordinator: nobody, where the log directory of the partition does not work', async (t) => {
  const node = new GroupNode(() => '')
  const find = async () => (await call(findCoordinatorHandler, 3, { key: 'g', keyType: 0 }, node.services)).errorCode
  t.is(await find(), ErrorCode.NONE)
  node.offline.add(node.groups.partitionFor('g'))
  t.is(await find(), ErrorCode.COORDINATOR_NOT_AVAILABLE)
})

test('FindCoordinator: no topic, other kinds of keys', async (t) => {
  const node = new GroupNode(() => '', ErrorCode.INVALID_REPLICATION_FACTOR)
  const nobody = { nodeId: -1, host: '', port: -1 }
  for (const version of [0, 1, 2, 3]) {
    const found = await call(findCoordinatorHandler, version, { key: 'g', keyType: 0 }, node.services)
    t.is(found.errorCode, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    t.is(found.nodeId, -1)
  }
  const several = await call(findCoordinatorHandler, 6, { coordinatorKeys: ['a', 'b'], keyType: 0, ...unusedFind }, node.services)
  t.deepEqual(
    several.coordinators.map(({ key, errorCode }) => [key, errorCode]),
    [
      ['a', 15],
      ['b', 15]
    ]
  )
  const transaction = await call(findCoordinatorHandler, 4, { coordinatorKeys: ['x'], keyType: 1, ...unusedFind }, node.services)
  t.deepEqual(transaction.coordinators, [{ key: 'x', errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, errorMessage: '', ...nobody }])
  for (const keyType of [2, 3, -1]) {
    const other = await call(findCoordinatorHandler, 6, { coordinatorKeys: ['x'], keyType, ...unusedFind }, node.services)
    t.is(other.coordinators[0]!.errorCode, ErrorCode.INVALID_REQUEST)
  }
})

test('OffsetCommit by name: what does not exist is told by partition, in order; the rest is committed', async (t) => {
  const node = await setUp()
  for (let version = 2; version <= 9; version++) {
    const request = commitOf([
      ['nope', ZERO_UUID, [[0, 1]]],
      [
        'main',
        ZERO_UUID,
        [
          [7, 1],
          [1, version, null],
          [-1, 1],
          [0, version, 'x'.repeat(5000)]
        ]
      ]
    ])
    const { topics } = await call(offsetCommitHandler, version, request, node.services)
    t.deepEqual(topics[0], { name: 'nope', topicId: ZERO_UUID, partitions: [{ partitionIndex: 0, errorCode: 3 }] })
    t.deepEqual(
      topics[1]!.partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode]),
      [
        [7, 3],
        [1, 0],
        [-1, 3],
        [0, ErrorCode.OFFSET_METADATA_TOO_LARGE]
      ]
    )
    const fetched = await call(offsetFetchHandler, 7, { groupId: 'g', topics: null, requireStable: true }, node.services)
    t.deepEqual(fetched.topics, [
      {
        name: 'main',
        partitions: [{ partitionIndex: 1, committedOffset: version, committedLeaderEpoch: -1, metadata: '', errorCode: 0 }]
      }
    ])
  }
})

test('OffsetCommit and OffsetFetch by id', async (t) => {
  const node = await setUp()
  const request = commitOf([
    ['', UNKNOWN_ID, [[0, 1]]],
    ['', MAIN_ID, [[1, 9]]]
  ])
  const { topics } = await call(offsetCommitHandler, 10, request, node.services)
  t.deepEqual(
    topics.map(({ topicId, partitions }) => [topicId, partitions[0]!.errorCode]),
    [
      [UNKNOWN_ID, ErrorCode.UNKNOWN_TOPIC_ID],
      [MAIN_ID, 0]
    ]
  )
  const asked = [
    { name: '', topicId: UNKNOWN_ID, partitionIndexes: [4] },
    { name: '', topicId: MAIN_ID, partitionIndexes: [0, 1] }
  ]
  const byId = { groups: [{ groupId: 'g', topics: asked }], groupId: '', topics: [] }
  const [group] = (await call(offsetFetchHandler, 10, byId, node.services)).groups
  t.deepEqual(
    group!.topics.map(({ topicId, partitions }) => [topicId, partitions.map((one) => [one.committedOffset, one.errorCode])]),
    [
      [UNKNOWN_ID, [[-1, ErrorCode.UNKNOWN_TOPIC_ID]]],
      [
        MAIN_ID,
        [
          [-1, 0],
          [9, 0]
        ]
      ]
    ]
  )
  const all = { groups: [{ groupId: 'g', topics: null }], groupId: '', topics: [] }
  t.deepEqual(
    (await call(offsetFetchHandler, 10, all, node.services)).groups[0]!.topics.map(({ topicId }) => topicId),
    [MAIN_ID]
  )
  node.deleteTopic('main')
  t.deepEqual((await call(offsetFetchHandler, 9, all, node.services)).groups[0]!.topics, [])
})

test('errors of a group: OffsetCommit by partition, OffsetFetch as its version can tell', async (t) => {
  const node = await setUp(false)
  const request = commitOf([['main', ZERO_UUID, [[0, 1]]]])
  const { topics } = await call(offsetCommitHandler, 9, request, node.services)
  t.is(topics[0]!.partitions[0]!.errorCode, ErrorCode.NOT_COORDINATOR)
  const asked = { groupId: 'g', topics: [{ name: 'main', partitionIndexes: [0, 1] }] }
  const v1 = await call(offsetFetchHandler, 1, asked, node.services)
  t.deepEqual(
    v1.topics[0]!.partitions.map(({ errorCode, committedOffset }) => [errorCode, committedOffset]),
    [
      [ErrorCode.NOT_COORDINATOR, -1],
      [ErrorCode.NOT_COORDINATOR, -1]
    ]
  )
  for (let version = 2; version <= 7; version++) {
    t.is((await call(offsetFetchHandler, version, asked, node.services)).errorCode, ErrorCode.NOT_COORDINATOR)
  }
  for (let version = 8; version <= 10; version++) {
    const several = { groups: [{ groupId: 'g', topics: null }], groupId: '', topics: [] }
    t.is((await call(offsetFetchHandler, version, several, node.services)).groups[0]!.errorCode, ErrorCode.NOT_COORDINATOR)
  }
})

test('OffsetDelete: partitions that do not exist are told in order', async (t) => {
  const node = await setUp()
  await call(
    offsetCommitHandler,
    9,
    commitOf([
      [
        'main',
        ZERO_UUID,
        [
          [0, 1],
          [1, 2]
        ]
      ]
    ]),
    node.services
  )
  const partitions = [{ partitionIndex: 5 }, { partitionIndex: 1 }]
  const topics = [
    { name: 'nope', partitions: [{ partitionIndex: 0 }] },
    { name: 'main', partitions }
  ]
  const answer = await call(offsetDeleteHandler, 0, { groupId: 'g', topics }, node.services)
  t.deepEqual(answer.topics, [
    { name: 'nope', partitions: [{ partitionIndex: 0, errorCode: 3 }] },
    {
      name: 'main',
      partitions: [
        { partitionIndex: 5, errorCode: 3 },
        { partitionIndex: 1, errorCode: 0 }
      ]
    }
  ])
  const fetched = await call(offsetFetchHandler, 7, { groupId: 'g', topics: null }, node.services)
  t.deepEqual(
    fetched.topics[0]!.partitions.map(({ partitionIndex }) => partitionIndex),
    [0]
  )
  t.is((await call(offsetDeleteHandler, 0, { groupId: 'unknown', topics }, node.services)).errorCode, ErrorCode.GROUP_ID_NOT_FOUND)
})

test('SyncGroup from v5 on must name type and protocol', async (t) => {
  const node = await setUp()
  const request = { groupId: 'g', generationId: 1, memberId: 'm', assignments: [] }
  for (let version = 0; version <= 4; version++) {
    t.is((await call(syncGroupHandler, version, request, node.services)).errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
  }
  t.is((await call(syncGroupHandler, 5, request, node.services)).errorCode, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  const named = { ...request, protocolType: 'consumer', protocolName: 'range' }
  t.is((await call(syncGroupHandler, 5, named, node.services)).errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
})

test('JoinGroup, Heartbeat and LeaveGroup tell errors in every version', async (t) => {
  const node = await setUp()
  const join = {
    groupId: '',
    sessionTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }]
  }
  for (let version = 0; version <= 9; version++) {
    const answer = await call(joinGroupHandler, version, join, node.services)
    t.is(answer.errorCode, ErrorCode.INVALID_GROUP_ID)
    t.is(answer.protocolName, version < 7 ? '' : null)
  }
  for (let version = 0; version <= 4; version++) {
    const answer = await call(heartbeatHandler, version, { groupId: 'g', generationId: 1, memberId: 'm' }, node.services)
    t.is(answer.errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
  }
  for (let version = 0; version <= 5; version++) {
    const who = version < 3 ? { memberId: 'm' } : { memberId: '', members: [{ memberId: 'm', groupInstanceId: null }] }
    const answer = await call(leaveGroupHandler, version, { groupId: 'g', ...who }, node.services)
    t.is(version < 3 ? answer.errorCode : answer.members[0]!.errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
  }
})

test('DescribeGroups, ListGroups, DeleteGroups', async (t) => {
  const node = await setUp()
  await call(offsetCommitHandler, 9, commitOf([['main', ZERO_UUID, [[0, 1]]]]), node.services)
  for (let version = 0; version <= 6; version++) {
    const asked = { groups: ['g', 'unknown'], ...(version >= 3 && { includeAuthorizedOperations: true }) }
    const { groups } = await call(describeGroupsHandler, version, asked, node.services)
    t.deepEqual(
      groups.map(({ errorCode, errorMessage, groupState }) => [errorCode, errorMessage, groupState]),
      [[0, null, 'Empty'], version < 6 ? [0, null, 'Dead'] : [ErrorCode.GROUP_ID_NOT_FOUND, 'Group unknown not found.', 'Dead']]
    )
    if (version >= 3) t.is(groups[0]!.authorizedOperations, 3400)
    // A dead group, and no error: so are its operations.
    if (version >= 3) t.is(groups[1]!.authorizedOperations, version < 6 ? 3400 : -2_147_483_648)
  }
  for (let version = 0; version <= 5; version++) {
    const filters = { ...(version >= 4 && { statesFilter: ['empty'] }), ...(version >= 5 && { typesFilter: ['Classic'] }) }
    const listed = await call(listGroupsHandler, version, filters, node.services)
    t.deepEqual(
      listed.groups.map(({ groupId }) => groupId),
      ['g']
    )
  }
  t.deepEqual((await call(listGroupsHandler, 5, { statesFilter: ['Stable'], typesFilter: [] }, node.services)).groups, [])
  const { results } = await call(deleteGroupsHandler, 2, { groupsNames: ['g', 'unknown', 'g'] }, node.services)
  t.deepEqual(
    results.map(({ groupId, errorCode }) => [groupId, errorCode]),
    [
      ['g', 0],
      ['unknown', ErrorCode.GROUP_ID_NOT_FOUND]
    ]
  )
})

test('a deleted topic takes its offsets with it', async (t) => {
  const node = await setUp()
  await call(offsetCommitHandler, 9, commitOf([['main', ZERO_UUID, [[0, 1]]]]), node.services)
  node.deleteTopic('main')
  t.deepEqual((await call(offsetFetchHandler, 7, { groupId: 'g', topics: null }, node.services)).topics, [])
})

test('when the internal topic is deleted nobody coordinates, until it is made anew', async (t) => {
  const node = await setUp()
  await call(offsetCommitHandler, 9, commitOf([['main', ZERO_UUID, [[0, 1]]]]), node.services)
  node.deleteTopic('__consumer_offsets')
  t.deepEqual(node.groups.partitions(), [])
  t.is((await call(offsetFetchHandler, 7, { groupId: 'g', topics: null }, node.services)).errorCode, ErrorCode.NOT_COORDINATOR)
  await call(findCoordinatorHandler, 0, { key: 'g' }, node.services)
  t.is((await call(offsetFetchHandler, 7, { groupId: 'g', topics: null }, node.services)).errorCode, 0)
})

test('what is asked for often is answered once', async (t) => {
  const node = await setUp()
  await call(offsetCommitHandler, 9, commitOf([['main', ZERO_UUID, [[0, 1]]]]), node.services)
  const topics = [
    { name: 'main', topicId: ZERO_UUID, partitionIndexes: [0, 1, 0] },
    { name: 'main', topicId: ZERO_UUID, partitionIndexes: [1, 0] }
  ]
  const asked = { groupId: '', topics: [], groups: [0, 1, 2].map(() => ({ groupId: 'g', topics })) }
  const fetched = await call(offsetFetchHandler, 8, asked, node.services)
  t.deepEqual(
    fetched.groups.map((group) => group.topics.map(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex))),
    [[[0, 1], []]]
  )
  t.is((await call(describeGroupsHandler, 0, { groups: ['g', 'g', 'h'] }, node.services)).groups.length, 2)
})

test('a commit that would write too much is refused as a whole', async (t) => {
  const node = await setUp()
  const partitions = Array.from({ length: 600 }, () => ({ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }))
  const request = { groupId: 'g'.repeat(32_000), memberId: '', topics: [{ name: 'main', partitions }] }
  const answer = await call(offsetCommitHandler, 9, request, node.services)
  t.true(answer.topics[0]!.partitions.every(({ errorCode }) => errorCode === ErrorCode.UNKNOWN_SERVER_ERROR))
  t.deepEqual((await call(listGroupsHandler, 0, {}, node.services)).groups, [])
})

test('names that do not fit a record are refused, and the coordinator goes on', async (t) => {
  const node = await setUp()
  // What malformed UTF-8 within the limits of a request is decoded to.
  const long = '\ufffd'.repeat(20_000)
  const context = { apiVersion: 9, clientId: 'c', clientAddress: '127.0.0.1' }
  const member = { memberId: '', groupInstanceId: null, sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 }
  const join = async (changes: object, clientId = 'c') => {
    const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
    const answer = await node.groups.joinGroup(
      { groupId: 'g', protocolType: 'consumer', protocols, ...member, ...changes },
      { ...context, clientId }
    )
    return answer.errorCode
  }
  t.is(await join({ groupId: long }), ErrorCode.INVALID_GROUP_ID)
  t.is(await join({ groupInstanceId: 'x'.repeat(32_740) }), ErrorCode.INVALID_REQUEST)
  t.is(await join({}, 'x'.repeat(32_740)), ErrorCode.INVALID_REQUEST)
  t.is(await join({ protocolType: long }), ErrorCode.INVALID_REQUEST)
  t.is(await join({ protocols: [{ name: long, metadata: Buffer.alloc(0) }] }), ErrorCode.INVALID_REQUEST)
  const commit = { groupId: long, generationId: -1, memberId: '', groupInstanceId: null, retentionTimeMs: -1, topics: [] }
  t.is((await node.groups.commitOffsets(commit, true)).errorCode, ErrorCode.INVALID_GROUP_ID)
  t.is(await join({}), ErrorCode.MEMBER_ID_REQUIRED)
})
