/** Racks: the broker's is told, those of members are kept and handed on, and one node sends no reader elsewhere. Runs against an Apache Kafka as well. */
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { metadata } from '../../src/protocol/messages/03-metadata.js'
import { joinGroup } from '../../src/protocol/messages/11-join-group.js'
import { describeGroups } from '../../src/protocol/messages/15-describe-groups.js'
import { describeCluster } from '../../src/protocol/messages/60-describe-cluster.js'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/68-consumer-group-heartbeat.js'
import { consumerGroupDescribe } from '../../src/protocol/messages/69-consumer-group-describe.js'
import { buildBatch, recordsOf, decodeBatches } from '../../src/record/index.js'
import { foreignBroker, startBroker, type TestBroker } from '../support/broker.js'
import { haveTools, runTool } from '../support/kafka-tools.js'
import { uniqueName } from '../support/names.js'
import { fetchBody } from '../support/traffic.js'
import { Session } from '../takeover/session.js'

const oursTest = foreignBroker ? test.skip : test
let broker: TestBroker

test.before(async () => {
  const selector = 'org.apache.kafka.common.replica.RackAwareReplicaSelector'
  broker = await startBroker({ settings: { 'broker.rack': 'rack-a', 'replica.selector.class': selector } })
})
test.after.always(() => broker.stop())

async function setUp(t: ExecutionContext): Promise<{ session: Session; topic: string; group: string }> {
  const session = await Session.connect(broker)
  t.teardown(() => session.close())
  const [topic, group] = [uniqueName('racks'), uniqueName('racks')]
  await session.createTopic(topic, 2)
  await session.coordinator(group, 0)
  return { session, topic, group }
}

oursTest("Metadata and DescribeCluster tell the broker's rack", async (t) => {
  const { client } = (await setUp(t)).session
  const told = await client.request(metadata, 12, { topics: [], allowAutoTopicCreation: false, includeTopicAuthorizedOperations: false })
  t.deepEqual(
    told.brokers.map(({ rack }) => rack),
    ['rack-a']
  )
  const { brokers } = await client.request(describeCluster, 2, {
    includeClusterAuthorizedOperations: false,
    endpointType: 1,
    includeFencedBrokers: false
  })
  t.deepEqual(
    brokers.map(({ rack }) => rack),
    ['rack-a']
  )
})

test('a reader of any rack is served here: there is no replica that is nearer (KIP-392)', async (t) => {
  const { session, topic } = await setUp(t)
  await session.send(topic, 0, buildBatch([{ value: Buffer.from('v') }], { timestamp: Date.now() }))
  for (const rackId of ['', 'rack-a', 'rack-b']) {
    const { responses } = await session.client.request(fetch, 12, { ...fetchBody(topic, 0, 1 << 20), rackId })
    const { errorCode, preferredReadReplica, records } = responses[0]!.partitions[0]!
    t.deepEqual([errorCode, preferredReadReplica], [ErrorCode.NONE, -1], rackId)
    const bytes = Buffer.from(records!)
    t.is([...decodeBatches(bytes)].flatMap((batch) => recordsOf(bytes, batch)).length, 1)
  }
})

/** What a consumer of the classic protocol says of itself from version 3 on (KIP-881). */
function subscription(topic: string, rack: string): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length >> 8, value.length & 255]), Buffer.from(value)])
  const [none, one, noOwned, noGeneration] = [-1, 1, 0, -1].map((value) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return bytes
  }) as [Buffer, Buffer, Buffer, Buffer]
  return Buffer.concat([Buffer.from([0, 3]), one, text(topic), none, noOwned, noGeneration, text(rack)])
}

test('the leader of a classic group sees the racks of all members (KIP-881)', async (t) => {
  const { session, topic, group } = await setUp(t)
  const other = await Session.connect(broker)
  t.teardown(() => other.close())
  const join = async ({ client }: Session, memberId: string, rack: string) =>
    client.request(joinGroup, 9, {
      groupId: group,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId,
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription(topic, rack) }],
      reason: null
    })
  const first = (await join(session, '', 'rack-a')).memberId
  await join(session, first, 'rack-a')
  const second = (await join(other, '', 'rack-b')).memberId
  const state = async (): Promise<string> => {
    const { groups } = await session.client.request(describeGroups, 5, { groups: [group], includeAuthorizedOperations: false })
    return groups[0]!.groupState
  }
  const joining = join(other, second, 'rack-b')
  while ((await state()) !== 'PreparingRebalance') await delay(5)
  const [one, two] = await Promise.all([join(session, first, 'rack-a'), joining])
  t.is(one.errorCode, ErrorCode.NONE)
  const { members } = one.leader === first ? one : two
  const expected = new Map([
    [first, subscription(topic, 'rack-a')],
    [second, subscription(topic, 'rack-b')]
  ])
  t.is(members.length, 2)
  for (const { memberId, metadata: said } of members) t.deepEqual(Buffer.from(said), expected.get(memberId))
  t.is(await state(), 'CompletingRebalance')
})

test('the rack of a member of the consumer protocol is kept and told (KIP-848)', async (t) => {
  const { session, topic, group } = await setUp(t)
  const { client } = session
  const member = {
    groupId: group,
    memberId: 'AAAAAAAAAAAAAAAAAAAAAQ',
    instanceId: null,
    rebalanceTimeoutMs: 10_000,
    subscribedTopicNames: [topic]
  }
  const more = { subscribedTopicRegex: null, serverAssignor: null, topicPartitions: [] }
  const empty = await client.request(consumerGroupHeartbeat, 1, { ...member, ...more, memberEpoch: 0, rackId: '' })
  t.is(empty.errorCode, ErrorCode.INVALID_REQUEST)
  const joined = await client.request(consumerGroupHeartbeat, 1, { ...member, ...more, memberEpoch: 0, rackId: 'rack-b' })
  t.is(joined.errorCode, ErrorCode.NONE)
  const rack = async () => {
    const { groups } = await client.request(consumerGroupDescribe, 1, { groupIds: [group], includeAuthorizedOperations: false })
    return groups[0]!.members.map(({ rackId }) => rackId)
  }
  t.deepEqual(await rack(), ['rack-b'])
  // A heartbeat that does not name it leaves it as it is.
  const heartbeat = { ...member, ...more, rebalanceTimeoutMs: -1, subscribedTopicNames: null, topicPartitions: null, rackId: null }
  t.is((await client.request(consumerGroupHeartbeat, 1, { ...heartbeat, memberEpoch: joined.memberEpoch })).errorCode, ErrorCode.NONE)
  t.deepEqual(await rack(), ['rack-b'])
})

const toolTest = haveTools ? test.serial : test.serial.skip

for (const protocol of ['classic', 'consumer']) {
  toolTest(`the Java consumer in another rack reads, ${protocol} protocol`, async (t) => {
    const { session, topic, group } = await setUp(t)
    await session.send(topic, 1, buildBatch([{ value: Buffer.from('v') }], { timestamp: Date.now() }))
    const properties = [`group.protocol=${protocol}`, 'client.rack=rack-b'].flatMap((property) => ['--command-property', property])
    const where = ['--bootstrap-server', broker.bootstrap, '--topic', topic, '--group', group]
    const until = ['--from-beginning', '--max-messages', '1', '--timeout-ms', '20000']
    const { code, stdout, stderr } = await runTool('console-consumer', [...where, ...until, ...properties])
    t.is(code, 0, stderr)
    t.is(stdout, 'v\n')
  })
}
