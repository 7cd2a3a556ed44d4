/** `npm run bench:coordinator`: its smallest cases run against Sluice, give results in the common form and leave nothing behind. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import { parseOptions } from '../../bench/coordinator/options.js'
import type { BenchmarkResult, FigureName } from '../../bench/lib/result.js'
import { root, run } from '../support/processes.js'
import { tempDir } from '../support/temp-dir.js'

const MAIN = path.join(root, 'dist/bench/coordinator/main.js')

test('each kind of case measures Sluice, and says what is asked of it', async (t) => {
  const folder = await tempDir(t)
  const json = path.join(folder, 'result.json')
  const data = path.join(folder, 'data')
  const only = ['one at a time', 'version 2, one producer', 'consumer protocol', 'committed offsets, after'].flatMap((word) => [
    '--only',
    word
  ])
  const args = [MAIN, '--quick', '--without', 'kafka', '--dir', data, '--json', json, ...only]
  const { code, stdout, stderr } = await run(process.execPath, args, { timeoutMs: 110_000 })
  t.is(code, 0, stderr)
  t.deepEqual(readdirSync(data), [])
  const result = JSON.parse(readFileSync(json, 'utf8')) as BenchmarkResult
  t.deepEqual(result.leftOut, [])
  const wanted: Record<string, FigureName[]> = {
    'offset commits': ['operations', 'cpuPerOperation', 'p50', 'p99'],
    transactions: ['operations', 'cpuPerOperation', 'p50', 'p99'],
    joins: ['settled', 'cpuTime'],
    'idle members': ['cpuPerOperation', 'rssAbove'],
    restart: ['startup', 'rss']
  }
  t.deepEqual(
    result.measurements.map(({ group }) => group),
    Object.keys(wanted)
  )
  for (const { group, rounds } of result.measurements)
    for (const figure of wanted[group] ?? []) t.true((rounds[0]?.figures[figure] ?? 0) > 0, `${group}: ${figure}`)
  const told = stdout.replace(/\s+/g, ' ')
  t.regex(told, /Restart: start of Sluice at most 2000 ms/)
  t.regex(told, /Idle members: RSS above empty of Sluice at most 100 MiB: reached in 1 of 1/)
})

test('a word that no case has: one clear line, exit code 1', async (t) => {
  const { code, stderr } = await run(process.execPath, [MAIN, '--without', 'kafka', '--only', 'nonsense'])
  t.is(code, 1)
  t.is(stderr, "bench:coordinator: no case is called 'nonsense'\n")
})

test('the command line: defaults, wrong usage', (t) => {
  const parse = (...args: string[]): unknown => parseOptions(args, () => {})
  t.like(parse(), { rounds: 3, quick: false, seconds: 3, without: [], node: [] })
  t.like(parse('--quick', '--without', 'kafka', '--node=--cpu-prof'), { rounds: 1, without: ['kafka'], node: ['--cpu-prof'] })
  t.deepEqual(parse('--help'), { exitCode: 0 })
  for (const wrong of [['--rounds', '0'], ['--without', 'tools'], ['--nonsense'], ['word']]) t.deepEqual(parse(...wrong), { exitCode: 2 })
})
