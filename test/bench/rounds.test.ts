/** Rounds: their order, failures, an end ahead of time, and what is told meanwhile. */
import test from 'ava'
import { silentProgress, terminalProgress } from '../../bench/lib/progress.js'
import { runRounds } from '../../bench/lib/rounds.js'
import type { Case } from '../../bench/lib/rounds.js'

function cases(names: readonly (readonly [string, string])[], run: (name: string, subject: string) => number): Case[] {
  return names.map(([name, subject]) => ({
    group: 'fetch',
    name,
    subject,
    parameters: {},
    run: async () => ({ figures: { cpu: await Promise.resolve(run(name, subject)) } })
  }))
}

const FOUR = [
  ['64 KiB', 'a'],
  ['1 MiB', 'a'],
  ['64 KiB', 'b'],
  ['1 MiB', 'b']
] as const

test('subjects of a case run one after the other, in alternating order', async (t) => {
  const order: string[] = []
  const { measurements, leftOut } = await runRounds(
    cases(FOUR, (name, subject) => order.push(`${name} ${subject}`)),
    { rounds: 3, progress: silentProgress }
  )
  const odd = ['64 KiB a', '64 KiB b', '1 MiB a', '1 MiB b']
  const even = ['64 KiB b', '64 KiB a', '1 MiB b', '1 MiB a']
  t.deepEqual(order, [...odd, ...even, ...odd])
  t.deepEqual(leftOut, [])
  t.is(measurements.length, 4)
  t.deepEqual(
    measurements.map(({ rounds }) => rounds.map(({ round }) => round)),
    [1, 2, 3, 4].map(() => [1, 2, 3])
  )
})

test('a case that fails is left out with its error, and the others go on', async (t) => {
  let calls = 0
  const { measurements, leftOut } = await runRounds(
    cases(FOUR, (name, subject) => {
      if (name !== '64 KiB' || subject !== 'b') return 1
      calls++
      throw new Error('no broker at 127.0.0.1:9092')
    }),
    { rounds: 5, progress: silentProgress }
  )
  t.is(calls, 2)
  t.deepEqual(leftOut, ['fetch, 64 KiB, b: no broker at 127.0.0.1:9092'])
  t.deepEqual(
    measurements.map(({ name, subject, rounds }) => [name, subject, rounds.length]),
    [
      ['64 KiB', 'a', 5],
      ['1 MiB', 'a', 5],
      ['1 MiB', 'b', 5]
    ]
  )
})

test('a case that fails once keeps its other rounds', async (t) => {
  let calls = 0
  const { measurements, leftOut } = await runRounds(
    cases([['64 KiB', 'a']], () => {
      if (++calls === 2) throw new Error('closed')
      return calls
    }),
    { rounds: 4, progress: silentProgress }
  )
  t.deepEqual(
    measurements[0]?.rounds.map(({ round }) => round),
    [1, 3, 4]
  )
  t.deepEqual(leftOut, ['fetch, 64 KiB, a: failed in round 2 of 4 (closed); the other rounds count'])
})

test('an abort ends the run and keeps what was measured', async (t) => {
  const abort = new AbortController()
  const order: string[] = []
  const { measurements, leftOut } = await runRounds(
    cases(FOUR, (name, subject) => {
      if (order.push(`${name} ${subject}`) !== 6) return 1
      abort.abort()
      throw new Error('killed')
    }),
    { rounds: 3, progress: silentProgress, signal: abort.signal }
  )
  t.is(order.length, 6)
  t.deepEqual(
    measurements.map(({ rounds }) => rounds.length),
    [1, 1, 2, 1]
  )
  t.deepEqual(leftOut, ['stopped in round 2 of 3: what was measured until then counts'])
})

test('progress is plain lines without a terminal', (t) => {
  const written: string[] = []
  const progress = terminalProgress({ write: (text) => written.push(text) })
  progress.begin(12)
  progress.step('round 1 of 3 · fetch')
  progress.note('no Maven')
  progress.end()
  t.deepEqual(written, ['[ 1/12]  round 1 of 3 · fetch\n', 'no Maven\n'])
})

test('progress on a terminal is one line that fits, with the time that is left', (t) => {
  const written: string[] = []
  let now = 0
  const progress = terminalProgress({ isTTY: true, columns: 60, write: (text) => written.push(text) }, () => now)
  progress.begin(4)
  progress.step('first')
  now = 10_000
  progress.step('a step with a name that is far longer than the terminal is wide, and goes on')
  progress.end()
  t.true(written.every((text) => text.startsWith('\r\u001b[2K') && !text.includes('\n') && text.length <= 60 + 5))
  t.true(written[1]?.endsWith('…'))
  t.is(written.at(-1), '\r\u001b[2K')
  progress.step('third')
  t.true(written.at(-1)?.includes('about 6 s left'))
  progress.end()
})
