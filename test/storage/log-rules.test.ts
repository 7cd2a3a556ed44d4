/** What the settings of a topic and of the log do to a log, one test a setting; most may change while it is written. */
import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { appendFile, readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import type { Log } from '../../src/storage/log.js'
import { rollAgeMs } from '../../src/storage/log-segment.js'
import { verifyFolder } from '../../src/storage/verify.js'
import { append, ManualClock, readAll, startEngine, temporaryFolder, TOPIC_ID, values, type Engine, type EngineOptions } from './support.js'

const MiB = 1024 * 1024
const SMALL = { 'internal.segment.bytes': '1000' }

async function open(t: ExecutionContext, options: EngineOptions = {}): Promise<{ engine: Engine; log: Log; clock: ManualClock }> {
  const clock = new ManualClock()
  const engine = await startEngine(t, { clock, ...options })
  return { engine, clock, log: await engine.manager.create('t', 0, TOPIC_ID, engine.config()) }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** What runs on the timers of the clock ends on threads. */
async function eventually(t: ExecutionContext, what: string, condition: () => boolean): Promise<void> {
  const until = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > until) return t.fail(what)
    await turn()
  }
  t.pass(what)
}

async function files(log: Log, suffix: string): Promise<string[]> {
  return (await readdir(log.folder))
    .filter((name) => name.endsWith(suffix))
    .toSorted()
    .map((name) => path.join(log.folder, name))
}

/** Bytes on the disk, whatever the length of the file is. */
const occupied = (file: string) => statSync(file).blocks * 512

async function canReserve(t: ExecutionContext): Promise<boolean> {
  const file = path.join(await temporaryFolder(t), 'probe')
  try {
    execFileSync('fallocate', ['-n', '-l', String(MiB), file], { stdio: 'ignore' })
    return occupied(file) >= MiB
  } catch {
    return false
  }
}

test('preallocate: a new segment has its room on the disk, and gives it back when it ends and when the log is closed', async (t) => {
  if (!(await canReserve(t))) {
    t.pass('not on this file system')
    return
  }
  const topic = { preallocate: 'true', 'segment.bytes': String(8 * MiB) }
  const { engine, log } = await open(t, { topic })
  t.deepEqual((await files(log, '.log')).map(occupied), [], 'nothing for a log without records')
  await append(engine, log, values(3))
  const [first] = await files(log, '.log')
  t.true(occupied(first!) >= 8 * MiB)
  t.is(statSync(first!).size, log.sizeBytes)
  log.roll()
  await append(engine, log, values(3))
  await log.whenIdle()
  const [, second] = await files(log, '.log')
  t.true(occupied(first!) < MiB && occupied(second!) >= 8 * MiB)
  await engine.drop()

  const again = await startEngine(t, { dir: engine.dir, topic })
  const reopened = (await again.manager.whenReady('t', 0))!
  t.is((await append(again, reopened, values(1))).baseOffset, 6, 'after a crash')
  await again.stop()
  t.true(occupied(second!) < MiB, 'also what a crash has left')
  t.deepEqual(await verifyFolder(log.folder), [])
})

test('preallocate as Kafka does it: the zeros that a crash leaves behind the last batch are cut off', async (t) => {
  const { engine, log } = await open(t)
  await append(engine, log, values(3))
  await append(engine, log, values(2))
  await engine.drop()
  await appendFile((await files(log, '.log'))[0]!, Buffer.alloc(3 * MiB))
  for (const suffix of ['.index', '.timeindex']) await appendFile((await files(log, suffix))[0]!, Buffer.alloc(10_000 * 24))
  const again = await startEngine(t, { dir: engine.dir })
  const reopened = (await again.manager.whenReady('t', 0))!
  t.is((await append(again, reopened, values(1))).baseOffset, 5)
  t.is((await readAll(reopened)).length, 6)
  await again.stop()
  t.deepEqual(await verifyFolder(log.folder), [])
})

test('segment.jitter.ms: each segment ends a little earlier than segment.ms, each at a time of its own', async (t) => {
  const { engine } = await open(t)
  const config = engine.config({ 'segment.ms': '10000', 'segment.jitter.ms': '4000' })
  const ages = Array.from({ length: 200 }, (_, index) => rollAgeMs('t', index % 5, index * 1000, config))
  t.true(ages.every((age) => age > 6000 && age <= 10_000))
  t.true(new Set(ages).size > 150)
  t.true(Math.min(...ages) < 6200 && Math.max(...ages) > 9800)
  t.is(rollAgeMs('t', 3, 77, config), rollAgeMs('t', 3, 77, config))
  t.is(rollAgeMs('t', 3, 77, engine.config({ 'segment.ms': '10000' })), 10_000)
  t.true(rollAgeMs('t', 3, 77, engine.config({ 'segment.ms': '100', 'segment.jitter.ms': '4000' })) > 0)
})

