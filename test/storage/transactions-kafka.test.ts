/** Transactions beside Apache Kafka: its folders continued, its indexes rebuilt byte for byte, its tools on what the engine writes. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import { buildBatch, endTransactionBatch } from '../../src/record/index.js'
import type { AbortedTransaction, Log } from '../../src/storage/log.js'
import { fixturePath } from '../support/fixtures.js'
import { haveTools, runTool } from '../support/kafka-tools.js'
import { appendBytes, ManualClock, startEngine, temporaryFolder, TOPIC_ID, values, type Engine } from './support.js'

const golden = JSON.parse(gunzipSync(readFileSync(fixturePath('golden-log/clean.json.gz'))).toString()) as {
  files: Record<string, { entries: [number, string, string, string, string][] }>
}
const goldenEntries: AbortedTransaction[] = Object.entries(golden.files)
  .filter(([name]) => name.startsWith('txn-0/') && name.endsWith('.txnindex'))
  .toSorted(([a], [b]) => (a < b ? -1 : 1))
  .flatMap(([, { entries }]) => entries)
  .map(([, producerId, first, last, stable]) => ({
    producerId: Number(producerId),
    firstOffset: Number(first),
    lastOffset: Number(last),
    lastStableOffset: Number(stable)
  }))

async function unpack(t: ExecutionContext, name: string): Promise<string> {
  const dir = path.join(await temporaryFolder(t), 'data')
  await mkdir(dir)
  execFileSync('tar', ['-xzf', fixturePath(`golden-log/${name}.tar.gz`), '-C', dir])
  return dir
}

function openGolden(t: ExecutionContext, dir: string): Promise<Engine> {
  // By this clock no producer of the folder has expired.
  return startEngine(t, {
    dir,
    topic: { 'internal.segment.bytes': '16384', 'retention.ms': '-1' },
    clock: new ManualClock(1_700_002_010_000)
  })
}

async function indexesOf(folder: string): Promise<Map<string, string>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.txnindex')).toSorted()
  return new Map(await Promise.all(names.map(async (name) => [name, (await readFile(path.join(folder, name))).toString('hex')] as const)))
}

const abort = (engine: Engine, log: Log, producerId: number, producerEpoch: number, coordinatorEpoch: number) =>
  appendBytes(
    engine,
    log,
    endTransactionBatch({ producerId, producerEpoch, commit: false, coordinatorEpoch, timestamp: engine.clock.now() }),
    'coordinator',
    2
  )

test('the transactions of a Kafka folder are known, and its open one is aborted here', async (t) => {
  const dir = await unpack(t, 'clean')
  const engine = await openGolden(t, dir)
  const log = (await engine.manager.whenReady('txn', 0))!
  t.is(log.lastStableOffset, 268)
  t.deepEqual(await log.abortedTransactions(0, 268), goldenEntries)
  for (const [from, to] of [
    [0, 1],
    [2, 23],
    [22, 44],
    [110, 134],
    [135, 137],
    [250, 268]
  ] as const) {
    t.deepEqual(
      await log.abortedTransactions(from, to),
      goldenEntries.filter((one) => one.lastOffset >= from && one.firstOffset < to),
      `[${from}, ${to})`
    )
  }
  const before = await indexesOf(log.folder)
  t.is((await abort(engine, log, 3, 14, 2)).baseOffset, 269)
  t.is(log.lastStableOffset, 270)
  const added = { producerId: 3, firstOffset: 268, lastOffset: 269, lastStableOffset: 270 }
  t.deepEqual(await log.abortedTransactions(260, 270), [added])
  await engine.stop()
  const after = await indexesOf(log.folder)
  t.deepEqual([...after.keys()], [...before.keys()])
  for (const [name, bytes] of after) t.true(bytes.startsWith(before.get(name)!), name)
  const again = await openGolden(t, dir)
  const reopened = (await again.manager.whenReady('txn', 0))!
  t.true(again.manager.cleanStart)
  t.deepEqual(await reopened.abortedTransactions(0, 270), [...goldenEntries, added])
})

test('recovery makes the indexes of a Kafka folder anew, byte for byte', async (t) => {
  const dir = await unpack(t, 'unclean')
  const folder = path.join(dir, 'txn-0')
  await rm(path.join(dir, 'recovery-point-offset-checkpoint'))
  for (const name of await readdir(folder)) if (/\.(txnindex|snapshot)$/.test(name)) await rm(path.join(folder, name))
  const engine = await openGolden(t, dir)
  const log = (await engine.manager.whenReady('txn', 0))!
  t.is(log.lastStableOffset, 268)
  t.deepEqual(await log.abortedTransactions(0, 268), goldenEntries)
  await engine.stop()
  t.deepEqual(await indexesOf(folder), await indexesOf(path.join(await unpack(t, 'clean'), 'txn-0')))
})

test('a broken index of a segment is made anew at the start, the others are left alone', async (t) => {
  const dir = await unpack(t, 'clean')
  const folder = path.join(dir, 'txn-0')
  const whole = await indexesOf(folder)
  const name = '00000000000000000020.txnindex'
  const bytes = await readFile(path.join(folder, name))
  bytes.writeInt16BE(5, 34)
  await writeFile(path.join(folder, name), bytes)
  const engine = await openGolden(t, dir)
  const log = (await engine.manager.whenReady('txn', 0))!
  t.regex(engine.lines.join('\n'), /txnindex is broken: the entry at byte 34 has the unknown version 5: it is made anew/)
  t.deepEqual(await log.abortedTransactions(0, 268), goldenEntries)
  await engine.stop()
  t.deepEqual(await indexesOf(folder), whole)
})

const testWithTools = haveTools ? test.serial : test.serial.skip

testWithTools("Kafka's dump-log reads the transaction indexes, snapshots and markers of the engine", async (t) => {
  const topic = { 'internal.segment.bytes': '6000', 'retention.ms': '-1' }
  const engine = await startEngine(t, { topic })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  const send = (producerId: number, sequence: number) => {
    const options = { timestamp: engine.clock.now(), producerId, producerEpoch: 1, baseSequence: sequence, transactional: true }
    return appendBytes(engine, log, buildBatch(values(3, 'v', 40), options), 'coordinator', 1)
  }
  for (let round = 0; round < 40; round++) {
    for (let producer = 0; producer < 3; producer++) await send(100 + producer, 3 * round)
    for (let producer = 0; producer < 3; producer++) {
      const commit = (round + producer) % 3 === 0
      if (producer === 2 && round % 2 === 0) continue
      const marker = { producerId: 100 + producer, producerEpoch: 1, commit, coordinatorEpoch: round, timestamp: engine.clock.now() }
      await appendBytes(engine, log, endTransactionBatch(marker), 'coordinator', 1)
    }
  }
  await send(100, 120)
  await log.truncateTo(log.endOffset - 40)
  await engine.drop()
  const again = await startEngine(t, { dir: engine.dir, topic })
  const reopened = (await again.manager.whenReady('t', 0))!
  const known = await reopened.abortedTransactions(0, reopened.endOffset)
  t.true(known.length > 40 && reopened.segmentCount > 3)
  await again.stop()
  const folder = path.join(engine.dir, 't-0')
  const files = async (pattern: RegExp) =>
    (await readdir(folder))
      .filter((one) => pattern.test(one))
      .toSorted()
      .map((one) => path.join(folder, one))
  const indexes = await runTool('dump-log', ['--files', (await files(/\.txnindex$/)).join(',')])
  t.is(indexes.code, 0, indexes.stderr)
  t.deepEqual(
    indexes.stdout.split('\n').filter((line) => line.startsWith('version: ')),
    known.map(
      (one) =>
        `version: 0 producerId: ${one.producerId} firstOffset: ${one.firstOffset} lastOffset: ${one.lastOffset} lastStableOffset: ${one.lastStableOffset}`
    )
  )
  const rest = await runTool('dump-log', [
    '--deep-iteration',
    '--print-data-log',
    '--files',
    (await files(/\.(log|index|timeindex|snapshot)$/)).join(',')
  ])
  t.is(rest.code, 0, rest.stderr)
  t.notRegex(rest.stdout + rest.stderr, /Mismatch|mismatch|error|Exception|corrupt|Non-secutive|out of order|invalid bytes/i)
  t.regex(rest.stdout, /endTxnMarker: ABORT coordinatorEpoch: 5/)
  t.regex(rest.stdout, /^producerId: 102.*$/m)
})
