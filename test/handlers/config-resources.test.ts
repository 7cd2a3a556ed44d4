/** Settings of groups, client metrics subscriptions and loggers, and the list of what has settings: as Apache Kafka 4.3.1 answers. */
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { describeConfigs } from '../../src/protocol/messages/32-describe-configs.js'
import { alterConfigs } from '../../src/protocol/messages/33-alter-configs.js'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.js'
import { listConfigResources } from '../../src/protocol/messages/74-list-config-resources.js'
import { foreignBroker, startBroker, type TestBroker } from '../support/broker.js'
import { uniqueName } from '../support/names.js'
import { RawClient } from '../support/raw-client.js'

const Type = { topic: 2, broker: 4, logger: 8, clientMetrics: 16, group: 32 } as const
const Source = { default: 5, logger: 6, clientMetrics: 7, group: 8 } as const
const { NONE, INVALID_REQUEST, INVALID_CONFIG } = ErrorCode
const oursTest = foreignBroker ? test.skip : test

let broker: TestBroker
let client: RawClient
test.before(async () => {
  broker = await startBroker({ topics: { a: 1 } })
  client = await RawClient.connect(broker)
})
test.after.always(async () => {
  client.close()
  await broker.stop()
})

async function alter(resourceType: number, resourceName: string, name: string, value: string | null, configOperation = 0): Promise<number> {
  const resources = [{ resourceType, resourceName, configs: [{ name, configOperation, value }] }]
  const { responses } = await client.request(incrementalAlterConfigs, 1, { resources, validateOnly: false })
  return responses[0]!.errorCode
}

async function describe(resourceType: number, resourceName: string, names: string[] | null = null) {
  const { results } = await client.request(describeConfigs, 4, {
    resources: [{ resourceType, resourceName, configurationKeys: names }],
    includeSynonyms: true,
    includeDocumentation: false
  })
  return results[0]!
}

test.serial('groups: own values over those of the broker, with their source and synonyms', async (t) => {
  const group = uniqueName('group')
  t.is((await describe(Type.group, group)).configs.length, 17)
  t.is(await alter(Type.group, group, 'consumer.session.timeout.ms', '50000'), NONE)
  const [own, reset] = (await describe(Type.group, group, ['consumer.session.timeout.ms', 'share.auto.offset.reset'])).configs
  t.deepEqual([own?.value, own?.configSource, own?.configType], ['50000', Source.group, 3])
  t.deepEqual(own?.synonyms, [
    { name: 'consumer.session.timeout.ms', value: '50000', source: Source.group },
    { name: 'group.consumer.session.timeout.ms', value: '45000', source: Source.default }
  ])
  t.deepEqual([reset?.value, reset?.configSource], ['latest', Source.default])
  t.deepEqual(reset?.synonyms, [{ name: 'share.auto.offset.reset', value: 'latest', source: Source.default }])
  t.is(await alter(Type.group, group, 'consumer.session.timeout.ms', null, 1), NONE)
  t.is((await describe(Type.group, group, ['consumer.session.timeout.ms'])).configs[0]?.configSource, Source.default)
})

test.serial('groups: what is wrong is refused', async (t) => {
  const group = uniqueName('group')
  const wrong: readonly (readonly [string, string])[] = [
    ['consumer.session.timeout.ms', '5'],
    ['consumer.session.timeout.ms', 'soon'],
    ['consumer.heartbeat.interval.ms', '90000'],
    ['streams.num.standby.replicas', '7'],
    ['share.auto.offset.reset', 'sometime'],
    ['share.auto.offset.reset', 'by_duration:tomorrow'],
    ['share.isolation.level', 'none'],
    ['no.such.setting', '1']
  ]
  for (const [name, value] of wrong) t.is(await alter(Type.group, group, name, value), INVALID_CONFIG, `${name}=${value}`)
  t.is(await alter(Type.group, group, 'consumer.session.timeout.ms', '1', 2), INVALID_CONFIG, 'not a list')
  t.is(await alter(Type.group, '', 'consumer.session.timeout.ms', '50000'), INVALID_REQUEST)
  t.is((await describe(Type.group, '')).errorCode, INVALID_REQUEST)
  t.is(await alter(Type.group, group, 'share.auto.offset.reset', 'by_duration:PT1H'), NONE)
  t.is(await alter(Type.group, group, 'share.auto.offset.reset', null, 1), NONE)
})

