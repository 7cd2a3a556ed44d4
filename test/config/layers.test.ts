/** Values in force, where they come from, and how they change: of the broker and of a topic. */
import test from 'ava'
import { ConfigSource, checkBrokerValue, type BrokerConfig } from '../../src/config/broker-config.js'
import { loadBrokerConfig } from '../../src/config/load.js'
import { checkTopicOverrides, describeTopicConfig, describeTopicSetting, resolveTopicConfig } from '../../src/config/topic-config.js'
import { ConfigError } from '../../src/errors.js'

const none = new Map<string, string>()

function load(settings: Record<string, string> = {}): BrokerConfig {
  return loadBrokerConfig(settings).config
}

test('each layer wins over those below it', (t) => {
  const config = load({ 'message.max.bytes': '2000' })
  t.is(config.get('message.max.bytes'), 2000)
  config.setDynamic(new Map([['message.max.bytes', '3000']]), none)
  t.is(config.get('message.max.bytes'), 3000)
  config.setDynamic(new Map([['message.max.bytes', '3000']]), new Map([['message.max.bytes', '4000']]))
  t.is(config.get('message.max.bytes'), 4000)
  t.deepEqual(config.describe('message.max.bytes')?.synonyms, [
    { name: 'message.max.bytes', value: '4000', source: ConfigSource.dynamicBroker },
    { name: 'message.max.bytes', value: '3000', source: ConfigSource.dynamicDefaultBroker },
    { name: 'message.max.bytes', value: '2000', source: ConfigSource.staticBroker },
    { name: 'message.max.bytes', value: '1048588', source: ConfigSource.default }
  ])
  config.setDynamic(none, none)
  t.is(config.get('message.max.bytes'), 2000)
})

test('listeners hear which values in force changed, and only those', (t) => {
  const config = load()
  const heard: string[][] = []
  const stop = config.onChange((changed) => heard.push([...changed]))
  config.setDynamic(new Map([['log.retention.ms', '5000']]), none)
  config.setDynamic(new Map([['log.retention.ms', '5000']]), new Map([['message.max.bytes', '1048588']]))
  config.setDynamic(none, none)
  stop()
  config.setDynamic(new Map([['log.retention.ms', '1']]), none)
  t.deepEqual(heard, [['log.retention.ms'], ['log.retention.ms']])
})

test('a change is told whether or not somebody has read the setting since the last one', (t) => {
  const config = load()
  const heard: string[][] = []
  config.onChange((changed) => heard.push([...changed]))
  config.setDynamic(new Map([['message.max.bytes', '5000']]), new Map())
  config.setDynamic(
    new Map([
      ['message.max.bytes', '5000'],
      ['log.retention.ms', '5000']
    ]),
    new Map()
  )
  t.deepEqual(heard, [['message.max.bytes'], ['log.retention.ms']])
})

test('what can not change while the broker runs is refused, from the metadata left out', (t) => {
  t.throws(() => checkBrokerValue('log.dirs', '/x', 'broker'), { instanceOf: ConfigError, message: /can not change while the broker runs/ })
  t.is(checkBrokerValue('of.a.plug-in', '1', 'broker').text, '1')
  t.throws(() => checkBrokerValue('nothing', '1'), { instanceOf: ConfigError })
  t.notThrows(() => checkBrokerValue('message.max.bytes', '1', 'cluster'))
  const config = load()
  const problems = config.setDynamic(
    new Map([
      ['log.dirs', '/x'],
      ['message.max.bytes', 'many'],
      ['log.retention.ms', '7']
    ]),
    none
  )
  t.deepEqual(
    problems.map(({ setting }) => setting),
    ['log.dirs', 'message.max.bytes']
  )
  t.is(config.get('log.retention.ms'), 7)
})

test('64-bit values stay exact as text', (t) => {
  t.is(load().text('log.flush.interval.messages'), '9223372036854775807')
  t.is(load().get('log.flush.interval.messages'), Number.MAX_SAFE_INTEGER)
})

test('a description of the broker: types, read-only, internal ones hidden, passwords never shown', (t) => {
  const entries = load({ 'log.initial.task.delay.ms': '1' }).describeAll()
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  t.true(entries.length > 300)
  t.deepEqual(byName.get('log.dirs')?.readOnly, true)
  t.is(byName.get('log.cleanup.policy')?.type, 7)
  t.true(byName.has('log.initial.task.delay.ms'))
  t.false(byName.has('unstable.api.versions.enable'))
  const secret = byName.get('ssl.key.password')
  t.true(secret?.sensitive === true && secret.value === null)
  t.is(load().describe('nothing'), undefined)
})

