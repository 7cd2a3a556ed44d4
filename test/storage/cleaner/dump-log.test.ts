/** Apache Kafka's own dump-log reads what compaction has written. */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import test from 'ava'
import { haveTools, runTool } from '../../support/kafka-tools.js'
import { compact, endTransaction, put, seen, startCompacting, type Pair } from './support.js'

const testWithTools = haveTools ? test.serial : test.serial.skip

testWithTools('dump-log finds nothing to complain about in a compacted log', async (t) => {
  const one = await startCompacting(t)
  const sequences = [0, 0]
  for (let round = 0; round < 60; round++) {
    one.clock.advance(10)
    const pairs = Array.from({ length: 5 }, (_, index): Pair => [
      `k${(round * 3 + index) % 23}`,
      index === 4 ? null : `${round}`.padEnd(60, '.')
    ])
    await put(one, pairs, {}, round % 5)
    const producer = round % 2
    const options = { producerId: 5 + producer, producerEpoch: 0, baseSequence: sequences[producer]!, transactional: true }
    await put(one, [[`k${round % 7}`, 'in a transaction']], options, round % 5)
    sequences[producer]!++
    await endTransaction(one, 5 + producer, round % 3 !== 0)
    if (round === 30) await compact(one)
  }
  await put(
    one,
    Array.from({ length: 7 }, (_, key): Pair => [`k${key}`, 'last'])
  )
  await compact(one)
  const count = (await seen(one.log)).length
  await one.engine.stop()
  const folder = path.join(one.engine.dir, 't-0')
  const names = (await readdir(folder)).filter((name) => /\.(log|index|timeindex|txnindex|snapshot)$/.test(name)).toSorted()
  t.true(names.some((name) => name.endsWith('.txnindex')))
  const files = names.map((name) => path.join(folder, name))
  const { code, stdout, stderr } = await runTool('dump-log', ['--deep-iteration', '--files', files.join(',')])
  t.is(code, 0, stderr)
  // Gaps between offsets are told as well; in a compacted log they are what it is for.
  t.notRegex(stdout, /Mismatch|mismatch|error|Exception|corrupt|out of order|invalid bytes|isValid: false/i, stdout.slice(0, 2000))
  t.is(stdout.match(/\| offset: .*/g)?.filter((line) => !line.includes('endTxnMarker')).length, count)
  t.regex(stdout, /deleteHorizonMs: OptionalLong\[\d+\]/)
  t.regex(stdout, /count: 0 .*producerId: [56] /)
})
