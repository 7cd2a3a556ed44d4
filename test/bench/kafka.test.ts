import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { buildLoad } from '../../bench/lib/build.js'
import type { BenchmarkResult } from '../../bench/lib/result.js'
import { parseOptions } from '../../bench/kafka/options.js'
import { consumerFigures, producerFigures } from '../../bench/kafka/tools.js'
import { available } from '../support/available.js'
import { startBroker } from '../support/broker.js'
import { root, run, type Finished } from '../support/processes.js'
import { tempDir } from '../support/temp-dir.js'

const MAIN = path.join(root, 'dist/bench/kafka/main.js')
const SLUICE_ONLY = ['--without', 'kafka', '--without', 'tools']

const generator = await buildLoad().then(
  () => true,
  () => false
)
const testWithLoad = generator ? test.serial : test.serial.skip
const kafka = await available('kafka-tools')
const testWithKafka = generator && kafka.found ? test.serial : test.serial.skip

interface Outcome extends Finished {
  readonly result: BenchmarkResult
}

/** Runs the suite with its data below a folder of the test, and checks that nothing is left there. */
async function measure(t: ExecutionContext, ...args: string[]): Promise<Outcome> {
  const folder = await tempDir(t)
  const json = path.join(folder, 'result.json')
  const data = path.join(folder, 'data')
  const finished = await run(process.execPath, [MAIN, '--quick', '--dir', data, '--json', json, ...args], { timeoutMs: 110_000 })
  t.is(finished.code, 0, finished.stderr)
  t.deepEqual(readdirSync(data), [])
  return { ...finished, result: JSON.parse(readFileSync(json, 'utf8')) as BenchmarkResult }
}

test.serial('Sluice alone: a valid result, and what was left out', async (t) => {
  const { result, stderr } = await measure(t, ...SLUICE_ONLY, '--only', 'empty folder', '--rounds', '2')
  t.is(result.schema, 1)
  t.is(result.suite, 'kafka')
  t.is(result.baseline, 'Sluice')
  t.regex(result.command, /^npm run bench:kafka -- --quick --dir .* --only "empty folder" --rounds 2$/)
  t.deepEqual(
    result.measurements.map(({ group, name, subject }) => [group, name, subject]),
    [['start-up', 'empty folder', 'Sluice']]
  )
  t.deepEqual(
    result.measurements[0]?.rounds.map(({ round }) => round),
    [1, 2]
  )
  for (const { figures } of result.measurements[0]?.rounds ?? []) t.true((figures.startup ?? 0) > 0 && (figures.rss ?? 0) > 0)
  t.regex(stderr, /round 2 of 2 · start-up · empty folder · Sluice/)
})

testWithLoad('Sluice alone: produce and consume', async (t) => {
  const which = ['--only', '64 KiB batches, acks=1, 1 connection', '--only', '1 MiB fetches, 1 connection']
  const { result } = await measure(t, ...SLUICE_ONLY, ...which, '--seconds', '0.2')
  t.deepEqual(result.leftOut, [])
  t.deepEqual(
    result.measurements.map(({ group }) => group),
    ['produce', 'consume, hot page cache', 'consume, hot page cache']
  )
  for (const { rounds } of result.measurements) {
    const figures = rounds[0]?.figures ?? {}
    t.true((figures.throughput ?? 0) > 0)
    t.true((figures.cpu ?? 0) > 0)
  }
  t.true((result.measurements[0]?.rounds[0]?.floor ?? 0) > 0)
})

testWithLoad('a broker that runs already: by its name, without CPU figures, and left as it was', async (t) => {
  const broker = await startBroker()
  try {
    const only = ['--only', '64 KiB fetches, 4 connections, the client discards', '--seconds', '0.2']
    const which = ['--without', 'sluice', ...SLUICE_ONLY, '--bootstrap', broker.bootstrap, '--name', 'mine']
    const { result } = await measure(t, ...which, ...only)
    t.is(result.measurements.length, 1)
    t.is(result.measurements[0]?.subject, 'mine')
    const figures = result.measurements[0]?.rounds[0]?.figures ?? {}
    t.true((figures.throughput ?? 0) > 0)
    t.is(figures.cpu, undefined)
    t.true(result.leftOut.some((line) => line.startsWith('mine: CPU and memory, without --pid')))
    const { Admin } = await import('../../bench/lib/admin.js')
    t.deepEqual([...(await Admin.with(broker.bootstrap, (admin) => admin.topics())).keys()], [])
  } finally {
    await broker.stop()
  }
})

