/** `sluice log dump` prints what Apache Kafka's own tool prints, line by line. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { parseArguments } from '../../../src/cli/arguments.js'
import { runLog } from '../../../src/cli/log-command.js'
import { endTransactionBatch, RecordBatchBuilder } from '../../../src/record/index.js'
import { unpackGolden } from '../../support/golden-log.js'
import { haveTools, runTool } from '../../support/kafka-tools.js'
import { compacted } from '../cleaner/compacted.js'
import { append, appendBytes, startEngine, TOPIC_ID, values } from '../support.js'

const testWithTools = haveTools ? test.serial : test.serial.skip
const SHOWN = /\.(log|index|timeindex|txnindex|snapshot|checkpoint)$/

interface Run {
  readonly code: number
  readonly out: string
  readonly error: string
}

async function sluice(...args: string[]): Promise<Run> {
  let out = ''
  let error = ''
  const parsed = parseArguments(['log', ...args], { out: (text) => (out += text), error: (text) => (error += text) })
  if (parsed.command === 'done') return { code: parsed.exitCode, out, error }
  if (parsed.command !== 'log') throw new Error(parsed.command)
  const code = await runLog(parsed.request, {
    out: (text) => {
      out += text
      return Promise.resolve(true)
    },
    error: (text) => (error += text),
    terminal: false
  })
  return { code, out, error }
}

async function filesOf(dir: string, wanted = SHOWN): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && wanted.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .toSorted()
}

/** Both tools with the same options on the same files. */
async function same(t: ExecutionContext, files: readonly string[], ...options: string[]): Promise<Run> {
  const args = [...options, '--files', files.join(',')]
  const [kafka, own] = [await runTool('dump-log', args), await sluice('dump', ...args)]
  t.deepEqual(own.out.split('\n'), kafka.stdout.split('\n'), `${options.join(' ')}\n${kafka.stderr}`)
  t.is(own.code, kafka.code, kafka.stderr)
  return { ...own, error: kafka.stderr }
}

testWithTools('every file of a folder of Kafka, after a clean stop', async (t) => {
  const dir = await unpackGolden(t, 'clean')
  const files = (await filesOf(dir)).filter((file) => !file.includes('bootstrap'))
  t.true(files.length > 60)
  await same(t, files)
  await same(t, files, '--deep-iteration')
  await same(t, files, '--print-data-log')
  await same(t, await filesOf(dir, /index$/), '--verify-index-only')
})

testWithTools('every file of a folder of Kafka that was running', async (t) => {
  const dir = await unpackGolden(t, 'unclean')
  const { out } = await same(t, await filesOf(dir, /\.(log|index|timeindex|txnindex|snapshot)$/), '--deep-iteration')
  t.regex(out, /Found 37 invalid bytes at the end of/)
})

testWithTools('the topics of coordinators and of the metadata', async (t) => {
  const dir = await unpackGolden(t, 'clean')
  await same(t, await filesOf(path.join(dir, '__consumer_offsets-0'), /\.log$/), '--offsets-decoder')
  await same(t, await filesOf(path.join(dir, '__transaction_state-0'), /\.log$/), '--transaction-log-decoder', '--skip-record-metadata')
  await same(t, await filesOf(path.join(dir, '__cluster_metadata-0'), /\.(log|checkpoint)$/), '--cluster-metadata-decoder')
})

testWithTools('a log of this engine: codecs, producers, transactions, large batches, a limit', async (t) => {
  const engine = await startEngine(t, { topic: { 'internal.segment.bytes': '20000', 'index.interval.bytes': '1000' } })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  for (let round = 0; round < 40; round++) {
    await append(engine, log, values(5, `r${round}-`, 100), { producerId: 7, producerEpoch: 0, baseSequence: round * 5 })
    const builder = new RecordBatchBuilder({ timestamp: engine.clock.now() })
    for (const record of values(5, `c${round}-`, 100))
      builder.append({ ...record, key: Buffer.from(`k${round}`), headers: [{ key: 'h', value: null }] })
    await appendBytes(engine, log, await builder.buildCompressed(1 + (round % 4)), 'client')
    const options = { producerId: 9, producerEpoch: round, baseSequence: 0, transactional: true }
    await append(engine, log, values(2, `t${round}-`), options)
    const marker = { producerId: 9, producerEpoch: round, commit: round % 2 === 0, coordinatorEpoch: 3, timestamp: engine.clock.now() }
    await appendBytes(engine, log, endTransactionBatch(marker), 'coordinator')
  }
  await engine.stop()
  const files = await filesOf(path.join(engine.dir, 't-0'))
  await same(t, files, '--print-data-log')
  await same(
    t,
    files.filter((file) => file.endsWith('.log')),
    '--deep-iteration',
    '--max-bytes',
    '3000'
  )
  await same(
    t,
    files.filter((file) => file.endsWith('index')),
    '--index-sanity-check'
  )
})

