/** What a benchmark prints at its end. */
import test from 'ava'
import type { BenchmarkResult } from '../../bench/lib/result.js'
import { terminalText, wrapped } from '../../bench/lib/terminal.js'
import { isolationResult, kafkaResult, microResult, pathsResult, scaleResult, storageResult } from './sample.js'

const plain = (result: BenchmarkResult, columns = 120): string => terminalText(result, { columns, colour: false })
const ALL = [kafkaResult(), pathsResult(), scaleResult(), isolationResult(), microResult(), storageResult()]

test('every line fits into 100, 120 and 140 columns', (t) => {
  for (const columns of [100, 120, 140])
    for (const result of ALL.filter(({ suite }) => suite !== 'paths' || columns > 100))
      for (const line of plain(result, columns).split('\n')) t.true(line.length <= columns, `${line.length}: ${line}`)
})

test('every case and subject has its row', (t) => {
  for (const result of ALL) {
    const text = plain(result)
    for (const { group, name, subject } of result.measurements) for (const part of [group, name, subject]) t.true(text.includes(part), part)
  }
})

test('columns stand below each other', (t) => {
  const lines = plain(kafkaResult()).split('\n')
  const from = lines.indexOf('produce')
  const rows = lines.slice(from + 1, from + 15).filter((line) => line.startsWith('  Apache'))
  const ends = rows.map((line) => line.indexOf('±'))
  t.is(ends.length, 4)
  t.is(new Set(ends).size, 1)
})

test('the verdict is in words', (t) => {
  const text = plain(kafkaResult({ noise: 0.001 })).replace(/\s+/g, ' ')
  t.regex(
    text,
    /Sluice uses 0\.\d\d × the CPU of Apache Kafka 4\.3\.1 \(median of 7 cases; 0\.20–1\.30\): better in 5 of 7, worse in 1, equal within 2 % in 1|better in 6 of 7/
  )
  t.regex(
    text,
    /p99 of Sluice is 0\.40 × that of Apache Kafka 4\.3\.1 \(0\.40 over 5 rounds\)|p99 of Sluice is 0\.40 × that of Apache Kafka 4\.3\.1 \(over 5 rounds\)/
  )
})

test('what is not beyond the noise is said so', (t) => {
  const text = plain(kafkaResult({ noise: 0.5 })).replace(/\s+/g, ' ')
  t.regex(text, /no difference (in \S+ )?beyond the noise/)
  t.regex(text, /≈\d/)
})

test('two rounds are too few for a verdict', (t) => {
  const text = plain(kafkaResult({ rounds: 2 })).replace(/\s+/g, ' ')
  t.regex(text, /too few rounds to compare p99 of Sluice and Apache Kafka 4\.3\.1: 2, at least 3 are needed/)
  t.notRegex(text, /better in/)
})

test('disturbed rounds are told', (t) => {
  const text = plain(kafkaResult({ disturbed: [2] })).replace(/\s+/g, ' ')
  t.regex(text, /20 of 100 measurements disturbed: others used more than 10 % of the machine; 20 left out of the medians, 0 kept/)
  t.regex(text, /over 4 rounds, 1 disturbed left out/)
})

test('growth is told along an axis', (t) => {
  t.regex(
    plain(scaleResult()).replace(/\s+/g, ' '),
    /CPU per request of Sluice, connections 1 → 10,000: [\d.]+ µs → [\d.]+ µs \([\d.]+ × for 10,000 times as much\)/
  )
})

test('with too few rounds nothing is called the best', (t) => {
  t.regex(plain(pathsResult({ rounds: 2 })), /Least CPU: too few rounds to tell in all 24 cases/)
})

test('the bound of a suite is told', (t) => {
  t.regex(plain(isolationResult()).replace(/\s+/g, ' '), /p99 at most 2 × that of the baseline: kept in 8 of 8 cases/)
})

test('the targets of a suite are told, by the cases that they are about', (t) => {
  const text = plain(storageResult()).replace(/\s+/g, ' ')
  t.regex(
    text,
    /Append, no flush: throughput of Sluice at least 0\.80 × that of C\+\+ pwrite: reached in 1 of 2 cases; the lowest is 0\.[56]\d × \(64 KiB batches, 100 logs/
  )
  t.regex(text, /Look-up: time per operation of Sluice at most 2 µs: reached in 2 of 2 cases; the highest is 1\.\d+ µs \(100 GiB log\)/)
})

test('a limit is never called the best', (t) => {
  const text = plain(pathsResult())
  t.regex(text, /Least CPU, or within the noise of it: auto in 2\d of 24 cases/)
  t.notRegex(text, /Least CPU[^.]*C\+\+/)
})

test('machine, versions, policy, mode, command and what was left out are there', (t) => {
  const text = plain(kafkaResult())
  for (const part of [
    'AMD EPYC, 2 cores',
    'Linux 6.18.44',
    'ext4',
    'java 17.0.16',
    'flush policy: by the system',
    'transfer mode: per subject',
    'not ready within 60 s',
    'npm run bench:kafka'
  ])
    t.true(text.includes(part), part)
})

test('nothing measured is no failure', (t) => {
  const text = plain({ ...kafkaResult(), measurements: [], leftOut: ['everything: no broker'] })
  t.regex(text, /Nothing to compare/)
  t.regex(text, /everything: no broker/)
})

test('names can not steer the terminal', (t) => {
  const result = kafkaResult()
  const hostile = {
    ...result,
    leftOut: ['broker said \u001b[2J\u0007boo'],
    measurements: result.measurements.map((one) => ({ ...one, name: `\u001b[31m${one.name}\r\n` }))
  }
  // oxlint-disable-next-line no-control-regex -- it is looked for
  t.notRegex(plain(hostile), /[\u0000-\u0009\u000b-\u001f]/)
})

test('long words stay whole, lines break at blanks', (t) => {
  t.deepEqual(wrapped('one two three', 7), ['one two', 'three'])
  t.deepEqual(wrapped('abcdefghij k', 5), ['abcdefghij', 'k'])
})
