/** The table of settings against what Apache Kafka 4.3.1 says of its own. */
import { readFileSync } from 'node:fs'
import test from 'ava'
import type { Setting } from '../../src/config/setting.js'
import { brokerSettings, settingAreas, topicSettings } from '../../src/config/settings/index.js'
import { clientMetricsSettings, groupLevelSettings, resourceAreas } from '../../src/config/settings/resources.js'
import { parseValue } from '../../src/config/values.js'

const fixture = new URL('../../../test/fixtures/config/kafka-4.3.1.tsv', import.meta.url)
const kafkaRows = readFileSync(fixture, 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [scope, name = '', type, fallback = '', allowed = '', change, internal] = line.split('\t')
    return { scope, name, type, fallback, allowed, change, internal: internal === 'internal' }
  })

/** Where this broker differs on purpose. */
const otherDefaults = new Set(['node.id', 'process.roles', 'controller.listener.names', 'log.dir'])

function kafkaDefault(text: string): string | null {
  if (text === '<null>' || text === '<required>') return null
  return text === '<empty>' ? '' : text
}

// NaN passes Kafka's checks without being named.
function allowedText({ min, max, also, oneOf, ignoreCase }: Setting): string {
  if (oneOf) return `${ignoreCase ? '(case insensitive) ' : ''}[${oneOf.join(', ')}]`
  if (min === undefined) return '-'
  return `[${min},...${max === undefined ? ',...' : `,${max}`}]${also === undefined || Number.isNaN(also) ? '' : ` or ${also}`}`.replace(
    ',...,...]',
    ',...]'
  )
}

test('every setting of Apache Kafka is in the table, with its type, default, bounds and way to change', (t) => {
  t.true(kafkaRows.length > 350)
  for (const { scope, name, type, fallback, allowed, change, internal } of kafkaRows) {
    if (scope === 'group' || scope === 'client-metrics') continue
    const table: Readonly<Record<string, Setting>> = scope === 'topic' ? topicSettings : brokerSettings
    const setting = table[name]
    if (!setting) {
      t.fail(`${scope} setting ${name} is missing`)
      continue
    }
    t.is(setting.type, type as Setting['type'], name)
    if (!otherDefaults.has(name) || scope === 'topic') t.is(setting.default, kafkaDefault(fallback), name)
    if (/^(\[-?\d|\[[A-Za-z]+, |\(case)/.test(allowed)) t.is(allowedText(setting), allowed, name)
    if (scope !== 'topic') t.is(setting.change, change as Setting['change'], name)
    t.is(setting.internal ?? false, internal, name)
  }
})

test('every setting of groups and client metrics of Apache Kafka is in its table, and no other', (t) => {
  const tables: readonly (readonly [string, Readonly<Record<string, Setting>>])[] = [
    ['group', groupLevelSettings],
    ['client-metrics', clientMetricsSettings]
  ]
  for (const [wanted, table] of tables) {
    const rows = kafkaRows.filter(({ scope }) => scope === wanted)
    t.deepEqual(rows.map(({ name }) => name).toSorted(), Object.keys(table).toSorted())
    for (const { name, type, fallback, allowed } of rows) {
      t.is(table[name]!.type, type as Setting['type'], name)
      t.is(table[name]!.default, kafkaDefault(fallback), name)
      if (allowed.startsWith('[') && name !== 'share.auto.offset.reset') t.is(allowedText(table[name]!), allowed, name)
      for (const synonym of table[name]!.synonyms ?? []) t.true(Object.hasOwn(brokerSettings, synonym.name), name)
    }
  }
})

test('every default is a value that its own row allows', (t) => {
  for (const { rows } of [...settingAreas, ...resourceAreas]) {
    for (const [name, setting] of Object.entries(rows)) {
      t.notThrows(() => parseValue(name, setting, setting.default), name)
      t.true(setting.about.length > 3 && setting.about.endsWith('.'), name)
    }
  }
})

test('the documented areas hold every setting once', (t) => {
  const names = settingAreas.filter(({ title }) => title !== 'Topics').flatMap(({ rows }) => Object.keys(rows))
  t.deepEqual(names.toSorted(), Object.keys(brokerSettings).toSorted())
})

test('what a topic falls back to exists', (t) => {
  for (const [name, { synonyms }] of Object.entries<Setting>(topicSettings)) {
    for (const synonym of synonyms ?? []) t.true(Object.hasOwn(brokerSettings, synonym.name), `${name} <- ${synonym.name}`)
  }
})
