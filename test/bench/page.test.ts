/** The page: complete, on its own, and not to be broken by what is in it. */
import test from 'ava'
import { analyze } from '../../bench/lib/analysis.js'
import { logScale, valueScale } from '../../bench/lib/chart-parts.js'
import { escaped, markup } from '../../bench/lib/markup.js'
import { page } from '../../bench/lib/page.js'
import { PUBLISHED_FACTS, PUBLISHED_TABLES } from '../../bench/lib/published.js'
import { isolationResult, kafkaResult, microResult, pathsResult, scaleResult, storageResult } from './sample.js'

const ALL = [kafkaResult({ disturbed: [2] }), pathsResult(), microResult(), isolationResult(), scaleResult(), storageResult()]
const whole = page(ALL)

/** What matches, as short texts: the page itself would drown the report of a failure. */
function found(html: string, pattern: RegExp): string[] {
  return [...html.matchAll(new RegExp(pattern.source, `${pattern.flags}g`))].map(([text]) => text)
}

/** Tags in order, with the text of their attributes. */
function tags(html: string): { name: string; attributes: string; closes: boolean; isEmpty: boolean }[] {
  const without = html.replace(/<style>[\s\S]*?<\/style>/, '')
  return [...without.matchAll(/<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"]*")?)*)\s*(\/?)>/g)].map(
    ([, slash, name = '', attributes = '', end]) => ({
      name,
      attributes,
      closes: slash === '/',
      isEmpty: end === '/' || ['meta', 'br', 'hr'].includes(name)
    })
  )
}

