/** The micro benchmarks compare like with like: all subjects of a comparison find the same. And the runner gives results in the common form. */
import { mkdtemp, readFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import append from '../../bench/micro/append.bench.js'
import codec from '../../bench/micro/codec.bench.js'
import crc, { OTHER_POLYNOMIAL } from '../../bench/micro/crc.bench.js'
import { openHandover } from '../../bench/micro/handover.bench.js'
import lookup from '../../bench/micro/lookup.bench.js'
import { casesOf } from '../../bench/micro/measure.js'
import type { Comparison, OpenSuite, Suite } from '../../bench/micro/suite.js'
import walk from '../../bench/micro/walk.bench.js'
import type { BenchmarkResult } from '../../bench/lib/result.js'
import { root, run } from '../support/processes.js'
import { tempDir } from '../support/temp-dir.js'

async function opened(t: ExecutionContext, suite: Suite): Promise<readonly Comparison[]> {
  const open = await suite.open(await tempDir(t))
  t.teardown(() => open.close())
  return open.comparisons
}

/** What each subject finds in its first iterations, which look at different places where there are several. */
async function found({ subjects }: Comparison, iterations: number): Promise<Map<string, unknown[]>> {
  const all = new Map<string, unknown[]>()
  for (const subject of subjects) {
    await subject.reset?.()
    const values: unknown[] = []
    for (let turn = 0; turn < iterations; turn++) values.push(await subject.run())
    all.set(subject.name, values)
  }
  return all
}

async function allFindTheSame(t: ExecutionContext, comparison: Comparison, iterations: number): Promise<void> {
  const results = await found(comparison, iterations)
  results.delete(OTHER_POLYNOMIAL)
  const [[, ours] = ['', []], ...others] = [...results]
  t.is(comparison.subjects[0]?.name, 'Sluice')
  t.true(others.length > 0)
  t.true(ours.every((value) => typeof value === 'number' && value >= 0))
  for (const [name, theirs] of others) t.deepEqual(theirs, ours, `${comparison.group}, ${comparison.name}, ${name}`)
}

test('crc: every implementation of CRC-32C gives the same', async (t) => {
  for (const comparison of await opened(t, crc)) await allFindTheSame(t, comparison, 1)
})

test('walk: all find the same timestamps', async (t) => {
  for (const comparison of await opened(t, walk)) await allFindTheSame(t, comparison, 1)
})

test('lookup: all find the same batches', async (t) => {
  for (const comparison of await opened(t, lookup)) await allFindTheSame(t, comparison, 20)
})

test('append: all write the same number of bytes', async (t) => {
  for (const comparison of await opened(t, append)) await allFindTheSame(t, comparison, 2)
})

test('handover: the other end receives the same bytes from all', async (t) => {
  const open: OpenSuite = await openHandover(await tempDir(t), { checked: true })
  t.teardown(() => open.close())
  for (const comparison of open.comparisons) await allFindTheSame(t, comparison, 1)
})

test('codec: clients encode the same bytes; every decoder takes them', async (t) => {
  const comparisons = await opened(t, codec)
  t.true(comparisons.some(({ group }) => group === 'codec: Fetch request, encode'))
  for (const comparison of comparisons) {
    const results = [...(await found(comparison, 1)).values()].map(([value]) => value)
    const { bytes = 0 } = comparison.parameters
    if (!comparison.group.endsWith(', encode')) t.true(results.every((value) => typeof value === 'object' && value !== null))
    else if (comparison.group.includes('file regions')) t.true(Number(results[0]) > Number(bytes))
    else for (const value of results) t.is(typeof value === 'number' ? value : (value as { buffer: Buffer }).buffer.length, Number(bytes))
  }
})

test('a measurement divides by the operations of an iteration, and rejects with what an iteration throws', async (t) => {
  const slow = () => new Promise<void>((resolve) => setImmediate(resolve))
  const subjects = [{ name: 'Sluice', run: slow }]
  const common = { group: 'g', name: 'n', parameters: {}, subjects }
  const [one] = await Promise.all(casesOf(common, 0.001).map((each) => each.run()))
  t.true(one!.figures.time! > 0)
  t.is(one!.figures.throughput, undefined)
  const [many] = await Promise.all(casesOf({ ...common, operations: 10, bytes: 1024 * 1024 }, 0.001).map((each) => each.run()))
  const { time = 0, operations = 0, throughput = 0 } = many!.figures
  t.true(Math.abs(time * operations - 1e6) < 1)
  t.true(Math.abs(throughput - operations) < 1)
  for (const fails of [() => Promise.reject(new Error('no')), () => JSON.parse('no') as unknown]) {
    const [case_] = casesOf({ ...common, subjects: [{ name: 'Sluice', run: fails }] }, 0.001)
    await t.throwsAsync(() => case_!.run())
  }
})

test('the runner writes a result in the common form', async (t) => {
  const json = path.join(await mkdtemp(path.join(await tempDir(t), 'out-')), 'result.json')
  const finished = await run(process.execPath, [main, '--only', 'crc', '--seconds', '0.001', '--rounds', '2', '--json', json])
  t.is(finished.code, 0, finished.stderr)
  const result = JSON.parse(await readFile(json, 'utf8')) as BenchmarkResult
  t.is(result.suite, 'micro')
  t.is(result.baseline, 'Sluice')
  t.true(result.measurements.length >= 8)
  for (const { group, subject, rounds } of result.measurements) {
    t.is(group, 'CRC-32C')
    t.true(subject !== '')
    t.deepEqual(
      rounds.map(({ round }) => round),
      [1, 2]
    )
    for (const { figures } of rounds) t.true(figures.time! > 0 && figures.operations! > 0 && figures.throughput! > 0)
  }
})

test('the runner says what is wrong with its arguments', async (t) => {
  for (const [args, code, message] of [
    [['--only', 'nothing-of-that-name'], 1, /no case bears the word/],
    [['--seconds', 'soon'], 2, /--seconds must be a number above 0/]
  ] as const) {
    const finished = await run(process.execPath, [main, ...args])
    t.is(finished.code, code)
    t.regex(finished.stderr, message)
  }
})

const main = path.join(root, 'dist/bench/micro/main.js')
