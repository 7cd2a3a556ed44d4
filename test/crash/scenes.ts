/** What the children of the directed crash tests do: each of it is one or two operations, and the tests know what they promise. */
import { strict as assert } from 'node:assert'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { JournalOp } from '../../src/cli/crash-journal.js'
import type { StorageError } from '../../src/errors.js'
import { NativeSegment, Strand } from '../../src/native/segment.js'
import { endTransactionBatch, type BatchOptions } from '../../src/record/index.js'
import type { Log } from '../../src/storage/log.js'
import { CLEAN_SHUTDOWN_FILE, offsetName, RECOVERY_POINT_FILE } from '../../src/storage/names.js'
import { compact, endTransaction, put, seen, startCompacting, type Pair } from '../storage/cleaner/support.js'
import { append, appendBytes, ManualClock, startEngine, TOPIC_ID, values, type Engine } from '../storage/support.js'
import type { Scene } from './directed.js'

/** Small segments, and nothing that goes by itself. */
export const TOPIC = { 'internal.segment.bytes': '1500', 'index.interval.bytes': '200', 'retention.ms': '-1', 'file.delete.delay.ms': '0' }
/** Of the tests' only partition. */
export const FOLDER = 't-0'

interface One {
  readonly engine: Engine
  readonly clock: ManualClock
  readonly log: Log
}

/** The tests' log in an engine of its own. */
export async function begin({ start }: Pick<Scene, 'start'>, topic: Readonly<Record<string, string>> = TOPIC): Promise<One> {
  const clock = new ManualClock()
  const engine = await start({ topic, clock })
  const log = (await engine.manager.whenReady('t', 0)) ?? (await engine.manager.create('t', 0, TOPIC_ID, engine.config()))
  return { engine, clock, log }
}

export const idempotent = (producerId: number, baseSequence: number): BatchOptions => ({ producerId, producerEpoch: 0, baseSequence })

/** Batches of four records, some to a segment, each a millisecond later: an index of times that never rise has one entry. */
export async function fill({ engine, log }: Pick<One, 'engine' | 'log'>, rounds: number, epoch = 0): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const timestamp = engine.clock.now() + round
    await append(engine, log, values(4, `e${epoch}-${round}-`, 50), { ...idempotent(100 + epoch, 4 * round), timestamp }, epoch)
  }
}

export async function abort({ engine, log }: Pick<One, 'engine' | 'log'>, producerId: number): Promise<void> {
  const transactional = { ...idempotent(producerId, 0), transactional: true }
  await append(engine, log, values(1, `aborted-${producerId}-`), transactional)
  const marker = endTransactionBatch({ producerId, producerEpoch: 0, coordinatorEpoch: 0, commit: false, timestamp: engine.clock.now() })
  await appendBytes(engine, log, marker, 'coordinator')
}

/** A record of so many bytes, while `rules` hold. */
async function appendWithoutRoom(scene: Scene, { engine, log }: One, rules: string, bytes: number): Promise<void> {
  scene.rules(rules)
  const { errorCode } = await append(engine, log, values(1, 'large', bytes))
  scene.say(`refused ${errorCode}`)
  scene.rules('')
  await log.whenIdle()
}

export async function save({ engine }: Pick<One, 'engine'>): Promise<void> {
  await engine.manager.dirs[0]!.saveRecoveryPoints()
}

