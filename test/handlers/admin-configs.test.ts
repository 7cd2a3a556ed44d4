/** DescribeConfigs, AlterConfigs, IncrementalAlterConfigs, DescribeCluster and InitProducerId in every version, over a socket. */
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.js'
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.js'
import { describeConfigs } from '../../src/protocol/messages/32-describe-configs.js'
import { alterConfigs } from '../../src/protocol/messages/33-alter-configs.js'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.js'
import { describeCluster } from '../../src/protocol/messages/60-describe-cluster.js'
import { startBroker, type TestBroker } from '../support/broker.js'
import { settled } from '../takeover/session.js'
import { RawClient } from '../support/raw-client.js'

const TOPIC = 2
const BROKER = 4
const Source = { topic: 1, dynamicBroker: 2, dynamicDefault: 3, default: 5 }

let broker: TestBroker
let client: RawClient
let brokerId: string
test.before(async () => {
  broker = await startBroker()
  client = await RawClient.connect(broker)
  const topics = ['a', 'b'].map((name) => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }))
  await client.request(createTopics, 7, { topics, timeoutMs: 10_000, validateOnly: false })
  const { brokers } = await client.request(describeCluster, 0, { includeClusterAuthorizedOperations: false })
  brokerId = String(brokers[0]?.brokerId)
})
test.after.always(async () => {
  client.close()
  await broker.stop()
})

async function described(resourceType: number, resourceName: string, names: string[] | null, version = 4) {
  const resources = [{ resourceType, resourceName, configurationKeys: names }]
  const { results } = await client.request(describeConfigs, version, {
    resources,
    includeSynonyms: true,
    includeDocumentation: version >= 3
  })
  return results[0]!
}

async function setOne(resourceType: number, resourceName: string, name: string, value: string | null, configOperation = 0) {
  const resources = [{ resourceType, resourceName, configs: [{ name, configOperation, value }] }]
  const { responses } = await client.request(incrementalAlterConfigs, 1, { resources, validateOnly: false })
  return responses[0]!.errorCode
}