test.serial('client metrics: subscriptions are set, described and listed', async (t) => {
  const name = uniqueName('metrics')
  t.is(await alter(Type.clientMetrics, name, 'interval.ms', '1000'), NONE)
  t.is(await alter(Type.clientMetrics, name, 'match', 'client_id=abc.*,client_software_name=x'), NONE)
  const { configs } = await describe(Type.clientMetrics, name)
  t.deepEqual(configs.map((config) => [config.name, config.value, config.configSource, config.synonyms.length]).toSorted(), [
    ['interval.ms', '1000', Source.clientMetrics, 1],
    ['match', 'client_id=abc.*,client_software_name=x', Source.clientMetrics, 1],
    ['metrics', '', Source.default, 0]
  ])
  const other = await describe(Type.clientMetrics, uniqueName('none'))
  t.deepEqual([other.errorCode, other.configs.find((config) => config.name === 'interval.ms')?.value], [NONE, '300000'])
  const { configResources } = await client.request(listConfigResources, 0, {})
  t.true(configResources.some(({ resourceName }) => resourceName === name))
  const wrong: readonly (readonly [string, string, number])[] = [
    ['interval.ms', '10', INVALID_REQUEST],
    ['interval.ms', '3600001', INVALID_REQUEST],
    ['interval.ms', 'x', INVALID_CONFIG],
    ['no.such.setting', 'x', INVALID_REQUEST],
    ['match', 'shoe=1', INVALID_CONFIG],
    ['match', 'client_id=[', INVALID_CONFIG],
    // Java's, with another meaning in RE2 or none.
    ['match', 'client_id=(?=a)a', INVALID_CONFIG],
    ['match', 'client_id=[a-z&&[^b]]', INVALID_CONFIG],
    ['match', 'client_id', INVALID_CONFIG]
  ]
  for (const [setting, value, code] of wrong) t.is(await alter(Type.clientMetrics, name, setting, value), code, `${setting}=${value}`)
  t.is(await alter(Type.clientMetrics, name, 'metrics', 'a', 2), INVALID_CONFIG, 'as in Kafka, nothing is appended')
  t.is(await alter(Type.clientMetrics, '', 'interval.ms', '1000'), INVALID_REQUEST)
  const whole = { resources: [{ resourceType: Type.clientMetrics, resourceName: name, configs: [] }], validateOnly: false }
  t.is((await client.request(alterConfigs, 2, whole)).responses[0]?.errorCode, NONE)
  const after = await client.request(listConfigResources, 1, { resourceTypes: [Type.clientMetrics] })
  t.false(after.configResources.some(({ resourceName }) => resourceName === name))
})

