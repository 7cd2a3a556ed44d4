/** Results as files: JSON, the history of releases, and the report that is made from them. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { addToHistory, historyLine } from '../../bench/lib/history.js'
import type { HistoryLine } from '../../bench/lib/history.js'
import { describeMachine, versions } from '../../bench/lib/machine.js'
import { parseResult, readResult, ResultError, withoutBadFigures } from '../../bench/lib/validate.js'
import { isolationResult, kafkaResult, microResult, pathsResult, scaleResult, storageResult } from './sample.js'

const report = fileURLToPath(new URL('../../bench/report.js', import.meta.url))
const run = promisify(execFile)

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-results-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

test('a result comes back from its JSON as it was', (t) => {
  for (const result of [kafkaResult(), pathsResult(), microResult(), isolationResult(), scaleResult(), storageResult()])
    t.deepEqual(parseResult(JSON.stringify(result)), result)
})

test('what makes a round disturbed survives the file', (t) => {
  const result = kafkaResult({ disturbed: [2] })
  const cold = {
    ...result,
    measurements: result.measurements.map((one) => ({ ...one, rounds: one.rounds.map((round) => ({ ...round, floor: 0.9 })) }))
  }
  t.deepEqual(parseResult(JSON.stringify(cold)), cold)
})

test('what is no result is refused with the place that is wrong', (t) => {
  const result = kafkaResult()
  const wrong: [unknown, RegExp][] = [
    ['{', /is no JSON/],
    [[], /the result must be an object, is \[\]/],
    [{ ...result, schema: 2 }, /schema is 2/],
    [{ ...result, suite: 'toString' }, /suite is "toString"/],
    [{ ...result, startedAt: 'yesterday' }, /startedAt is "yesterday"/],
    [{ ...result, machine: undefined }, /machine must be an object, is missing/],
    [
      { ...result, measurements: [{ ...result.measurements[0], rounds: [{ round: 1, figures: { cpu: '1' } }] }] },
      /measurements\[0\]\.rounds\[0\]\.figures\.cpu must be a number, is "1"/
    ],
    [
      { ...result, measurements: [{ ...result.measurements[0], rounds: [{ round: 1, figures: { speed: 1 } }] }] },
      /figures\.speed is no figure/
    ],
    [{ ...result, leftOut: [1] }, /leftOut\[0\] must be a text/]
  ]
  for (const [value, message] of wrong) {
    const error = t.throws(() => parseResult(typeof value === 'string' ? value : JSON.stringify(value)), { instanceOf: ResultError })
    t.regex(error?.message ?? '', message)
  }
})

test('a file that is not there is named', async (t) => {
  await t.throwsAsync(readResult('/nonexistent/one.json'), { instanceOf: ResultError, message: /nonexistent\/one\.json can not be read/ })
})

test('figures that are no numbers are left out and told, the others stay', (t) => {
  const result = kafkaResult()
  const [first, ...others] = result.measurements
  if (first === undefined) return t.fail()
  const broken = {
    ...result,
    measurements: [
      { ...first, rounds: first.rounds.map((round) => ({ ...round, figures: { ...round.figures, cpu: Number.NaN } })) },
      ...others
    ]
  }
  const repaired = withoutBadFigures(broken)
  t.is(repaired.measurements[0]?.rounds[0]?.figures.cpu, undefined)
  t.true((repaired.measurements[0]?.rounds[0]?.figures.throughput ?? 0) > 0)
  t.regex(repaired.leftOut.at(-1) ?? '', /produce, 64 KiB batches, 1 connection, Apache Kafka 4\.3\.1: CPU could not be measured/)
  t.notThrows(() => parseResult(JSON.stringify(repaired)))
})

test('a history line has version, commit, machine and medians', (t) => {
  const line = historyLine(kafkaResult({ noise: 0 }))
  t.deepEqual([line.version, line.commit, line.date, line.suite, line.rounds], ['0.1.0', '4d60410', '2026-11-21', 'kafka', 5])
  t.is(line.machine, 'AMD EPYC, 2 cores, Linux 6.18.44')
  t.deepEqual(line.medians['fetch · 1 MiB, 1 connection · Apache Kafka 4.3.1'], { cpu: 0.285, throughput: 2640, rss: 1180 })
  t.is(Object.keys(line.medians).length, kafkaResult().measurements.length)
})

test('a release has one line per suite', async (t) => {
  await inFolder(async (folder) => {
    const path = join(folder, 'history.ndjson')
    const next = { ...kafkaResult(), versions: { sluice: '0.2.0 (abcdef0)' } }
    for (const result of [kafkaResult(), pathsResult(), next, { ...kafkaResult(), startedAt: '2026-11-22T00:00:00Z' }])
      await addToHistory(path, result)
    const lines = (await readFile(path, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text) as HistoryLine)
    t.deepEqual(
      lines.map(({ version, suite, date }) => [version, suite, date]),
      [
        ['0.1.0', 'paths', '2026-11-21'],
        ['0.2.0', 'kafka', '2026-11-21'],
        ['0.1.0', 'kafka', '2026-11-22']
      ]
    )
  })
})

test('bench:report makes tables and one page from several files', async (t) => {
  await inFolder(async (folder) => {
    const [one, two, html] = [join(folder, 'one.json'), join(folder, 'two.json'), join(folder, 'sub/page.html')]
    await writeFile(one, JSON.stringify(kafkaResult()))
    await writeFile(two, JSON.stringify(scaleResult()))
    const { stdout } = await run(process.execPath, [report, one, two, '--html', html])
    t.regex(stdout, /Brokers side by side[\s\S]*Verdict[\s\S]*Cost as the work grows/)
    t.regex(await readFile(html, 'utf8'), /id="kafka-1"[\s\S]*id="scale-2"/)
  })
})

test('bench:report tells what is wrong with one line', async (t) => {
  await inFolder(async (folder) => {
    const bad = join(folder, 'bad.json')
    await writeFile(bad, '{}')
    const failure = await t.throwsAsync<Error & { code: number; stderr: string }>(run(process.execPath, [report, bad]))
    t.is(failure?.code, 1)
    t.regex(failure?.stderr ?? '', /^\S*bad\.json: schema is missing.*\n$/)
    t.is((await t.throwsAsync<Error & { code: number }>(run(process.execPath, [report])))?.code, 2)
    t.is((await t.throwsAsync<Error & { code: number }>(run(process.execPath, [report, '--nonsense'])))?.code, 2)
  })
})

/** Ends a suite in a process of its own, because `finish` writes to its stdout. */
async function finishApart(options: object): Promise<{ stdout: string; stderr: string }> {
  const here = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
  const program = `
    const { finish } = await import(${here('../../bench/lib/finish.js')})
    const { kafkaResult } = await import(${here('./sample.js')})
    await finish(kafkaResult(), ${JSON.stringify(options)})`
  return await run(process.execPath, ['--input-type=module', '-e', program])
}