test('max.compaction.lag.ms: a segment of a compacted log ends in time for the cleaner', async (t) => {
  const { engine, log, clock } = await open(t, { topic: { 'segment.ms': '100000', 'max.compaction.lag.ms': '5000' } })
  const put = async (ms: number): Promise<number> => {
    clock.advance(ms)
    await append(engine, log, [{ key: Buffer.from('k'), value: null }])
    return log.segmentCount
  }
  t.deepEqual([await put(0), await put(6000)], [1, 1])
  log.configure(engine.config({ 'cleanup.policy': 'compact' }))
  t.deepEqual([await put(1), await put(4999), await put(2)], [2, 2, 3])
})

test('segment.ms goes by the time of the records, and by the clock where they tell none', async (t) => {
  const { engine, log, clock } = await open(t, { topic: { 'segment.ms': '5000' } })
  const at = async (timestamp: number): Promise<number> => {
    await append(engine, log, values(1), { timestamp })
    return log.segmentCount
  }
  const start = clock.now() - 1_000_000
  t.deepEqual([await at(start), await at(start + 5000), await at(start + 5001)], [1, 1, 2])
  clock.advance(60_000)
  t.is(await at(start + 5002), 2, 'time passes, the records do not')
  log.roll()
  t.deepEqual([await at(-1), await at(-1)], [3, 3])
  clock.advance(5001)
  t.is(await at(-1), 4)
})

test('segment.index.bytes: a full index ends the segment', async (t) => {
  const topic = { 'segment.index.bytes': '120', 'index.interval.bytes': '0' }
  const { engine, log } = await open(t, { topic })
  // 15 offset entries, 10 time entries of which the last is kept for the end of the segment.
  for (let index = 0; index < 40; index++) await append(engine, log, values(1), { timestamp: engine.clock.now() + index })
  t.true(log.segmentCount >= 4, String(log.segmentCount))
  for (const suffix of ['.index', '.timeindex']) for (const file of await files(log, suffix)) t.true(statSync(file).size <= 120, file)
  t.is((await readAll(log)).length, 40)
  await engine.stop()
  t.deepEqual(await verifyFolder(log.folder), [])
})

test('segment.index.bytes: the place of the last time entry is not taken by another', async (t) => {
  const { engine, log } = await open(t, { topic: { 'segment.index.bytes': '36', 'index.interval.bytes': '150' } })
  const bytes = [100, 100, 0, 100]
  // The second and the third batch have entries in both indexes: two of three places for times are taken then.
  for (const [at, each] of bytes.entries()) await append(engine, log, values(1, 'x', each), { timestamp: engine.clock.now() + at })
  t.deepEqual(
    (await files(log, '.log')).map((file) => Number(path.basename(file, '.log'))),
    [0, 3]
  )
})

test('index.interval.bytes and segment.bytes change with the next segment and the next batch', async (t) => {
  const { engine, log } = await open(t)
  const fill = async (): Promise<void> => {
    for (let index = 0; index < 10; index++) await append(engine, log, values(1, 'x', 200))
  }
  await fill()
  t.is(log.segmentCount, 1)
  log.configure(engine.config({ 'internal.segment.bytes': '3000', 'index.interval.bytes': '250' }))
  await fill()
  t.is(log.segmentCount, 2)
  await log.whenIdle()
  const sizes = (await files(log, '.index')).map((file) => statSync(file).size)
  t.is(sizes[0], 0, 'made with 4096')
  t.true(sizes[1]! > 0)
})

test('file.delete.delay.ms: what was deleted keeps its files for so long, as the setting is at that time', async (t) => {
  const { engine, log, clock } = await open(t, { topic: { ...SMALL, 'retention.bytes': '1000', 'file.delete.delay.ms': '60000' } })
  for (let index = 0; index < 10; index++) await append(engine, log, values(2, 'x', 150))
  log.configure(engine.config({ 'file.delete.delay.ms': '500' }))
  t.true((await log.applyRetention()) > 0)
  const deleted = await files(log, '.log.deleted')
  t.true(deleted.length > 0)
  clock.advance(499)
  await turn()
  t.true(deleted.every((file) => existsSync(file)))
  clock.advance(1)
  await eventually(t, 'they go', () => !deleted.some((file) => existsSync(file)))
})

