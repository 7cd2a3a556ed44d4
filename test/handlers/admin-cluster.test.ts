/** Elections, reassignments, features, the quorum, credentials and brokers that are gone: the answers of one node. */
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.js'
import { electLeaders } from '../../src/protocol/messages/43-elect-leaders.js'
import { alterPartitionReassignments } from '../../src/protocol/messages/45-alter-partition-reassignments.js'
import { listPartitionReassignments } from '../../src/protocol/messages/46-list-partition-reassignments.js'
import { describeUserScramCredentials } from '../../src/protocol/messages/50-describe-user-scram-credentials.js'
import { alterUserScramCredentials } from '../../src/protocol/messages/51-alter-user-scram-credentials.js'
import { describeQuorum } from '../../src/protocol/messages/55-describe-quorum.js'
import { updateFeatures } from '../../src/protocol/messages/57-update-features.js'
import { foreignBroker, startBroker, type TestBroker } from '../support/broker.js'
import { uniqueName } from '../support/names.js'
import { RawClient } from '../support/raw-client.js'

const { NONE, INVALID_REQUEST, INVALID_UPDATE_VERSION, UNKNOWN_TOPIC_OR_PARTITION, INVALID_REPLICA_ASSIGNMENT } = ErrorCode
const oursTest = foreignBroker ? test.skip : test

let broker: TestBroker
let client: RawClient
test.before(async () => {
  broker = await startBroker({ topics: { a: 2 } })
  client = await RawClient.connect(broker)
})
test.after.always(async () => {
  client.close()
  await broker.stop()
})

test('ElectLeaders: the leader is the preferred one already', async (t) => {
  const elect = async (electionType: number, topicPartitions: { topic: string; partitions: number[] }[] | null) => {
    const { errorCode, replicaElectionResults } = await client.request(electLeaders, 2, { electionType, topicPartitions, timeoutMs: 5000 })
    return [errorCode, replicaElectionResults.flatMap(({ partitionResult }) => partitionResult.map((each) => each.errorCode))]
  }
  const wanted = [
    { topic: 'a', partitions: [0, 7] },
    { topic: 'no-such-topic', partitions: [0] }
  ]
  t.deepEqual(await elect(0, wanted), [NONE, [ErrorCode.ELECTION_NOT_NEEDED, UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_OR_PARTITION]])
  t.deepEqual(await elect(1, [{ topic: 'a', partitions: [1] }]), [NONE, [ErrorCode.ELECTION_NOT_NEEDED]])
  t.deepEqual(await elect(0, null), [NONE, []])
  t.deepEqual(await elect(5, null), [INVALID_REQUEST, []])
})

test('AlterPartitionReassignments: to where it is, to brokers that are not there, and back from nothing', async (t) => {
  const reassign = async (name: string, ...partitions: (readonly [number, number[] | null])[]) => {
    const topics = [{ name, partitions: partitions.map(([partitionIndex, replicas]) => ({ partitionIndex, replicas })) }]
    const { responses } = await client.request(alterPartitionReassignments, 1, { timeoutMs: 5000, topics })
    return responses.flatMap((topic) => topic.partitions.map(({ errorCode }) => errorCode))
  }
  t.deepEqual(await reassign('a', [0, [1]], [1, [2]], [9, [1]]), [NONE, INVALID_REPLICA_ASSIGNMENT, UNKNOWN_TOPIC_OR_PARTITION])
  t.deepEqual(await reassign('a', [0, null]), [ErrorCode.NO_REASSIGNMENT_IN_PROGRESS])
  for (const replicas of [[], [1, 1], [-1]]) t.deepEqual(await reassign('a', [0, replicas]), [INVALID_REPLICA_ASSIGNMENT])
  t.deepEqual(await reassign('no-such-topic', [0, [1]]), [UNKNOWN_TOPIC_OR_PARTITION])
  for (const topics of [null, [], [{ name: 'a', partitionIndexes: [0, 9] }], [{ name: 'no-such-topic', partitionIndexes: [0] }]]) {
    const listed = await client.request(listPartitionReassignments, 0, { timeoutMs: 5000, topics })
    t.deepEqual([listed.errorCode, listed.topics], [NONE, []])
  }
})

type Update = readonly [feature: string, level: number, type: number]

async function update(version: number, updates: readonly Update[], validateOnly = true) {
  const featureUpdates = updates.map(([feature, maxVersionLevel, upgradeType]) => ({
    feature,
    maxVersionLevel,
    upgradeType,
    allowDowngrade: false
  }))
  return client.request(updateFeatures, version, { timeoutMs: 5000, featureUpdates, validateOnly })
}