test.serial('levels of loggers change for as long as the broker lives', async (t) => {
  const levels = async () => {
    const { errorCode, configs } = await describe(Type.logger, '1')
    t.is(errorCode, NONE)
    return new Map(configs.map(({ name, value, configSource }) => [name, [value, configSource]]))
  }
  const before = await levels()
  const part = [...before.keys()].find((name) => name !== 'root')!
  t.true(before.has('root'))
  t.is(await alter(Type.logger, '1', part, 'DEBUG'), NONE)
  t.deepEqual((await levels()).get(part), ['DEBUG', Source.logger])
  t.deepEqual((await levels()).get('root'), before.get('root'))
  t.is(await alter(Type.logger, '1', part, null, 1), NONE)
  t.deepEqual((await levels()).get(part), before.get(part))
  const wrong: readonly (readonly [string, string, string | null, number, number])[] = [
    ['1', 'no.such.logger', 'DEBUG', 0, INVALID_CONFIG],
    ['1', 'root', 'debug', 0, INVALID_CONFIG],
    ['1', 'root', 'LOUD', 0, INVALID_CONFIG],
    ['1', 'root', null, 1, INVALID_REQUEST],
    ['1', 'root', 'INFO', 2, INVALID_REQUEST],
    ['1', 'no.such.logger', null, 1, INVALID_CONFIG],
    ['2', 'root', 'INFO', 0, INVALID_REQUEST],
    ['', 'root', 'INFO', 0, INVALID_REQUEST]
  ]
  for (const [id, name, value, operation, code] of wrong) t.is(await alter(Type.logger, id, name, value, operation), code, `${id} ${name}`)
  for (const id of ['', 'x', '2']) t.is((await describe(Type.logger, id)).errorCode, INVALID_REQUEST)
  const whole = { resources: [{ resourceType: Type.logger, resourceName: '1', configs: [] }], validateOnly: false }
  t.is((await client.request(alterConfigs, 2, whole)).responses[0]?.errorCode, INVALID_REQUEST)
})

test.serial('one request may change resources of all kinds, each by itself', async (t) => {
  const group = uniqueName('group')
  const change = (resourceType: number, resourceName: string, name: string, value: string) => ({
    resourceType,
    resourceName,
    configs: [{ name, configOperation: 0, value }]
  })
  const { responses } = await client.request(incrementalAlterConfigs, 1, {
    resources: [
      change(Type.logger, '1', 'root', 'LOUD'),
      change(Type.group, group, 'consumer.session.timeout.ms', '50000'),
      change(Type.topic, 'a', 'retention.ms', '77777'),
      change(1, 'x', 'a', 'b')
    ],
    validateOnly: true
  })
  const codes = new Map(responses.map(({ resourceType, errorCode }) => [resourceType, errorCode]))
  t.deepEqual([...codes].toSorted(), [
    [1, INVALID_REQUEST],
    [Type.topic, NONE],
    [Type.group, NONE],
    [Type.logger, INVALID_CONFIG]
  ])
  for (const type of [1, 99]) t.is((await describe(type, 'x')).errorCode, INVALID_REQUEST)
})

test.serial('ListConfigResources: all kinds, or those that are asked for', async (t) => {
  const group = uniqueName('group')
  t.is(await alter(Type.group, group, 'consumer.session.timeout.ms', '50000'), NONE)
  const list = async (resourceTypes: number[]) => {
    const answer = await client.request(listConfigResources, 1, { resourceTypes })
    return answer.errorCode === NONE ? answer.configResources.map((each) => `${each.resourceType} ${each.resourceName}`) : answer.errorCode
  }
  const all = (await list([])) as string[]
  for (const expected of ['2 a', '4 1', '8 1', `32 ${group}`]) t.true(all.includes(expected), expected)
  t.deepEqual(await list([Type.broker]), ['4 1'])
  t.is(await list([99]), ErrorCode.UNSUPPORTED_VERSION)
})

oursTest('a group’s own settings outlast what the broker’s are changed to', async (t) => {
  const group = uniqueName('group')
  t.is(await alter(Type.group, group, 'consumer.assignment.interval.ms', '2000'), NONE)
  t.is(await alter(Type.broker, '', 'group.consumer.assignment.interval.ms', '3000'), NONE)
  const value = async (name: string) => (await describe(Type.group, name, ['consumer.assignment.interval.ms'])).configs[0]?.value
  t.is(await value(group), '2000')
  t.is(await value(uniqueName('other')), '3000')
  t.is(await alter(Type.broker, '', 'group.consumer.assignment.interval.ms', null, 1), NONE)
})
