/** Levels of `transaction.version` and `group.version` that are lowered and raised while transactions and groups are under way, as Apache Kafka 4.3.1 has it. */
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { updateFeatures } from '../../src/protocol/messages/57-update-features.js'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/68-consumer-group-heartbeat.js'
import { consumerGroupDescribe } from '../../src/protocol/messages/69-consumer-group-describe.js'
import { startBroker, type TestBroker } from '../support/broker.js'
import { uniqueName } from '../support/names.js'
import { Session } from '../takeover/session.js'
import { committed, Producer, V1, V2 } from './producer.js'

const { NONE, UNSUPPORTED_VERSION, INVALID_UPDATE_VERSION } = ErrorCode
const UPGRADE = 1
const SAFE_DOWNGRADE = 2

let broker: TestBroker
let session: Session
test.before(async () => {
  broker = await startBroker({ settings: { 'transaction.state.log.num.partitions': '2' } })
  session = await Session.connect(broker)
})
test.after.always(async () => {
  session.close()
  await broker.stop()
})

async function update(feature: string, maxVersionLevel: number, upgradeType: number): Promise<number> {
  const request = {
    timeoutMs: 5000,
    featureUpdates: [{ feature, maxVersionLevel, upgradeType, allowDowngrade: false }],
    validateOnly: false
  }
  return (await session.client.request(updateFeatures, 2, request)).errorCode
}

test.serial('transaction.version goes down and up: what is open is ended, whichever way its client works', async (t) => {
  const topic = uniqueName('levels')
  await session.createTopic(topic, 1)
  t.is(await update('transaction.version', 1, UPGRADE), INVALID_UPDATE_VERSION)
  const [newer, older] = [new Producer(session, uniqueName('newer'), V2), new Producer(session, uniqueName('older'), V1)]
  t.deepEqual([await newer.init(), await older.init()], [NONE, NONE])
  const expected: string[] = []
  for (const [level, type] of [
    [1, SAFE_DOWNGRADE],
    [0, SAFE_DOWNGRADE],
    [2, UPGRADE]
  ] as const) {
    for (const producer of [newer, older]) t.is(await producer.send(topic, 0, `${producer.id} before ${level}`), NONE)
    t.is(await update('transaction.version', level, type), NONE)
    for (const producer of [newer, older]) {
      t.is(await producer.send(topic, 0, `${producer.id} after ${level}`), NONE)
      t.is(await producer.end(level !== 0), NONE, `${producer.id} at ${level}`)
      await producer.completed()
      if (level !== 0) expected.push(`${producer.id} before ${level}`, `${producer.id} after ${level}`)
    }
  }
  t.deepEqual((await committed(session, topic, 0)).toSorted(), expected.toSorted())
})

test.serial('group.version goes down and up: the consumer protocol is gone, and its groups are not', async (t) => {
  const [topic, groupId] = [uniqueName('levels'), uniqueName('group')]
  await session.createTopic(topic, 1)
  await session.coordinator(groupId, 0)
  const nothing = { instanceId: null, rackId: null, subscribedTopicRegex: null, serverAssignor: null }
  const beat = (memberEpoch: number, joins: boolean) =>
    session.client.request(consumerGroupHeartbeat, 1, {
      ...nothing,
      groupId,
      memberId: 'm',
      memberEpoch,
      rebalanceTimeoutMs: joins ? 60_000 : -1,
      subscribedTopicNames: joins ? [topic] : null,
      topicPartitions: joins ? [] : null
    })
  const joined = await beat(0, true)
  t.is(joined.errorCode, NONE)
  t.is(await update('group.version', 0, SAFE_DOWNGRADE), NONE)
  t.is((await beat(joined.memberEpoch, false)).errorCode, UNSUPPORTED_VERSION)
  const asked = { groupIds: [groupId], includeAuthorizedOperations: false }
  t.is((await session.client.request(consumerGroupDescribe, 1, asked)).groups[0]?.errorCode, UNSUPPORTED_VERSION)
  t.is(await update('group.version', 1, UPGRADE), NONE)
  t.like(await beat(joined.memberEpoch, false), { errorCode: NONE, memberEpoch: joined.memberEpoch })
})
