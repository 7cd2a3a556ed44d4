/** `npm run bench`: the servers beside the broker give the same bytes, and the suite says what it measured and what it left out. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { openLoad, serverOf, type CannedServer, type Load } from '../../bench/lib/load.js'
import type { BenchmarkResult } from '../../bench/lib/result.js'
import { IDIOMS } from '../../bench/paths/idioms.js'
import { parseOptions } from '../../bench/paths/options.js'
import { isWanted, nameOf, planCases } from '../../bench/paths/plan.js'
import { startBroker } from '../support/broker.js'
import { root } from '../support/processes.js'
import { tempDir } from '../support/temp-dir.js'

const MIB = 2 ** 20
const SERVERS = path.join(root, 'dist/bench/paths/node-servers.js')
const SUITE = path.join(root, 'dist/bench/paths/main.js')

let load: Load

test.before('compile the generator', async (t) => {
  t.timeout(240_000)
  load = await openLoad()
})

test('canned servers and Node idioms give what the broker gives', async (t) => {
  const dir = await tempDir(t)
  const broker = await startBroker({ dir, topics: { t: 1 } })
  t.teardown(() => broker.stop())
  const produced = await load.produce({ bootstrap: broker.bootstrap, topic: 't', bytes: 3 * MIB, batchBytes: 4096, recordBytes: 495 })
  const file = path.join(dir, 't-0', '00000000000000000000.log')
  const starts: (() => Promise<CannedServer>)[] = [
    () => load.canned({ file }),
    () => load.canned({ file, readwrite: true }),
    ...Object.keys(IDIOMS).map((idiom) => () => serverOf(spawn(process.execPath, [SERVERS, idiom, file]), idiom))
  ]
  const read = (bootstrap: string, fetchBytes: number) =>
    load.fetch({ bootstrap, topic: 't', fetchBytes, connections: 2, inFlight: 2, once: true, seconds: 30 })
  for (const fetchBytes of [4096, 65536, MIB]) {
    const expected = await read(broker.bootstrap, fetchBytes)
    t.is(expected.bytes, produced.bytes)
  }
  for (const start of starts) {
    await using server = await start()
    for (const fetchBytes of [4096, 65536, MIB]) {
      const { bytes, records } = await read(server.bootstrap, fetchBytes)
      t.is(bytes, produced.bytes)
      t.is(records, produced.records)
    }
  }
})

test('a file that is no uniform segment is refused in one line', async (t) => {
  const file = path.join(await tempDir(t), 'some.log')
  await writeFile(file, 'nothing')
  await t.throwsAsync(load.canned({ file }), { message: /holds no record batch$/ })
  await t.throwsAsync(serverOf(spawn(process.execPath, [SERVERS, 'read', file]), 'read'), { message: /holds no record batch$/ })
  await t.throwsAsync(serverOf(spawn(process.execPath, [SERVERS, 'teleport', file]), 'read'), { message: /no such idiom: 'teleport'/ })
})

test('options and cases', (t) => {
  const full = planCases({ quick: false, full: true, size: 256 })
  t.is(full.length, 24)
  t.true(planCases({ quick: true, full: false, size: 256 }).length < 10)
  t.is(nameOf(full[0]!), '4 KiB, 1 consumer')
  t.true(isWanted(['hot', '64 kib', 'SENDFILE'], { cache: 'hot', fetchBytes: 65536, consumers: 4, logBytes: MIB }, 'sendfile'))
  t.true(isWanted(['auto|sendfile'], { cache: 'hot', fetchBytes: 65536, consumers: 4, logBytes: MIB }, 'sendfile'))
  t.false(isWanted(['cold', '64 KiB'], { cache: 'hot', fetchBytes: 65536, consumers: 4, logBytes: MIB }, 'sendfile'))
  t.like(parseOptions(['--only', 'hot', '--only', 'mmap', '--seconds', '0.5']), {
    only: ['hot', 'mmap'],
    seconds: 0.5,
    rounds: 3,
    take: 'copy'
  })
  let text = ''
  const write = (more: string) => (text += more)
  t.deepEqual(parseOptions(['--help'], write), { exitCode: 0 })
  t.regex(text, /--quick/)
  for (const wrong of [['--rounds', '0'], ['--take', 'nothing'], ['--nonsense'], ['more']])
    t.deepEqual(parseOptions(wrong, write), { exitCode: 2 })
})

interface Ran {
  readonly code: number | null
  readonly result: BenchmarkResult | undefined
  readonly stderr: string
  /** Names in the data folder afterwards. */
  readonly left: readonly string[]
}

