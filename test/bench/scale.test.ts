/** What grows and what does not: the suite runs its smallest points and gives results in the common form; its load does what it claims. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { BenchmarkResult } from '../../bench/lib/result.js'
import { percentile } from '../../bench/lib/statistics.js'
import { ClosedLoop } from '../../bench/scale/closed-loop.js'
import { Crowd } from '../../bench/scale/crowd.js'
import { fetchBody, fetchFrame, FETCH_VERSION, movingFetch, produceFrame, sessionFetch } from '../../bench/scale/frames.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { startBroker } from '../support/broker.js'
import { root, run } from '../support/processes.js'
import { framed, RawClient, requestFrame } from '../support/raw-client.js'
import { tempDir } from '../support/temp-dir.js'

/** A server that answers each chunk that it receives with the next of these, the last one for ever. */
async function answering(t: ExecutionContext, answers: readonly Buffer[]): Promise<{ host: string; port: number }> {
  let turn = 0
  const server = net.createServer((socket) => {
    socket.on('data', () => {
      const answer = answers[Math.min(turn++, answers.length - 1)]!
      // In two pieces, so that a length and an answer come apart.
      socket.write(answer.subarray(0, 2))
      setImmediate(() => socket.write(answer.subarray(2)))
    })
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { host: '127.0.0.1', port: (server.address() as net.AddressInfo).port }
}

test('a closed loop counts whole answers and refuses short ones', async (t) => {
  const loop = await ClosedLoop.connect(await answering(t, [framed(Buffer.alloc(100))]))
  t.teardown(() => loop.close())
  t.is(await loop.ask(Buffer.from('x')), 104)
  const result = await loop.run(() => Buffer.from('x'), 20)
  t.true(result.requests > 0)
  t.is(result.bytes, result.requests * 104)
  t.true(result.p50 > 0 && result.p99 >= result.p50)
  await t.throwsAsync(() => loop.run(() => Buffer.from('x'), 20, 105), { message: /at least 105 were expected/ })
})

test('a closed loop that loses its connection ends with an error', async (t) => {
  const server = net.createServer((socket) => socket.once('data', () => socket.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const loop = await ClosedLoop.connect({ host: '127.0.0.1', port: (server.address() as net.AddressInfo).port })
  t.teardown(() => loop.close())
  await t.throwsAsync(() => loop.run(() => Buffer.from('x'), 1000))
})

test('a frame that changes is the frame that would have been made', (t) => {
  const offsets = [0, 1, 2 ** 40 + 5]
  let turn = 0
  const next = movingFetch({ topic: 't', partitions: { only: 3 } }, () => offsets[turn++]!)
  for (const offset of offsets) t.deepEqual(next(), fetchFrame({ topic: 't', partitions: { only: 3 } }, offset))
  const session = sessionFetch('t', 77)
  for (const sessionEpoch of [1, 2]) t.deepEqual(session(), fetchFrame({ topic: 't', partitions: 0, sessionId: 77, sessionEpoch }))
})

test('percentiles are those of the sorted samples', (t) => {
  const samples = Array.from({ length: 100 }, (_, index) => 100 - index)
  t.is(percentile(samples, 0.5), 51)
  t.is(percentile(samples, 0.99), 100)
  t.is(percentile([], 0.5), NaN)
})

test('a crowd waits undisturbed; a record wakes only those who wait for it', async (t) => {
  const broker = await startBroker({ topics: { a: 2 } })
  t.teardown(() => broker.stop())
  const wait = { topic: 'a', maxWaitMs: 60_000 }
  const others = new Crowd(broker, () => fetchFrame({ ...wait, partitions: { only: 0 } }))
  const idle = new Crowd(broker)
  t.teardown(() => others.become(0))
  t.teardown(() => idle.become(0))
  await others.become(20)
  await idle.become(5)
  const client = await RawClient.connect(broker)
  t.teardown(() => client.close())
  client.write(requestFrame(fetch, FETCH_VERSION, fetchBody({ ...wait, partitions: { only: 1 } })))
  const waked = client.frame()
  const producer = await ClosedLoop.connect(broker)
  t.teardown(() => producer.close())
  await producer.ask(produceFrame('a', 1, 10))
  t.true((await waked).length > 60)
  await others.become(10)
  t.is(others.disturbed + idle.disturbed, 0)
  await producer.ask(produceFrame('a', 0, 10))
  while (others.disturbed < 10) await new Promise((resolve) => setImmediate(resolve))
  t.is(others.disturbed, 10)
})

const main = path.join(root, 'dist/bench/scale/main.js')
const TINY = ['--quick', '--seconds', '0.05', '--rounds', '2']

for (const [only, figure] of [
  [' 1 other connection', 'cpuPercent'],
  ['100 partitions', 'openFiles'],
  ['1 mib', 'p99']
] as const) {
  test(`the runner writes a result in the common form: ${only.trim()}`, async (t) => {
    const json = path.join(await tempDir(t), 'result.json')
    const finished = await run(process.execPath, [main, ...TINY, '--only', only, '--json', json])
    t.is(finished.code, 0, finished.stderr)
    const result = JSON.parse(await readFile(json, 'utf8')) as BenchmarkResult
    t.is(result.suite, 'scale')
    t.deepEqual(result.leftOut, [])
    t.true(result.measurements.length >= 2)
    for (const { rounds, parameters } of result.measurements) {
      t.is(Object.keys(parameters).length, 1)
      for (const { figures } of rounds) t.true(figures.cpuPerRequest! > 0 && figures.requests! > 0 && figures.p50! > 0)
    }
    t.true(result.measurements.some(({ rounds }) => rounds[0]?.figures[figure] !== undefined))
  })
}

test('the runner says what is wrong with its arguments', async (t) => {
  for (const [args, code, message] of [
    [['--only', 'nothing-of-that-name'], 1, /no case bears the word[\s\S]*a fetch beside idle connections/],
    [['--rounds', 'many'], 2, /--rounds must be a number above 0/]
  ] as const) {
    const finished = await run(process.execPath, [main, ...args])
    t.is(finished.code, code)
    t.regex(finished.stderr, message)
  }
})