export const SCENES: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  async 'abort in a segment that was flushed'(scene) {
    const one = await begin(scene)
    await append(one.engine, one.log, values(1))
    await one.log.flush()
    await abort(one, 7)
    await one.log.flush()
    await save(one)
  },

  async 'epochs that have no room'(scene) {
    const one = await begin(scene)
    await append(one.engine, one.log, values(1), {}, 1)
    await one.log.flush()
    scene.rules('ENOSPC write *leader-epoch-checkpoint.tmp 1 *')
    await append(one.engine, one.log, values(1), {}, 5)
    await one.log.flush()
    scene.rules('')
    await save(one)
  },

  async 'seal beside a flush'(scene) {
    const one = await begin(scene)
    await fill(one, 3)
    // The second has no entry in the time index yet.
    for (const later of [11, 12]) await append(one.engine, one.log, values(1), { timestamp: one.clock.now() + later })
    scene.rules('hold sync *.timeindex 1')
    const flushed = one.log.flush()
    // The flush of the time index has begun: the entry that the seal adds is none of its.
    await scene.until(({ op, path: name }) => op === JournalOp.syncBegin && name.endsWith('.timeindex'))
    one.log.roll()
    await scene.until(({ op, path: name }) => op === JournalOp.create && name.endsWith('.snapshot'))
    scene.rules('')
    await flushed
    await one.log.whenIdle()
    await append(one.engine, one.log, values(1))
    await one.log.flush()
    await save(one)
  },

  async 'truncation within an epoch'(scene) {
    const first = await begin(scene)
    await fill(first, 5)
    await abort(first, 7)
    await fill(first, 30)
    // What producers are like at the end stands in a file that belongs to no segment.
    await first.engine.stop()
    const one = await begin(scene)
    scene.say('filled')
    await one.log.truncateTo(22)
  },

  async 'truncation to the start of a segment with an abort'(scene) {
    const one = await begin(scene)
    await fill(one, 3)
    one.log.roll()
    await abort(one, 7)
    await one.log.flush()
    await save(one)
    await one.log.truncateTo(12)
  },

  async 'compaction of an abort'(scene) {
    const one = await startCompacting({ teardown: () => undefined }, { dirs: [scene.dir] })
    await put(one, [['a', 'aborted']], { ...idempotent(9, 0), transactional: true })
    await endTransaction(one, 9, false)
    await putPairs(one, 30)
    await compact(one)
  },

  async 'compaction of what a killed process left'(scene) {
    const one = await startCompacting({ teardown: () => undefined }, { dirs: [scene.dir] })
    scene.say('opened')
    // Nothing is rolled, which would flush all of it.
    await one.engine.manager.cleaner.cleanFilthiest()
  },

  async 'last records that go'(scene) {
    const one = await startCompacting({ teardown: () => undefined }, { dirs: [scene.dir] })
    await put(one, [['a', '1']])
    await put(one, [[null, 'x']])
    await compact(one)
    scene.say(`end ${one.log.endOffset}`)
  },

  async 'retention of all'(scene) {
    const one = await begin(scene, { ...TOPIC, 'retention.ms': '1000' })
    await fill(one, 10)
    await one.log.flush()
    await save(one)
    one.clock.advance(5000)
    one.log.roll()
    await one.log.whenIdle()
    scene.rules('ENOSPC write *log-start-offset-checkpoint.tmp 1 *')
    scene.say('filled')
    await one.log.applyRetention()
  },

  async retention(scene) {
    const one = await begin(scene, { ...TOPIC, 'retention.bytes': '2000' })
    await fill(one, 30)
    await one.log.flush()
    await save(one)
    await one.log.applyRetention()
    scene.say(`start ${one.log.logStartOffset}`)
  },

  async 'a start behind an orderly stop'(scene) {
    const first = await begin(scene)
    await fill(first, 3)
    await first.engine.stop()
    scene.say('closed')
    const one = await begin(scene)
    await append(one.engine, one.log, values(1))
    await one.log.flush()
    await save(one)
  },

  async 'a start that has no room for the word that indexes are made anew'(scene) {
    scene.rules('ENOSPC write *recovery-point-offset-checkpoint.tmp 1 *')
    const clock = new ManualClock()
    const engine = await scene.start({ topic: TOPIC, clock })
    await engine.manager.whenReady('t', 0).catch((error: StorageError) => scene.say(`refused ${error.code}`))
    scene.rules('')
    clock.advance(2000)
    const log = (await engine.manager.whenReady('t', 0))!
    scene.say(`end ${log.endOffset}`)
  },

  async 'last names that have no room'(scene) {
    const one = await startCompacting({ teardown: () => undefined }, { dirs: [scene.dir] })
    await putPairs(one, 30)
    one.log.roll()
    await one.log.flush()
    scene.rules('ENOSPC rename *.log.swap 2 1')
    await one.engine.manager.cleaner.cleanFilthiest()
    assert(one.engine.lines.some((line) => line.includes('wait for room')))
    await put(one, [['meanwhile', '1']])
    scene.say(`records ${(await seen(one.log)).length}`)
    one.clock.advance(1000)
    while ((await readdir(one.log.folder)).some((name) => name.endsWith('.swap'))) await delay(2)
    while (await one.engine.manager.cleaner.cleanFilthiest());
    scene.say(`left ${(await seen(one.log)).length}`)
    scene.say(`directories ${one.engine.manager.dirs.filter(({ online }) => online).length}`)
  },

  async 'sync after one that failed'(scene) {
    const engine = await scene.start()
    const { runtime } = engine
    const strand = new Strand(runtime)
    const options = { baseOffset: 0, size: -1, indexBytes: 1000, indexIntervalBytes: 100 }
    const segment = new NativeSegment(runtime, path.join(scene.dir, offsetName(0)), options, strand)
    await segment.prepare(strand)
    scene.rules('EIO sync *.log 1 1')
    for (const time of ['first', 'second']) {
      const outcome = await segment.flush().then(
        () => 'good',
        (error: StorageError) => error.code
      )
      scene.say(`${time} ${outcome}`)
    }
    segment.close()
    await engine.stop()
  },

  async 'acknowledgement behind a sync that fails'(scene) {
    await acknowledge(scene, 2, 'EIO sync')
  },

  async 'acknowledgement behind a sync without room'(scene) {
    await acknowledge(scene, 2, 'ENOSPC sync')
  },

  async 'acknowledgement behind a write that fails'(scene) {
    await acknowledge(scene, 2, 'EIO write')
  },

  async 'first acknowledgement behind a sync that fails'(scene) {
    await acknowledge(scene, 0, 'EIO sync')
  },

  async 'acknowledgements of several segments'(scene) {
    const one = await begin(scene, { ...TOPIC, 'flush.messages': '1' })
    await fill(one, 20)
    scene.say(`segments ${one.log.segmentFiles().length}`)
  },

  async 'flush that fails'(scene) {
    const one = await begin(scene)
    await fill(one, 2)
    scene.rules('EIO sync *.index 1 1')
    await one.log.flush().catch((error: StorageError) => scene.say(`refused ${error.code}`))
    scene.say(`directories ${one.engine.manager.dirs.filter(({ online }) => online).length}`)
  },

  async 'half a batch'(scene) {
    const one = await begin(scene)
    await fill(one, 2)
    await appendWithoutRoom(scene, one, 'short write *.log 1;ENOSPC write *.log 2', 600)
    await append(one.engine, one.log, values(1, 'small'))
  },

  async 'half an index entry'(scene) {
    const one = await begin(scene)
    await fill(one, 2)
    await appendWithoutRoom(scene, one, 'short write *.index 1;ENOSPC write *.index 2', 300)
    await one.log.flush()
  },

  async 'half an index entry that stays'(scene) {
    const one = await begin(scene)
    await fill(one, 2)
    await appendWithoutRoom(scene, one, 'short write *.index 1;ENOSPC write *.index 2;ENOSPC truncate *.index 1', 300)
    one.log.roll()
    await one.log.whenIdle()
    await one.log.flush()
  },

  async 'a start in a folder that somebody has just made'(scene) {
    await mkdir(scene.other)
    const one = await begin({ start: (options) => scene.start({ ...options, dirs: [scene.other] }) })
    await append(one.engine, one.log, values(1))
    await one.log.flush()
  },

  async creation(scene) {
    const one = await begin(scene, { ...TOPIC, 'flush.messages': '1' })
    await append(one.engine, one.log, values(1))
  },

  async deletion(scene) {
    const one = await begin(scene)
    await fill(one, 3)
    await one.log.deleteRecordsBefore(5)
    await one.engine.manager.dirs[0]!.saveCleanerOffset(FOLDER, 8)
    await one.log.flush()
    await save(one)
    await one.engine.manager.delete('t', 0)
  },

  async 'orderly stop'(scene) {
    const one = await begin(scene)
    await fill(one, 5)
    await abort(one, 7)
    await append(one.engine, one.log, values(2, 'last'), { timestamp: one.clock.now() + 7 })
    scene.rules('ENOSPC write *log-start-offset-checkpoint.tmp 1 *')
    await one.log.deleteRecordsBefore(6)
    scene.rules('')
    await one.engine.stop()
  }
}

