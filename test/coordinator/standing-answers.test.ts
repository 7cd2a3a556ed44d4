/** Heartbeats of idle groups are answered by native code: until something happens, and the session goes on. */
import test, { type ExecutionContext } from 'ava'
import { NamedTimers } from '../../src/coordinator/timers.js'
import { StandingAnswers } from '../../src/coordinator/standing-answers.js'
import { Broker } from '../../src/index.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.js'
import { joinGroup } from '../../src/protocol/messages/11-join-group.js'
import { heartbeat } from '../../src/protocol/messages/12-heartbeat.js'
import { syncGroup } from '../../src/protocol/messages/14-sync-group.js'
import { createPartitions } from '../../src/protocol/messages/37-create-partitions.js'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.js'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/68-consumer-group-heartbeat.js'
import { RawClient } from '../support/raw-client.js'
import { GroupSimulation, type Step } from './support/group-simulation.js'
import { SimClock } from './support/sim-clock.js'

const ALTER = { set: 0, group: 32 } as const

async function brokerFor(t: ExecutionContext): Promise<Broker> {
  const settings = { 'group.initial.rebalance.delay.ms': '0', 'offsets.topic.num.partitions': '1' }
  const broker = await Broker.start({ topics: { t: 2 }, settings })
  t.teardown(() => broker.stop())
  // The first who asks for it has the topic of offsets made.
  const client = await clientOf(t, broker)
  const found = async () =>
    (await client.request(findCoordinator, 4, { key: '', keyType: 0, coordinatorKeys: ['g'] })).coordinators[0]!.errorCode
  while ((await found()) !== ErrorCode.NONE);
  return broker
}

async function clientOf(t: ExecutionContext, broker: Broker): Promise<RawClient> {
  const client = await RawClient.connect(broker)
  t.teardown(() => client.close())
  return client
}

const standing = (broker: Broker): number => broker.status().total.standingAnswers

test('classic protocol: the same heartbeat is answered as before until somebody joins', async (t) => {
  const broker = await brokerFor(t)
  const [one, two] = [await clientOf(t, broker), await clientOf(t, broker)]
  const request = {
    groupId: 'g',
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('m') }]
  }
  const { memberId, generationId } = await one.request(joinGroup, 3, request)
  const synced = await one.request(syncGroup, 3, { groupId: 'g', generationId, memberId, assignments: [] })
  t.is(synced.errorCode, ErrorCode.NONE)
  const beat = async (): Promise<number> => (await one.request(heartbeat, 3, { groupId: 'g', generationId, memberId })).errorCode
  for (let n = 0; n < 5; n++) t.is(await beat(), ErrorCode.NONE)
  t.is(standing(broker), 4)
  // Another version is another request.
  t.is((await one.request(heartbeat, 4, { groupId: 'g', generationId, memberId })).errorCode, ErrorCode.NONE)
  t.is(standing(broker), 4)
  const second = two.request(joinGroup, 3, request)
  while ((await beat()) === ErrorCode.NONE);
  t.is(await beat(), ErrorCode.REBALANCE_IN_PROGRESS)
  t.is((await one.request(joinGroup, 3, { ...request, memberId })).errorCode, ErrorCode.NONE)
  t.is((await second).errorCode, ErrorCode.NONE)
  t.is(await beat(), ErrorCode.ILLEGAL_GENERATION)
})

test('consumer protocol: settings, topics and other members reach who was answered as before', async (t) => {
  const broker = await brokerFor(t)
  const [one, two] = [await clientOf(t, broker), await clientOf(t, broker)]
  const member = (memberId: string, memberEpoch: number, whole: boolean) => ({
    groupId: 'c',
    memberId,
    memberEpoch,
    rebalanceTimeoutMs: whole ? 30_000 : -1,
    subscribedTopicNames: whole ? ['t'] : null,
    topicPartitions: whole ? [] : null
  })
  let { memberEpoch: epoch } = await one.request(consumerGroupHeartbeat, 1, member('a', 0, true))
  const beat = () => one.request(consumerGroupHeartbeat, 1, member('a', epoch, false))
  for (let n = 0; n < 5; n++) t.is((await beat()).assignment, null)
  t.is(standing(broker), 4)

  await two.request(incrementalAlterConfigs, 1, {
    resources: [
      {
        resourceType: ALTER.group,
        resourceName: 'c',
        configs: [{ name: 'consumer.heartbeat.interval.ms', configOperation: ALTER.set, value: '6000' }]
      }
    ],
    validateOnly: false
  })
  t.is((await beat()).heartbeatIntervalMs, 6000)

  await two.request(createPartitions, 3, { topics: [{ name: 't', count: 4, assignments: null }], timeoutMs: 10_000, validateOnly: false })
  let answer = await beat()
  while (answer.assignment === null) answer = await beat()
  t.is(answer.assignment.topicPartitions[0]!.partitions.length, 4)
  epoch = answer.memberEpoch

  t.is((await beat()).assignment, null)
  t.is((await two.request(consumerGroupHeartbeat, 1, member('b', 0, true))).errorCode, ErrorCode.NONE)
  answer = await beat()
  while (answer.assignment === null) answer = await beat()
  t.is(answer.assignment.topicPartitions[0]!.partitions.length, 2)
})

test('classic protocol: who was answered as before is told when the session of another ends', (t) => {
  const simulation = new GroupSimulation()
  const steps: Step[] = [
    ...[2, 3].map((client): Step => ({ do: 'join', client, protocols: ['range'], fresh: true, version: 3 })),
    { do: 'advance', ms: 600 },
    { do: 'cycle' },
    { do: 'advance', ms: 5000 },
    { do: 'heartbeat', client: 2, stale: false },
    { do: 'advance', ms: 6000 }
  ]
  for (const step of steps) {
    simulation.run(step)
    simulation.check()
  }
  t.is(simulation.standing.looked, 1)
  t.is(simulation.shard.groups.get('g')?.state, 'PreparingRebalance')
})

test('a session lasts from the last heartbeat, whoever has answered it', async (t) => {
  const numbers = new Float64Array(4)
  const standing = new StandingAnswers(numbers)
  const clock = new SimClock()
  const expired: string[] = []
  const timers = new NamedTimers<string>(
    clock,
    () => {},
    (event) => expired.push(event),
    standing
  )
  timers.schedule('session', 10_000, 'a')
  const { place, stamp } = standing.stand('g', 'session')!
  t.is(numbers[place * 2], stamp)
  // Native code has answered at 7 s; then the group changes.
  numbers[place * 2 + 1] = 7000
  standing.revoke('g')
  t.is(numbers[place * 2], 0)
  await clock.advance(16_999)
  t.deepEqual(expired, [])
  await clock.advance(1)
  t.deepEqual(expired, ['a'])
  // Its place is another's.
  t.deepEqual([numbers[0], numbers[1]], [0, 0])
  timers.schedule('first', 1000, 'b')
  timers.schedule('second', 1000, 'c')
  t.is(standing.stand('g', 'first')?.place, place)
  t.not(standing.stand('g', 'second')?.place, place)
  t.is(standing.stand('g', 'third'), undefined, 'no place is left')
  timers.cancel('first')
  t.is(standing.heard('first'), 0)
  t.is(standing.stand('g', 'fourth')?.place, place)
})