test('a suite ends with table, JSON and page', async (t) => {
  await inFolder(async (folder) => {
    const [json, html] = [join(folder, 'sub/one.json'), join(folder, 'sub/one.html')]
    const { stdout, stderr } = await finishApart({ json, html })
    t.regex(stdout, /Verdict/)
    t.is(stderr, `wrote ${json}\nwrote ${html}\n`)
    t.deepEqual(await readResult(json), kafkaResult())
    t.true((await readFile(html, 'utf8')).includes('Brokers side by side'))
  })
})

test('JSON on stdout is nothing but JSON', async (t) => {
  const { stdout, stderr } = await finishApart({ json: '-' })
  t.deepEqual(parseResult(stdout), kafkaResult())
  t.regex(stderr, /Verdict/)
})

test('a page that can not be written costs nothing else', async (t) => {
  await inFolder(async (folder) => {
    const json = join(folder, 'one.json')
    const failure = await t.throwsAsync<Error & { stdout: string; stderr: string }>(
      finishApart({ html: `${folder}/one.json/x.html`, json })
    )
    t.regex(failure?.stdout ?? '', /Verdict/)
    t.regex(failure?.stderr ?? '', /x\.html could not be written: /)
    t.deepEqual(await readResult(json), kafkaResult())
  })
})

test('the machine is described as the system tells it', async (t) => {
  const machine = await describeMachine(tmpdir())
  t.true(machine.cores >= 1 && machine.memoryMiB > 64)
  t.regex(machine.kernel, /^Linux \d/)
  t.regex(machine.filesystem, /^\S+ \(.+; .+\)$/)
  const { sluice, node } = await versions()
  t.regex(sluice ?? '', /^\d+\.\d+\.\d+/)
  t.is(node, process.version)
})