test('UpdateFeatures: what is allowed, and what is not', async (t) => {
  const expected: readonly (readonly [Update, number])[] = [
    [['no.such.feature', 1, 1], INVALID_UPDATE_VERSION],
    [['group.version', 1, 1], NONE],
    [['group.version', 9, 1], INVALID_UPDATE_VERSION],
    [['group.version', 0, 1], INVALID_UPDATE_VERSION],
    [['group.version', 0, 2], NONE],
    [['group.version', 0, 3], NONE],
    [['group.version', 1, 2], NONE],
    [['group.version', -1, 1], INVALID_UPDATE_VERSION],
    [['group.version', 0, 0], INVALID_UPDATE_VERSION],
    [['transaction.version', 1, 2], NONE],
    [['metadata.version', 30, 1], NONE],
    [['metadata.version', 29, 1], INVALID_UPDATE_VERSION],
    [['metadata.version', 29, 2], INVALID_UPDATE_VERSION],
    [['metadata.version', 29, 3], INVALID_UPDATE_VERSION],
    [['metadata.version', 6, 3], INVALID_UPDATE_VERSION],
    [['metadata.version', 31, 1], INVALID_UPDATE_VERSION]
  ]
  for (const [each, code] of expected) t.is((await update(2, [each])).errorCode, code, each.join(' '))
  const { results } = await update(1, [['group.version', 0, 2]])
  t.deepEqual(
    results.map(({ feature, errorCode }) => [feature, errorCode]),
    [['group.version', NONE]]
  )
  const none = await update(1, [
    ['group.version', 0, 2],
    ['no.such.feature', 1, 1]
  ])
  t.deepEqual([none.errorCode, none.results], [INVALID_UPDATE_VERSION, []])
})

oursTest('a feature is lowered and raised again, and clients are told', async (t) => {
  const own = await startBroker()
  t.teardown(() => own.stop())
  const other = await RawClient.connect(own)
  t.teardown(() => other.close())
  const level = async () => {
    const { finalizedFeatures } = await other.request(apiVersions, 4, { clientSoftwareName: 'raw', clientSoftwareVersion: '1' })
    return finalizedFeatures.find(({ name }) => name === 'share.version')?.maxVersionLevel ?? 0
  }
  const set = (maxVersionLevel: number, upgradeType: number) =>
    other.request(updateFeatures, 2, {
      timeoutMs: 5000,
      featureUpdates: [{ feature: 'share.version', maxVersionLevel, upgradeType, allowDowngrade: false }]
    })
  t.is(await level(), 1)
  t.is((await set(0, 2)).errorCode, NONE)
  t.is(await level(), 0)
  t.is((await set(1, 1)).errorCode, NONE)
  t.is(await level(), 1)
})

test('DescribeQuorum: this node leads, alone', async (t) => {
  for (const version of [0, 1, 2]) {
    const ask = async (...partitions: number[]) => {
      const wanted = partitions.map((partitionIndex) => ({ partitionIndex }))
      const { topics } = await client.request(describeQuorum, version, {
        topics: [{ topicName: '__cluster_metadata', partitions: wanted }]
      })
      return topics[0]!.partitions
    }
    const [found] = await ask(0)
    t.deepEqual([found?.errorCode, found?.leaderId, found?.observers.length], [NONE, 1, 0])
    t.deepEqual(
      found?.currentVoters.map(({ replicaId, logEndOffset }) => [replicaId, logEndOffset]),
      [[1, found?.highWatermark]]
    )
    t.true((found?.highWatermark ?? 0) > 5 && (found?.leaderEpoch ?? 0) > 0)
    for (const missing of [await ask(1), await ask(0, 1)])
      t.true(missing.every(({ errorCode }) => errorCode === UNKNOWN_TOPIC_OR_PARTITION))
  }
})

test('SCRAM credentials are kept and described, never shown', async (t) => {
  const user = uniqueName('user')
  const upsert = (name: string, mechanism: number, iterations: number) => ({
    name,
    mechanism,
    iterations,
    salt: Buffer.from('salt'),
    saltedPassword: Buffer.alloc(32, 7)
  })
  const alter = async (deletions: { name: string; mechanism: number }[], upsertions: ReturnType<typeof upsert>[]) => {
    const { results } = await client.request(alterUserScramCredentials, 0, { deletions, upsertions })
    return results.map(({ errorCode }) => errorCode)
  }
  const { UNACCEPTABLE_CREDENTIAL, UNSUPPORTED_SASL_MECHANISM, DUPLICATE_RESOURCE, RESOURCE_NOT_FOUND } = ErrorCode
  t.deepEqual(await alter([], [upsert('', 1, 4096), upsert('b', 9, 4096), upsert('c', 1, 10), upsert('d', 1, 100_000)]), [
    UNACCEPTABLE_CREDENTIAL,
    UNSUPPORTED_SASL_MECHANISM,
    UNACCEPTABLE_CREDENTIAL,
    UNACCEPTABLE_CREDENTIAL
  ])
  t.deepEqual(await alter([], [upsert(user, 1, 4096), upsert(user, 2, 4096)]), [DUPLICATE_RESOURCE])
  t.deepEqual(await alter([{ name: user, mechanism: 1 }], []), [RESOURCE_NOT_FOUND])
  t.deepEqual(await alter([], [upsert(user, 1, 8192)]), [NONE])
  const describe = async (...names: string[]) => {
    const { results } = await client.request(describeUserScramCredentials, 0, { users: names.map((name) => ({ name })) })
    return results.map(({ errorCode, credentialInfos }) => [
      errorCode,
      credentialInfos.map(({ mechanism, iterations }) => [mechanism, iterations])
    ])
  }
  t.deepEqual(await describe(user), [[NONE, [[1, 8192]]]])
  t.deepEqual(await describe(user, user), [[DUPLICATE_RESOURCE, []]])
  t.deepEqual(await describe('nobody-here'), [[RESOURCE_NOT_FOUND, []]])
  t.deepEqual(await alter([{ name: user, mechanism: 1 }], []), [NONE])
  t.deepEqual(await describe(user), [[RESOURCE_NOT_FOUND, []]])
})