test('log.retention.check.interval.ms: retention is applied so often', async (t) => {
  const settings = { 'log.initial.task.delay.ms': '10', 'log.retention.check.interval.ms': '1000' }
  const { engine, log, clock } = await open(t, { settings, topic: { ...SMALL, 'retention.bytes': '1000' } })
  const fill = async (): Promise<void> => {
    for (let index = 0; index < 10; index++) await append(engine, log, values(2, 'x', 150))
  }
  const settled = async (): Promise<void> => {
    await log.applyRetention()
    for (let index = 0; index < 5; index++) await turn()
  }
  await fill()
  t.is(log.logStartOffset, 0)
  clock.advance(10)
  await eventually(t, 'the first time', () => log.logStartOffset > 0)
  await settled()
  const start = log.logStartOffset
  await fill()
  clock.advance(999)
  for (let index = 0; index < 5; index++) await turn()
  t.is(log.logStartOffset, start)
  clock.advance(1)
  await eventually(t, 'again', () => log.logStartOffset > start)
})

test('recovery points and log starts are written each at an interval of its own', async (t) => {
  const settings = {
    'log.initial.task.delay.ms': '0',
    'log.flush.offset.checkpoint.interval.ms': '1000',
    'log.flush.start.offset.checkpoint.interval.ms': '3000'
  }
  const { engine, clock } = await open(t, { settings })
  const points = path.join(engine.dir, 'recovery-point-offset-checkpoint')
  const starts = path.join(engine.dir, 'log-start-offset-checkpoint')
  const bothThere = () => existsSync(points) && existsSync(starts)
  const dir = engine.manager.dirOf('t', 0)!
  const removed = async (): Promise<void> => {
    // Behind what the timers have begun: when that is over, they are set anew.
    await dir.saveRecoveryPoints()
    await dir.saveLogStarts()
    await rm(points)
    await rm(starts)
  }
  clock.advance(0)
  await eventually(t, 'at the start', bothThere)
  await removed()
  clock.advance(1000)
  await eventually(t, 'recovery points', () => existsSync(points))
  t.false(existsSync(starts))
  await removed()
  clock.advance(2000)
  await eventually(t, 'both', bothThere)
})

test('flush.ms is looked at as often as log.flush.scheduler.interval.ms says, and by itself where that is not set', async (t) => {
  for (const [settings, dueMs] of [
    [{ 'log.flush.interval.ms': '1000', 'log.flush.scheduler.interval.ms': '5000' }, 5100],
    [{ 'log.flush.interval.ms': '1000' }, 1000],
    [{ 'log.flush.scheduler.interval.ms': '700' }, 800]
  ] as const) {
    const { engine, log, clock } = await open(t, { settings })
    await append(engine, log, values(1))
    for (let passed = 100; passed < dueMs; passed += 100) {
      clock.advance(100)
      await turn()
    }
    await log.whenIdle()
    t.is(log.recoveryPoint, 0, JSON.stringify(settings))
    clock.advance(100)
    await eventually(t, JSON.stringify(settings), () => log.recoveryPoint === 1)
    await engine.stop()
  }
})

test('flush.ms counts for a log that is created while no other has it', async (t) => {
  const { engine, clock } = await open(t)
  for (let passed = 0; passed < 1000; passed += 100) {
    clock.advance(100)
    await turn()
  }
  const late = await engine.manager.create('late', 0, TOPIC_ID, engine.config({ 'flush.ms': '500' }))
  await append(engine, late, values(1))
  for (let passed = 0; passed < 700; passed += 100) {
    clock.advance(100)
    await turn()
  }
  await eventually(t, 'flushed', () => late.recoveryPoint === 1)
})

test('flush.messages changes with the next batch', async (t) => {
  const { engine, log } = await open(t)
  await append(engine, log, values(5))
  t.is(log.recoveryPoint, 0)
  log.configure(engine.config({ 'flush.messages': '1' }))
  // The recovery point follows with every 16 MiB.
  for (let index = 0; index < 18; index++) await append(engine, log, values(1, 'x', 1_000_000))
  t.true(log.recoveryPoint >= 6)
})

test('retention keeps a segment with a timestamp in the future, and all behind it, until that has passed', async (t) => {
  const { engine, log, clock } = await open(t, { topic: { ...SMALL, 'retention.ms': '1000' } })
  await append(engine, log, values(1, 'x', 600), { timestamp: clock.now() + 3_000_000 })
  for (let index = 0; index < 3; index++) await append(engine, log, values(1, 'x', 600))
  clock.advance(2_000_000)
  t.is(await log.applyRetention(), 0)
  clock.advance(1_001_000)
  t.is(await log.applyRetention(), 0, 'not older than retention.ms')
  clock.advance(1)
  t.is(await log.applyRetention(), 4)
  t.deepEqual([log.logStartOffset, log.endOffset], [4, 4])
})

