/** Groups over the real storage engine: what was answered is there after a stop, and after a kill. */
import test from 'ava'
import { DEFAULT_GROUP_CONFIG } from '../../src/coordinator/group/group-config.js'
import { GroupCoordinator, GROUP_TOPIC } from '../../src/coordinator/group/group-coordinator.js'
import { StorageCoordinatorLog } from '../../src/coordinator/storage-coordinator-log.js'
import { systemClock } from '../../src/clock.js'
import { startEngine, TOPIC_ID, type Engine } from '../storage/support.js'

const ZERO = 'AAAAAAAAAAAAAAAAAAAAAA'

async function start(engine: Engine): Promise<GroupCoordinator> {
  const config = engine.config({ 'cleanup.policy': 'compact' })
  const existing = await engine.manager.whenReady(GROUP_TOPIC, 0)
  const log = existing ?? (await engine.manager.create(GROUP_TOPIC, 0, TOPIC_ID, config))
  log.becomeLeader(3)
  let ids = 0
  const groups = new GroupCoordinator({
    clock: systemClock(),
    logger: { info() {}, warn() {}, error() {} },
    log: new StorageCoordinatorLog({
      log: (partition) => engine.manager.get(GROUP_TOPIC, partition),
      whenReady: (partition) => engine.manager.whenReady(GROUP_TOPIC, partition),
      leaderEpoch: () => 3,
      frames: engine.runtime,
      clock: systemClock(),
      loadBufferBytes: () => 64 * 1024,
      compression: () => 0
    }),
    config: { ...DEFAULT_GROUP_CONFIG, initialRebalanceDelayMs: 0 },
    partitions: () => 1,
    newUuid: () => `${++ids}`
  })
  await groups.elect(0)
  return groups
}

function commit(groups: GroupCoordinator, groupId: string, committedOffset: number) {
  const partitions = [{ partitionIndex: 0, committedOffset, committedLeaderEpoch: 1, committedMetadata: `m${committedOffset}` }]
  const topics = [{ name: 't', topicId: ZERO, partitions }]
  return groups.commitOffsets({ groupId, generationId: -1, memberId: '', groupInstanceId: null, retentionTimeMs: -1, topics }, true)
}

async function offsetOf(groups: GroupCoordinator, groupId: string): Promise<number | undefined> {
  const { topics } = await groups.fetchOffsets({ groupId, memberId: null, memberEpoch: -1, topics: null, requireStable: true })
  return topics[0]?.partitions[0]?.committedOffset
}

for (const way of ['stop', 'drop'] as const) {
  test(`committed offsets and a stable group survive: ${way}`, async (t) => {
    const engine = await startEngine(t)
    const groups = await start(engine)
    await Promise.all(Array.from({ length: 2000 }, (_, n) => commit(groups, `g${n % 100}`, n)))
    const protocols = [{ name: 'range', metadata: Buffer.from('md') }]
    const member = { memberId: '', groupInstanceId: 'i', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 }
    const context = { apiVersion: 9, clientId: 'c', clientAddress: '127.0.0.1' }
    const joined = await groups.joinGroup({ groupId: 'm', protocolType: 'consumer', protocols, ...member }, context)
    const { memberId, generationId } = joined
    const assignments = [{ memberId, assignment: Buffer.from('p0') }]
    const sync = { groupId: 'm', memberId, generationId, groupInstanceId: 'i', protocolType: null, protocolName: null, assignments }
    t.is((await groups.syncGroup(sync)).errorCode, 0)
    const before = await groups.describeGroup('m')
    t.is(before.groupState, 'Stable')
    await groups.close()
    await engine[way]()

    const again = await start(await startEngine(t, { dir: engine.dir }))
    for (let n = 0; n < 100; n++) t.is(await offsetOf(again, `g${n}`), 1900 + n)
    t.deepEqual(await again.describeGroup('m'), before)
    t.is((await again.heartbeat({ groupId: 'm', memberId, generationId, groupInstanceId: 'i' })).errorCode, 0)
    await again.close()
  })
}