test.serial('DescribeConfigs: defaults with their source and synonyms, in every version', async (t) => {
  for (let version = 1; version <= 4; version++) {
    const { errorCode, configs } = await described(TOPIC, 'a', ['cleanup.policy'], version)
    t.is(errorCode, 0)
    t.is(configs.length, 1)
    const [policy] = configs
    t.deepEqual([policy?.name, policy?.value, policy?.configSource, policy?.readOnly], ['cleanup.policy', 'delete', Source.default, false])
    t.deepEqual(policy?.synonyms, [{ name: 'log.cleanup.policy', value: 'delete', source: Source.default }])
    if (version >= 3) t.is(policy?.configType, 7)
  }
  t.true((await described(TOPIC, 'a', null)).configs.length > 25)
  t.true((await described(TOPIC, 'a', [])).configs.length > 25)
  t.true((await described(BROKER, brokerId, null)).configs.length > 200)
  t.is((await described(TOPIC, 'nope', null)).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  t.is((await described(BROKER, '77', null)).errorCode, ErrorCode.INVALID_REQUEST)
})

test.serial('IncrementalAlterConfigs: changes what it names and nothing else, in every version', async (t) => {
  for (const version of [0, 1]) {
    const alter = async (name: string, value: string | null, configOperation: number) => {
      const resources = [{ resourceType: TOPIC, resourceName: 'a', configs: [{ name, configOperation, value }] }]
      return (await client.request(incrementalAlterConfigs, version, { resources, validateOnly: false })).responses[0]?.errorCode
    }
    t.is(await alter('max.message.bytes', '2000000', 0), 0)
    t.is(await alter('cleanup.policy', 'compact', 2), 0)
    t.is(await alter('max.message.bytes', 'abc', 0), ErrorCode.INVALID_CONFIG)
    const { configs } = await described(TOPIC, 'a', ['cleanup.policy', 'max.message.bytes'])
    t.deepEqual(Object.fromEntries(configs.map(({ name, value }) => [name, value])), {
      'cleanup.policy': 'delete,compact',
      'max.message.bytes': '2000000'
    })
    t.is(await alter('max.message.bytes', null, 1), 0)
    t.is(await alter('cleanup.policy', null, 1), 0)
    const [bytes] = (await described(TOPIC, 'a', ['max.message.bytes'])).configs
    t.is(bytes?.configSource, Source.default)
  }
})

test.serial('AlterConfigs: what it does not name goes back to the default, in every version', async (t) => {
  for (const version of [0, 1, 2]) {
    await setOne(TOPIC, 'b', 'max.message.bytes', '2000000')
    const request = (name: string) => ({
      resources: [{ resourceType: TOPIC, resourceName: name, configs: [{ name: 'retention.ms', value: '7200000' }] }],
      validateOnly: false
    })
    t.is((await client.request(alterConfigs, version, request('b'))).responses[0]?.errorCode, 0)
    t.is((await client.request(alterConfigs, version, request('nope'))).responses[0]?.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    const { configs } = await described(TOPIC, 'b', ['retention.ms', 'max.message.bytes'])
    t.deepEqual(Object.fromEntries(configs.map(({ name, configSource }) => [name, configSource])), {
      'retention.ms': Source.topic,
      'max.message.bytes': Source.default
    })
  }
})

test.serial('settings of brokers: for one, for all, and what can not change while it runs', async (t) => {
  t.is(await setOne(BROKER, '', 'log.retention.ms', '111000'), 0)
  t.is(await setOne(BROKER, brokerId, 'log.retention.ms', '222000'), 0)
  const [own] = (await described(BROKER, brokerId, ['log.retention.ms'])).configs
  t.deepEqual([own?.value, own?.configSource], ['222000', Source.dynamicBroker])
  t.deepEqual(
    own?.synonyms.slice(0, 2).map(({ value, source }) => [value, source]),
    [
      ['222000', Source.dynamicBroker],
      ['111000', Source.dynamicDefault]
    ]
  )
  const [forAll] = (await described(BROKER, '', ['log.retention.ms'])).configs
  t.deepEqual([forAll?.value, forAll?.configSource], ['111000', Source.dynamicDefault])
  const [topic] = (await described(TOPIC, 'a', ['retention.ms'])).configs
  t.deepEqual([topic?.value, topic?.configSource], ['222000', Source.dynamicBroker])
  t.is(await setOne(BROKER, brokerId, 'node.id', '9'), ErrorCode.INVALID_REQUEST)
  t.is(await setOne(BROKER, brokerId, 'log.retention.ms', null, 1), 0)
  t.is(await setOne(BROKER, '', 'log.retention.ms', null, 1), 0)
})

test('DescribeCluster: this broker, where this client can reach it, in every version', async (t) => {
  for (const version of [0, 1, 2]) {
    const answer = await client.request(describeCluster, version, { includeClusterAuthorizedOperations: true })
    t.is(answer.errorCode, 0)
    t.is(answer.clusterAuthorizedOperations, 0x1fa0)
    t.is(answer.controllerId, Number(brokerId))
    t.deepEqual(
      answer.brokers.map(({ host, port }) => [host, port]),
      [[broker.host, broker.port]]
    )
  }
  const controller = await client.request(describeCluster, 1, { includeClusterAuthorizedOperations: false, endpointType: 2 })
  t.is(controller.errorCode, ErrorCode.MISMATCHED_ENDPOINT_TYPE)
  const odd = await client.request(describeCluster, 1, { includeClusterAuthorizedOperations: false, endpointType: 9 })
  t.is(odd.errorCode, ErrorCode.UNSUPPORTED_ENDPOINT_TYPE)
})

test('InitProducerId: a new id each time, in every version', async (t) => {
  const seen = new Set<number>()
  for (let version = 0; version <= 5; version++) {
    const answer = await client.request(initProducerId, version, { transactionalId: null, transactionTimeoutMs: 60_000 })
    t.deepEqual([answer.errorCode, answer.producerEpoch], [0, 0])
    seen.add(answer.producerId)
    const empty = await client.request(initProducerId, version, { transactionalId: '', transactionTimeoutMs: 60_000 })
    t.is(empty.errorCode, ErrorCode.INVALID_REQUEST)
  }
  t.is(seen.size, 6)
})

test('InitProducerId: an id that no producer has is judged as another one, behind the time-out', async (t) => {
  const transactionalId = `init-${Date.now()}`
  const ask = async (version: number, producerId: number, producerEpoch: number, transactionTimeoutMs = 60_000) => {
    const body = { transactionalId, transactionTimeoutMs, producerId, producerEpoch }
    return (await settled(() => client.request(initProducerId, version, body))).errorCode
  }
  t.is((await settled(() => client.request(findCoordinator, 3, { key: transactionalId, keyType: 1 }))).errorCode, 0)
  t.is(await ask(4, -1, -1), 0)
  t.is(await ask(4, -2, 0), ErrorCode.PRODUCER_FENCED)
  t.is(await ask(3, -2, 0), ErrorCode.INVALID_PRODUCER_EPOCH)
  t.is(await ask(4, -2, 0, 0), ErrorCode.INVALID_TRANSACTION_TIMEOUT)
  t.is(await ask(4, -2, -1), ErrorCode.INVALID_REQUEST)
})