test('retention leaves a segment alone into which an append is on its way', async (t) => {
  const { engine, log, clock } = await open(t, { topic: { 'retention.ms': '1000' } })
  await append(engine, log, values(1))
  clock.advance(10_000)
  const [appended, deleted] = await Promise.all([append(engine, log, values(1)), log.applyRetention()])
  t.deepEqual([appended.errorCode, appended.baseOffset, deleted], [0, 1, 0])
  t.deepEqual(
    (await readAll(log)).map((record) => record.offset),
    [0, 1]
  )
  t.is(await log.applyRetention(), 0, 'its newest record is new')
  clock.advance(1001)
  t.is(await log.applyRetention(), 1)
})

test('local.retention.* mean nothing without tiered storage; retention.* take effect at once', async (t) => {
  const { engine, log, clock } = await open(t, { topic: { ...SMALL, 'local.retention.ms': '1', 'local.retention.bytes': '1' } })
  for (let index = 0; index < 10; index++) await append(engine, log, values(1, 'x', 600))
  clock.advance(60_000)
  t.is(await log.applyRetention(), 0)
  log.configure(engine.config({ 'retention.bytes': '2000' }))
  t.true((await log.applyRetention()) > 0)
  const kept = log.sizeBytes
  t.true(kept >= 2000 && kept < 3000)
  log.configure(engine.config({ 'retention.ms': '1000' }))
  await log.applyRetention()
  t.is(log.sizeBytes, 0)
})

test('cleanup.policy: without delete nothing is too old; compact,delete keeps to retention; a change counts at once', async (t) => {
  const { engine, log, clock } = await open(t, { topic: { ...SMALL, 'retention.ms': '1000', 'cleanup.policy': 'compact' } })
  const fill = async (): Promise<void> => {
    for (let index = 0; index < 5; index++) await append(engine, log, [{ key: Buffer.from(`k${index}`), value: Buffer.alloc(600) }])
  }
  await fill()
  clock.advance(5000)
  t.is(await log.applyRetention(), 0)
  await log.deleteRecordsBefore(2)
  t.is(await log.applyRetention(), 2, 'but what lies before the log start goes')
  log.configure(engine.config({ 'cleanup.policy': 'compact,delete' }))
  t.is(await log.applyRetention(), 3)
  await fill()
  log.configure(engine.config({ 'cleanup.policy': 'delete' }))
  clock.advance(5000)
  t.is(await log.applyRetention(), 5)
})

test('records deleted across several segments: not read again, their segments go, and it stays so after either restart', async (t) => {
  const { engine, log, clock } = await open(t, { topic: { ...SMALL, 'file.delete.delay.ms': '0' } })
  for (let index = 0; index < 8; index++) {
    await append(engine, log, values(2, 'x', 300), { timestamp: clock.now() + index })
  }
  const segments = log.segmentCount
  t.deepEqual(await log.deleteRecordsBefore(11), { errorCode: ErrorCode.NONE, logStartOffset: 11 })
  t.regex(await readFile(path.join(engine.dir, 'log-start-offset-checkpoint'), 'utf8'), /^t 0 11$/m)
  for (const offset of [0, 5, 10]) t.is((await log.read(offset, 1000, Infinity, true)).errorCode, ErrorCode.OFFSET_OUT_OF_RANGE)
  t.is((await log.read(11, 1, Infinity, true)).errorCode, ErrorCode.NONE)
  t.is((await log.offsetForTimestamp(0))?.offset, 11)
  t.true((await log.applyRetention()) > 2)
  t.true(log.segmentCount < segments)
  t.is(log.logStartOffset, 11, 'in the middle of a batch')
  let { dir } = engine
  await engine.drop()
  for (const orderly of [true, false]) {
    const next = await startEngine(t, { dir, topic: SMALL })
    const again = (await next.manager.whenReady('t', 0))!
    t.deepEqual([again.logStartOffset, again.endOffset], [11, 16])
    t.deepEqual(
      (await readAll(again)).map((record) => record.offset),
      [11, 12, 13, 14, 15]
    )
    await (orderly ? next.stop() : next.drop())
    dir = next.dir
  }
  const last = await startEngine(t, { dir, topic: SMALL })
  const log2 = (await last.manager.whenReady('t', 0))!
  t.deepEqual(await log2.deleteRecordsBefore(16), { errorCode: ErrorCode.NONE, logStartOffset: 16 }, 'all of them')
  t.is((await log2.read(16, 1000, Infinity, true)).region, null)
  t.is(await log2.offsetForTimestamp(0), undefined)
  t.is((await append(last, log2, values(1))).baseOffset, 16)
})
