/** Apache Kafka's own dump-log reads what compaction has written. */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import test from 'ava'
import { haveTools, runTool } from '../../support/kafka-tools.js'
import { compacted } from './compacted.js'

const testWithTools = haveTools ? test.serial : test.serial.skip

testWithTools('dump-log finds nothing to complain about in a compacted log', async (t) => {
  const { folder, records } = await compacted(t)
  const names = (await readdir(folder)).filter((name) => /\.(log|index|timeindex|txnindex|snapshot)$/.test(name)).toSorted()
  t.true(names.some((name) => name.endsWith('.txnindex')))
  const files = names.map((name) => path.join(folder, name))
  const { code, stdout, stderr } = await runTool('dump-log', ['--deep-iteration', '--files', files.join(',')])
  t.is(code, 0, stderr)
  // Gaps between offsets are told as well; in a compacted log they are what it is for.
  t.notRegex(stdout + stderr, /Mismatch|mismatch|error|Exception|corrupt|out of order|invalid bytes|isValid: false/i, stdout.slice(0, 2000))
  t.is(stdout.match(/\| offset: .*/g)?.filter((line) => !line.includes('endTxnMarker')).length, records)
  t.regex(stdout, /deleteHorizonMs: OptionalLong\[\d+\]/)
  t.regex(stdout, /count: 0 .*producerId: [56] /)
})
