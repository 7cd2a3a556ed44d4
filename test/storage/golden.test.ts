/** Data folders that a real Kafka 4.3.1 left behind, after a clean stop and in the middle of its work, open here with all that they hold. */
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { verifyFolder } from '../../src/storage/verify.js'
import { fixturePath } from '../support/fixtures.js'
import { append, readAll, startEngine, temporaryFolder, values, ManualClock, type Engine } from './support.js'

interface GoldenFile {
  bytes: number
  text?: string
  batches?: {
    baseOffset: string
    lastOffset: string
    control: boolean
    records?: { offset: string; key: string | null; value: string | null }[]
  }[]
  producers?: Record<string, string | number>[]
}

/** The records have timestamps of their own; by this clock no producer has expired. */
const THEN = 1_700_002_010_000
const clean = JSON.parse(gunzipSync(readFileSync(fixturePath('golden-log/clean.json.gz'))).toString()) as {
  files: Record<string, GoldenFile>
}

async function unpack(t: ExecutionContext, name: string): Promise<string> {
  const dir = path.join(await temporaryFolder(t), 'data')
  await mkdir(dir)
  execFileSync('tar', ['-xzf', fixturePath(`golden-log/${name}.tar.gz`), '-C', dir])
  return dir
}

async function openGolden(t: ExecutionContext, dir: string): Promise<Engine> {
  const topic = { 'internal.segment.bytes': '16384', 'retention.ms': '-1' }
  return startEngine(t, { dir, topic, clock: new ManualClock(THEN) })
}

/** The records that the golden description of a topic's segments lists, compacted or not. */
function goldenRecords(folder: string): { offset: number; key: string | null; value: string | null }[] {
  const names = Object.keys(clean.files).filter((name) => name.startsWith(`${folder}/`) && name.endsWith('.log'))
  return names
    .toSorted()
    .flatMap((name) => clean.files[name]!.batches ?? [])
    .filter((batch) => !batch.control)
    .flatMap((batch) => batch.records ?? [])
    .map(({ offset, key, value }) => ({ offset: Number(offset), key, value }))
}

const ends: Record<string, number> = {
  'plain-0': 450,
  'plain-1': 150,
  'txn-0': 269,
  'compacted-0': 800,
  'logappend-0': 80,
  'trimmed-0': 1000,
  'empty-0': 0,
  '__consumer_offsets-0': 42,
  '__transaction_state-0': 82
}

test('a folder after a clean stop opens with its offsets, epochs, ids and records', async (t) => {
  const dir = await unpack(t, 'clean')
  const engine = await openGolden(t, dir)
  t.true(engine.manager.cleanStart)
  t.is(engine.manager.clusterId, 'Gold3nLogClusterIdAAAA')
  t.is(engine.manager.dirs[0]!.directoryId, 'o_7D1-1-TjS9T-TOpsr5_Q')
  for (const [name, end] of Object.entries(ends)) {
    const dash = name.lastIndexOf('-')
    const log = (await engine.manager.whenReady(name.slice(0, dash), Number(name.slice(dash + 1))))!
    t.is(log.endOffset, end, name)
    t.is(log.logStartOffset, name === 'trimmed-0' ? 333 : 0, name)
    t.is(log.latestEpoch, 2, name)
    const id = /topic_id: (.*)/.exec(await readFile(path.join(dir, name, 'partition.metadata'), 'utf8'))![1]
    t.is(log.topicId, id!, name)
    const records = (await readAll(log)).map(({ offset, key, value }) => ({
      offset,
      key: key?.toString('hex') ?? null,
      value: value?.toString('hex') ?? null
    }))
    t.deepEqual(
      records,
      goldenRecords(name).filter((record) => record.offset >= log.logStartOffset),
      name
    )
  }
  t.deepEqual(
    engine.lines.filter((line) => !line.includes('__cluster_metadata')),
    []
  )
})

test('producer states of a clean stop are those of its snapshots', async (t) => {
  const dir = await unpack(t, 'clean')
  const engine = await openGolden(t, dir)
  for (const name of ['txn-0', 'compacted-0', 'trimmed-0', 'logappend-0']) {
    const log = (await engine.manager.whenReady(name.slice(0, -2), 0))!
    const golden = clean.files[`${name}/${String(log.endOffset).padStart(20, '0')}.snapshot`]!.producers!
    const found = [...log.producers()].map((entry) => ({
      producerId: String(entry.producerId),
      epoch: entry.epoch,
      lastSequence: entry.batches.at(-1)?.lastSequence ?? -1,
      lastOffset: String(entry.batches.at(-1)?.lastOffset ?? -1),
      offsetDelta: entry.batches.at(-1)?.offsetDelta ?? 0,
      timestamp: String(entry.lastTimestamp),
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnFirstOffset: String(entry.currentTxnFirstOffset)
    }))
    t.deepEqual(found, golden, name)
  }
  t.is(engine.manager.get('txn', 0)!.lastStableOffset, 268)
})

test('a copy of a running folder is recovered: the torn tail is cut, indexes and states are right', async (t) => {
  const dir = await unpack(t, 'unclean')
  const engine = await openGolden(t, dir)
  t.false(engine.manager.cleanStart)
  for (const name of ['plain-0', 'txn-0', 'compacted-0', 'trimmed-0']) {
    const log = (await engine.manager.whenReady(name.slice(0, -2), 0))!
    t.is(log.endOffset, ends[name]!, name)
    t.is(log.latestEpoch, 2, name)
    const golden = clean.files[`${name}/${String(log.endOffset).padStart(20, '0')}.snapshot`]!.producers!
    t.deepEqual(
      [...log.producers()].map((entry) => [String(entry.producerId), entry.epoch, entry.batches.at(-1)?.lastSequence ?? -1]).toSorted(),
      golden.map((one) => [one['producerId'], one['epoch'], one['lastSequence']]).toSorted() as never,
      name
    )
  }
  t.is(engine.manager.get('txn', 0)!.lastStableOffset, 268)
  t.regex(engine.lines.join('\n'), /plain-0 ends in 37 bytes that are no whole batch, at offset 450/)
  const plain = engine.manager.get('plain', 0)!
  t.is((await append(engine, plain, values(2))).baseOffset, 450)
  await engine.stop()
  for (const name of await readdir(dir)) {
    if (name.endsWith('-0')) t.deepEqual(await verifyFolder(path.join(dir, name), { gaps: name === 'compacted-0' }), [], name)
  }
})

test('records are found by time in a real folder', async (t) => {
  const engine = await openGolden(t, await unpack(t, 'clean'))
  const trimmed = (await engine.manager.whenReady('trimmed', 0))!
  t.deepEqual(await trimmed.offsetForTimestamp(0), { offset: 333, timestamp: 1_700_000_000_333, leaderEpoch: 0 })
  t.deepEqual(await trimmed.offsetForTimestamp(1_700_000_000_400), { offset: 400, timestamp: 1_700_000_000_400, leaderEpoch: 0 })
  t.is(await trimmed.offsetForTimestamp(1_800_000_000_000), undefined)
  const max = await trimmed.offsetOfMaxTimestamp()
  t.is(max?.timestamp, 1_700_000_000_499)
})