/** Two batches behind others, of which something fails. */
async function acknowledge(scene: Scene, batches: number, failure: string): Promise<void> {
  const one = await begin(scene, { ...TOPIC, 'flush.messages': '1' })
  await fill(one, batches)
  scene.rules(`${failure} *.log 1 1`)
  const answers = await Promise.all([1, 2].map(() => append(one.engine, one.log, values(1))))
  for (const { errorCode } of answers) scene.say(`refused ${errorCode}`)
  scene.say(`directories ${one.engine.manager.dirs.filter(({ online }) => online).length}`)
}

/** The same keys again and again. */
export async function putPairs(one: Awaited<ReturnType<typeof startCompacting>>, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const pairs = Array.from({ length: 4 }, (_, index): Pair => [`k${(round + index) % 9}`, `r${round}-${index}`.padEnd(60, 'x')])
    one.clock.advance(10)
    await put(one, pairs)
  }
}

/** A compacted log as a killed process leaves it: nobody knows what of it is on the disk. */
export async function leaveKilled(dir: string): Promise<void> {
  const one = await startCompacting({ teardown: () => undefined }, { dirs: [dir] })
  await putPairs(one, 30)
  await one.engine.stop()
  await rm(path.join(dir, CLEAN_SHUTDOWN_FILE))
  await rm(path.join(dir, RECOVERY_POINT_FILE))
}

/** As a power cut may leave a log whose recovery point lies within a segment: the index is not what it was. */
export async function leaveTornIndex(dir: string): Promise<void> {
  const one = await begin({ start: (options) => startEngine({ teardown: () => undefined }, { ...options, dirs: [dir] }) })
  await fill(one, 10)
  await one.engine.stop()
  await rm(path.join(dir, CLEAN_SHUTDOWN_FILE))
  const folder = path.join(dir, FOLDER)
  const index = (await readdir(folder)).findLast((name) => name.endsWith('.index'))!
  await writeFile(path.join(folder, index), Buffer.alloc(16))
}

/** A log that has offsets, but no batch any more, as compaction can leave it. */
export async function leaveEmptied(dir: string): Promise<void> {
  const engine = await startEngine({ teardown: () => undefined }, { dirs: [dir] })
  await engine.manager.create('t', 0, TOPIC_ID, engine.config())
  await engine.stop()
  for (const base of [0, 20]) await writeFile(path.join(dir, FOLDER, `${offsetName(base)}.log`), '')
  await rm(path.join(dir, CLEAN_SHUTDOWN_FILE))
}

export async function checkpointOf(dir: string, name: string): Promise<number | undefined> {
  const text = await readFile(path.join(dir, name), 'utf8').catch(() => '')
  const found = /^t 0 (\d+)$/m.exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}