const TINY = ['--quick', '--only', 'hot', '--only', '64 KiB, 1', '--only', 'sendfile', '--rounds', '1', '--seconds', '0.1', '--size', '16']

async function runSuite(
  t: ExecutionContext,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onStderr?: (text: string, pid: number) => void
): Promise<Ran> {
  const dir = await tempDir(t)
  const json = path.join(dir, 'result.json')
  const data = path.join(dir, 'data')
  await mkdir(data)
  const child = spawn(process.execPath, [SUITE, ...args, '--json', json, '--dir', data], { cwd: root, env: { ...process.env, ...env } })
  let stderr = ''
  child.stdout.resume()
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
    onStderr?.(stderr, child.pid ?? 0)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  const files = readdirSync(dir)
  const result = files.includes('result.json') ? (JSON.parse(readFileSync(json, 'utf8')) as BenchmarkResult) : undefined
  return { code, result, stderr, left: readdirSync(data) }
}

test('a tiny run gives a result, and leaves nothing behind', async (t) => {
  const { code, result, stderr, left } = await runSuite(t, TINY, {})
  t.is(code, 0, stderr)
  t.deepEqual(left, [])
  t.is(result?.schema, 1)
  t.is(result?.suite, 'paths')
  t.deepEqual(result?.measurements.map(({ subject }) => subject).sort(), ['C++ sendfile loop', 'sendfile'])
  for (const { subject, rounds, name, parameters } of result?.measurements ?? []) {
    t.is(name, '64 KiB, 1 consumer')
    t.deepEqual(parameters, { fetchBytes: 65536, consumers: 1, cache: 'hot' })
    t.is(rounds.length, 1)
    const { figures } = rounds[0]!
    for (const figure of ['throughput', 'requests', 'cpu', 'p50', 'p99', 'max'] as const)
      t.true(figures[figure]! > 0, `${subject} ${figure}`)
    if (subject === 'sendfile') t.true(figures.sendfileBytes! > 0 && figures.readwriteBytes === 0)
    const isCounted = (figures.systemCalls ?? 0) > 0
    t.true(isCounted || result?.leftOut.some((line) => line.startsWith('system calls are not counted')))
  }
})

test('without tracers and git the rest is measured', async (t) => {
  const { code, result } = await runSuite(t, TINY, { PATH: '/nonexistent' })
  t.is(code, 0)
  t.is(result?.measurements.length, 2)
  t.deepEqual(result?.leftOut, ['system calls are not counted: strace is not installed; perf is not installed'])
})

test('an unknown word ends it before anything is started', async (t) => {
  const { code, result } = await runSuite(t, ['--only', 'teleport'], {})
  t.is(code, 1)
  t.deepEqual(result?.leftOut, ["everything: no case has 'teleport' in its group, name or subject"])
})

test('without a compiler it says so', async (t) => {
  const { code, result, left } = await runSuite(t, TINY, { CXX: 'no-such-compiler' })
  t.is(code, 1)
  t.deepEqual(result?.measurements, [])
  t.deepEqual(result?.leftOut, ['everything: load is not built: there is no C++ compiler "no-such-compiler" (CXX names another)'])
  t.deepEqual(left, [])
})

test('Ctrl-C ends it, and what was measured is kept', async (t) => {
  let isTold = false
  const args = [
    '--quick',
    '--only',
    'hot',
    '--only',
    '64 KiB',
    '--only',
    'sendfile',
    '--rounds',
    '100',
    '--seconds',
    '0.05',
    '--size',
    '16'
  ]
  const { code, result, left } = await runSuite(t, args, {}, (stderr, pid) => {
    if (isTold || !/^\[ *5\//m.test(stderr)) return
    isTold = true
    process.kill(pid, 'SIGINT')
  })
  t.is(code, 130)
  t.deepEqual(left, [])
  t.true((result?.measurements.length ?? 0) > 0)
  t.true(result?.leftOut.some((line) => line.includes('stopped in round')))
})