test('settings of one meaning: those that win over the described one are not its synonyms', (t) => {
  const config = load({ 'log.retention.ms': '1000', 'log.retention.hours': '2' })
  t.deepEqual(config.describe('log.retention.hours')?.synonyms, [
    { name: 'log.retention.hours', value: '2', source: ConfigSource.staticBroker },
    { name: 'log.retention.hours', value: '168', source: ConfigSource.default }
  ])
  t.is(config.describe('log.retention.hours')?.value, '2')
})

test('a topic has the values of the broker, in its own units', (t) => {
  const plain = resolveTopicConfig(load())
  t.is(plain.retentionMs, 168 * 3_600_000)
  t.is(plain.segmentMs, 168 * 3_600_000)
  t.is(plain.segmentBytes, 1024 * 1024 * 1024)
  t.is(plain.flushMs, Number.MAX_SAFE_INTEGER)
  t.deepEqual(plain.cleanupPolicy, ['delete'])
  t.is(plain.compressionType, 'producer')
  t.is(plain.internalSegmentBytes, null)
  t.is(resolveTopicConfig(load({ 'log.retention.hours': '1' })).retentionMs, 3_600_000)
  t.is(resolveTopicConfig(load({ 'log.retention.hours': '1', 'log.retention.minutes': '5' })).retentionMs, 300_000)
  t.is(resolveTopicConfig(load({ 'log.retention.minutes': '-1' })).retentionMs, -1)
  t.is(resolveTopicConfig(load({ 'log.roll.jitter.hours': '2' })).segmentJitterMs, 7_200_000)
})

test('overrides of a topic win; wrong ones do not count and are told', (t) => {
  const problems: string[] = []
  const overrides = new Map([
    ['retention.ms', '60000'],
    ['segment.bytes', 'big'],
    ['of.the.future', '1'],
    ['internal.segment.bytes', '4096']
  ])
  const config = resolveTopicConfig(load(), overrides, ({ setting }) => problems.push(setting))
  t.is(config.retentionMs, 60_000)
  t.is(config.segmentBytes, 4096)
  t.deepEqual(problems.toSorted(), ['of.the.future', 'segment.bytes'])
})

test('a description of a topic names where each value comes from', (t) => {
  const config = load({ 'log.segment.bytes': '2097152', 'log.retention.hours': '24' })
  t.like(describeTopicSetting(config, none, 'segment.bytes'), {
    value: '2097152',
    source: ConfigSource.staticBroker,
    readOnly: false,
    type: 3,
    synonyms: [
      { name: 'log.segment.bytes', value: '2097152', source: ConfigSource.staticBroker },
      { name: 'log.segment.bytes', value: '1073741824', source: ConfigSource.default }
    ]
  })
  t.like(describeTopicSetting(config, new Map([['retention.ms', '5']]), 'retention.ms'), {
    value: '5',
    source: ConfigSource.topic,
    synonyms: [
      { name: 'retention.ms', value: '5', source: ConfigSource.topic },
      { name: 'log.retention.hours', value: '24', source: ConfigSource.staticBroker }
    ]
  })
  t.like(describeTopicSetting(load(), none, 'retention.ms'), { value: '604800000', source: ConfigSource.default, synonyms: [] })
  const names = describeTopicConfig(config, none).map(({ name }) => name)
  t.true(names.includes('cleanup.policy'))
  t.false(names.includes('internal.segment.bytes'))
})

test('what CreateTopics and AlterConfigs may set', (t) => {
  const config = load()
  t.deepEqual(
    checkTopicOverrides(config, new Map([['cleanup.policy', ' compact , delete ']])),
    new Map([['cleanup.policy', 'compact,delete']])
  )
  const cases: readonly (readonly [string, string | null, RegExp])[] = [
    ['nothing', '1', /Unknown topic setting nothing/],
    ['retention.ms', '-2', /"-2" for retention\.ms: it must be a whole number of 64 bits, at least -1/],
    ['retention.ms', null, /Null value/],
    ['max.compaction.lag.ms', '0', /at least 1/],
    ['min.compaction.lag.ms', '9007199254740991', /^$/],
    ['remote.storage.enable', 'true', /tiered storage is not implemented yet/]
  ]
  for (const [name, value, message] of cases) {
    if (message.source === '^$') t.notThrows(() => checkTopicOverrides(config, new Map([[name, value]])))
    else t.throws(() => checkTopicOverrides(config, new Map([[name, value]])), { instanceOf: ConfigError, message }, name)
  }
  const crossed = new Map([
    ['min.compaction.lag.ms', '10'],
    ['max.compaction.lag.ms', '5']
  ])
  t.throws(() => checkTopicOverrides(config, crossed), { instanceOf: ConfigError, message: /must not be smaller/ })
})