test('the page needs no network and no script', (t) => {
  t.deepEqual(found(whole, /<script|<link|<img|<iframe|@import|url\(/i), [])
  const sources = [...PUBLISHED_TABLES, ...PUBLISHED_FACTS].map(({ source }) => source.url)
  for (const { name, attributes } of tags(whole)) {
    t.notRegex(attributes, /\bsrc=/)
    const href = /\bhref="([^"]*)"/.exec(attributes)?.[1]
    if (href === undefined || href.startsWith('#')) continue
    t.is(name, 'a')
    t.true(sources.includes(href), href)
  }
  for (const address of whole.match(/https?:\/\/[^"<\s]+/g) ?? []) t.true(sources.includes(address), address)
})

test('every link inside the page leads somewhere, and no id is there twice', (t) => {
  const ids = [...whole.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id)
  t.is(new Set(ids).size, ids.length)
  for (const [, target] of whole.matchAll(/href="#([^"]+)"/g)) t.true(ids.includes(target), target)
})

test('elements are closed in the order in which they were opened', (t) => {
  const open: string[] = []
  for (const { name, closes, isEmpty } of tags(whole)) {
    if (closes) t.is(open.pop(), name)
    else if (!isEmpty) open.push(name)
  }
  t.deepEqual(open, [])
})

test('every measurement is there', (t) => {
  for (const { measurements } of ALL)
    for (const { group, name, subject } of measurements) {
      t.true(whole.includes(escaped(name)), name)
      t.true(whole.includes(escaped(subject)), subject)
      t.true(whole.toLowerCase().includes(escaped(group).toLowerCase()), group)
    }
  const rows = whole.match(/<tr class="subject">/g)?.length
  t.is(
    rows,
    ALL.reduce((sum, { measurements }) => sum + measurements.length, 0)
  )
})

test('conditions, what was left out and what is not shown are there', (t) => {
  for (const { command, leftOut, flushPolicy, machine } of ALL)
    for (const part of [command, flushPolicy, machine.kernel, machine.filesystem, ...leftOut]) t.true(whole.includes(escaped(part)), part)
  t.true(/What these figures do not show/.test(whole))
  t.true(/is <b>not<\/b> measured here/.test(whole))
  t.true(/18399/.test(whole))
})

test('our own factor stands beside those of others', (t) => {
  const beside = /Ours beside them[\s\S]*?<\/ul>/.exec(whole)?.[0] ?? ''
  t.true(/sendfile uses 0\.\d\d × the CPU of read\/write \(median of 24 cases/.test(beside), beside)
  t.deepEqual(found(page([kafkaResult()]), /Ours beside them/), [])
})

test('no number is missing or not one', (t) => {
  t.deepEqual(found(whole, /NaN|Infinity|undefined|\[object/), [])
})

test('texts stay texts, whatever they hold', (t) => {
  const hostile = `</title><script>alert("1")</script><b title='x'>&amp;`
  const result = kafkaResult()
  const html = page([
    {
      ...result,
      command: hostile,
      flushPolicy: hostile,
      transferMode: hostile,
      baseline: hostile,
      versions: { [hostile]: hostile },
      machine: { ...result.machine, cpu: hostile, kernel: hostile, filesystem: hostile },
      leftOut: [hostile],
      measurements: result.measurements.map((one) => ({
        ...one,
        group: `${one.group}${hostile}`,
        name: `${one.name}${hostile}`,
        subject: `${one.subject}${hostile}`,
        parameters: { [hostile]: hostile }
      }))
    }
  ])
  t.deepEqual(found(html, /<script|<b title='x'/), [])
  t.false(html.includes('&amp;amp;amp;'))
})

test('markup is escaped once, and lists are joined', (t) => {
  const inner = markup`<i>${'<'}</i>`
  t.is(markup`<p title="${'"\''}">${[inner, inner]}${undefined}${1}</p>`.markup, '<p title="&quot;&#39;"><i>&lt;</i><i>&lt;</i>1</p>')
})

test('one suite gives the page its title, and an empty one is said to be empty', (t) => {
  t.true(page([kafkaResult()]).includes('<h1>Sluice: Brokers side by side</h1>'))
  const empty = page([{ ...kafkaResult(), measurements: [], leftOut: ['everything: no broker'] }])
  t.true(/Nothing to compare/.test(empty))
  t.true(/everything: no broker/.test(empty))
  t.deepEqual(found(empty, /NaN|Infinity/), [])
})

test('a case that grows is a line, several parameters are facets', (t) => {
  const [hot] = analyze(pathsResult())
  t.is(hot?.axis?.parameter, 'fetchBytes')
  t.deepEqual(
    hot?.axis?.facets.map(({ title }) => title),
    ['1 consumer', '4 consumers', '64 consumers']
  )
  t.is(analyze(kafkaResult())[0]?.axis, undefined)
  t.is(analyze(isolationResult())[0]?.axis, undefined)
})

test('a size that follows from the other parameters is no axis', (t) => {
  const result = microResult()
  const [first] = result.measurements
  if (first === undefined) return t.fail()
  const measurements = [11, 12].flatMap((version) =>
    [1, 100, 1000].map((entries) => ({
      ...first,
      name: `v${version}, ${entries} entries`,
      parameters: { version, entries, bytes: entries * 30 + version }
    }))
  )
  const axis = analyze({ ...result, measurements })[0]?.axis
  t.is(axis?.parameter, 'entries')
  t.deepEqual(
    axis?.facets.map(({ title }) => title),
    ['version 11', 'version 12']
  )
})

test('axes hold their values, from zero or with a logarithm', (t) => {
  for (const values of [[0, 5], [5], [0.3, 0.31], [1, 11], [0.001, 4000], [1, 1e9]]) {
    const scale = valueScale(values, [0, 100], 5)
    t.true(scale.ticks.length > 0, String(values))
    for (const value of values) t.true(scale(value) >= -0.001 && scale(value) <= 100.001, `${values.join()}: ${scale(value)}`)
  }
  t.false(valueScale([1, 11], [0, 100], 5).isLog)
  t.true(valueScale([1, 40], [0, 100], 5).isLog)
  t.true(logScale([3, 4], [0, 10]).ticks.length > 0)
})