testWithTools('a compacted log of this engine: gaps, delete horizons, empty batches, aborted transactions', async (t) => {
  const { folder } = await compacted(t)
  const { out, error } = await same(t, await filesOf(folder), '--print-data-log')
  t.regex(out, /deleteHorizonMs: OptionalLong\[\d+\]/)
  t.regex(out, /count: 0 /)
  t.regex(out, /version: 0 producerId: 5 firstOffset:/)
  t.regex(error, /Non-consecutive offsets in/)
  await same(t, await filesOf(folder, /index$/), '--verify-index-only')
})

testWithTools('indexes that contradict their log are told of as Kafka does', async (t) => {
  const dir = await unpackGolden(t, 'clean')
  const folder = path.join(dir, 'plain-0')
  const [index] = await filesOf(folder, /[^e]index$/)
  const [times] = await filesOf(folder, /\.timeindex$/)
  const bytes = await readFile(index!)
  t.true(bytes.length >= 8)
  bytes.writeInt32BE(bytes.readInt32BE(0) + 1, 0)
  await writeFile(index!, bytes)
  const entries = await readFile(times!)
  entries.writeBigInt64BE(entries.readBigInt64BE(0) + 1n, 0)
  await writeFile(times!, entries)
  const args = ['--files', `${index},${times}`]
  const [kafka, own] = [await runTool('dump-log', args), await sluice('dump', ...args)]
  t.is(own.out, kafka.stdout)
  const told = kafka.stderr.split('\n').filter((line) => /^(Mismatches|Found|The following|Indexed| {2}Index)/.test(line))
  t.true(told.length >= 4)
  t.deepEqual(own.error.trim().split('\n'), told)
})

test('a folder stands for its files, checkpoints and properties included; --json is an object a line', async (t) => {
  const dir = await unpackGolden(t, 'clean')
  const { code, out } = await sluice('dump', '--json', '--deep-iteration', '--print-data-log', path.join(dir, 'txn-0'))
  t.is(code, 0)
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { file: string; type: string })
  const kinds = new Set(lines.map(({ type }) => type))
  for (const type of ['batch', 'record', 'index-entry', 'time-index-entry', 'aborted-transaction', 'producer', 'entry'])
    t.true(kinds.has(type), type)
  const text = await sluice('dump', path.join(dir, 'txn-0'), path.join(dir, 'log-start-offset-checkpoint'))
  t.regex(text.out, /epoch: 0 startOffset: 0/)
  t.regex(text.out, /topic_id: [A-Za-z0-9_-]{22}/)
  t.regex(text.out, /topic: trimmed partition: 0 offset: 333/)
})

test('what can not be read is told of, and the exit code says so', async (t) => {
  const dir = await unpackGolden(t, 'clean')
  const file = path.join(dir, 'plain-0/00000000000000000000.log')
  const bytes = await readFile(file)
  bytes.writeInt32BE(3, 8)
  await writeFile(file, bytes)
  t.is((await sluice('dump', path.join(dir, 'nowhere'))).code, 1)
  const { code, error } = await sluice('dump', file, path.join(dir, 'plain-0/nothing.log'))
  t.is(code, 1)
  t.regex(error, /found record size 3 smaller than minimum record overhead \(14\) at 0/)
  t.regex(error, /nothing\.log/)
  t.is((await sluice('dump')).code, 2)
  const refused = await sluice('dump', '--remote-log-metadata-decoder', file)
  t.is(refused.code, 2)
  t.regex(refused.error, /tiered storage is not supported/)
})