testWithKafka('Sluice and Apache Kafka', async (t) => {
  const { result } = await measure(t, '--without', 'tools', '--only', 'empty folder')
  t.deepEqual(
    result.measurements.map(({ subject }) => subject),
    ['Sluice', result.baseline]
  )
  t.regex(result.baseline, /^Apache Kafka \d/)
})

test.serial('no broker at the address: one clear line, exit code 1', async (t) => {
  const { code, stderr } = await run(process.execPath, [MAIN, ...SLUICE_ONLY, '--without', 'sluice', '--bootstrap', '127.0.0.1:1'])
  t.is(code, 1)
  t.regex(stderr, /^bench:kafka: no broker at 127\.0\.0\.1:1: connect ECONNREFUSED 127\.0\.0\.1:1\n$/)
})

test.serial('a word that no case has: one clear line, exit code 1', async (t) => {
  const { code, stderr } = await run(process.execPath, [MAIN, ...SLUICE_ONLY, '--only', 'nonsense'])
  t.is(code, 1)
  t.is(stderr, "bench:kafka: no case is called 'nonsense'\n")
})

test.serial('no Java and no Maven: a clear line, the rest is measured', async (t) => {
  const folder = await tempDir(t)
  const json = path.join(folder, 'result.json')
  const args = [MAIN, '--quick', '--dir', folder, '--json', json, '--only', 'empty folder']
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: 'ignore',
    env: { ...process.env, PATH: path.join(folder, 'nothing') }
  })
  const [code] = (await once(child, 'close')) as [number]
  t.is(code, 0)
  const result = JSON.parse(readFileSync(json, 'utf8')) as BenchmarkResult
  t.is(result.measurements.length, 1)
  t.true(result.leftOut.some((line) => line.startsWith('Apache Kafka is not available: java is not installed')))
})

test.serial('Ctrl-C stops everything', async (t) => {
  const folder = await tempDir(t)
  const child = spawn(process.execPath, [MAIN, '--quick', '--dir', folder, ...SLUICE_ONLY, '--only', 'no clients'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe']
  })
  child.stderr.resume()
  // The broker: what runs at the start, for a moment, under the program's own name is a system's tool that it asks something.
  await untilTrue(() => processesOf(folder).some((line) => !line.includes(MAIN)))
  child.kill('SIGINT')
  const [code] = (await once(child, 'close')) as [number]
  t.is(code, 130)
  t.deepEqual(processesOf(folder), [])
  t.deepEqual(readdirSync(folder), [])
})

test('the command line: defaults, wrong usage', (t) => {
  const parse = (...args: string[]): unknown => parseOptions(args, () => {})
  t.like(parse(), { rounds: 3, quick: false, seconds: 3, without: [] })
  t.like(parse('--quick'), { rounds: 1, seconds: 1 })
  t.like(parse('--quick', '--rounds', '4', '--without', 'kafka', '--without', 'tools'), { rounds: 4, without: ['kafka', 'tools'] })
  t.like(parse('--only', 'a', '--only', 'b'), { only: ['a', 'b'] })
  t.deepEqual(parse('--help'), { exitCode: 0 })
  for (const wrong of [['--rounds', '0'], ['--rounds', 'x'], ['--without', 'x'], ['--pid', '1'], ['--nonsense'], ['word']])
    t.deepEqual(parse(...wrong), { exitCode: 2 }, wrong.join(' '))
})

test("what Kafka's tools print", (t) => {
  const producer =
    '100000 records sent, 81234.5 records/sec (79.33 MB/sec), 12.31 ms avg latency, 212.00 ms max latency, 3 ms 50th, 60 ms 95th, 111 ms 99th, 152 ms 99.9th.\n'
  t.deepEqual(producerFigures(`1 records sent\n${producer}`), { throughput: 79.33, p50: 3, p99: 111, p999: 152, max: 212 })
  t.throws(() => producerFigures('Exception in thread "main"'), { message: /ended with: Exception/ })
  const consumer =
    'start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec\n' +
    '2026-01-01 00:00:00:000, 2026-01-01 00:00:02:000, 100.0000, 50.0, 1000, 500.0, 1000, 500, 200.0, 2000.0\n'
  t.deepEqual(consumerFigures(consumer, 1000), { throughput: 200 })
  t.throws(() => consumerFigures(consumer, 1001), { message: /got 1000 of 1001 records/ })
})

/** Processes that name the folder on their command line. */
/** Their command lines. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      } catch {
        return ''
      }
    })
    .filter((line) => line.includes(folder))
}

async function untilTrue(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20))
}
