/** Writes that fail among others, and writes beside a flush. */
import { rm, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { JournalOp } from '../../src/cli/crash-journal.js'
import { CLEAN_SHUTDOWN_FILE, offsetName, RECOVERY_POINT_FILE } from '../../src/storage/names.js'
import { append, ManualClock, startEngine, TOPIC_ID, values } from '../storage/support.js'
import type { Scene } from './directed.js'
import { abort, begin, fill, FOLDER, idempotent, save, TOPIC } from './scenes.js'

/** Batches that share neither a write nor, the last of them, a segment. */
const SIZES = [300_000, 100, 200_000]
/** More than write their epochs at a time, and so many that they are closed together. */
export const MANY_LOGS = 70

export const WRITE_SCENES: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  async 'a write that fails before others'(scene) {
    const one = await begin(scene, { ...TOPIC, 'internal.segment.bytes': '400000', 'flush.messages': '1' })
    await fill(one, 2)
    // Each of a leader epoch of its own.
    const send = () =>
      SIZES.map((bytes, sequence) => append(one.engine, one.log, values(1, `${sequence}-`, bytes), idempotent(7, sequence), sequence))
    scene.rules('ENOSPC write *.log 1 1')
    // The second time each is a retry of what is on its way.
    for (const { errorCode } of await Promise.all([...send(), ...send()])) scene.say(`refused ${errorCode}`)
    scene.rules('')
    for (const { errorCode, baseOffset } of await Promise.all(send())) scene.say(`written ${errorCode} ${baseOffset}`)
  },

  async 'half a batch that stays'(scene) {
    const one = await begin(scene)
    await fill(one, 2)
    scene.rules('short write *.log 1;ENOSPC write *.log 2;ENOSPC truncate *.log 1')
    scene.say(`refused ${(await append(one.engine, one.log, values(1, 'large', 600))).errorCode}`)
    scene.rules('')
    await one.log.whenIdle()
    for (let count = 0; count < 2; count++) {
      await append(one.engine, one.log, values(1, 'small'))
      one.log.roll()
    }
    await one.log.flush()
  },

  async 'a write beside a flush'(scene) {
    const one = await begin(scene)
    await fill(one, 2)
    scene.rules('hold sync *.log 1')
    const flushed = one.log.flush()
    await scene.until(({ op, path: name }) => op === JournalOp.syncBegin && name.endsWith('.log'))
    await append(one.engine, one.log, values(1))
    scene.rules('')
    await flushed
    await save(one)
  },

  async 'an abort that a flush shows'(scene) {
    const engine = await scene.start({ clock: new ManualClock(), topic: { 'flush.messages': '19' } })
    const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
    // So much that the flush of the marker takes the recovery point along.
    for (let count = 0; count < 17; count++) await append(engine, log, values(1, 'large', 1_000_000))
    await abort({ engine, log }, 7)
    await save({ engine })
  },

  async 'a flush of what a killed process left'(scene) {
    const one = await begin(scene)
    scene.say('opened')
    await one.log.flush()
  },

  async 'a first write that fails'(scene) {
    const one = await begin(scene)
    const write = () => append(one.engine, one.log, values(1, 'large', 1000))
    scene.rules('ENOSPC write *.log 1 1')
    scene.say(`refused ${(await write()).errorCode}`)
    scene.rules('')
    for (let count = 0; count < 2; count++) scene.say(`written ${(await write()).baseOffset}`)
    scene.say(`segments ${one.log.segmentFiles().length}`)
  },

  async 'a write that fails beside a flush that takes a snapshot'(scene) {
    const engine = await scene.start({ clock: new ManualClock(), settings: { 'sluice.flush.background.bytes': '0' } })
    const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
    // As much as a flush takes a snapshot for.
    for (let count = 0; count < 34; count++) await append(engine, log, values(1, 'large', 1_000_000))
    scene.rules('hold sync *.log 1;ENOSPC write *.log 1 1')
    const lost = append(engine, log, values(1), idempotent(7, 0))
    const flushed = log.flush()
    scene.say(`refused ${(await lost).errorCode}`)
    scene.say(`written ${(await append(engine, log, values(1), idempotent(8, 0))).baseOffset}`)
    await scene.until(({ op, path: name }) => op === JournalOp.syncBegin && name.endsWith('.log'))
    scene.rules('')
    await flushed
    await engine.drop()
  },

  async 'a write that fails behind a flush that could have taken a snapshot'(scene) {
    const engine = await scene.start({ clock: new ManualClock(), settings: { 'sluice.flush.background.bytes': '0' } })
    const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config())
    // As much as a flush takes a snapshot for.
    for (let count = 0; count < 34; count++) await append(engine, log, values(1, 'large', 1_000_000))
    scene.rules('hold write *.log 1')
    const lost = append(engine, log, values(1), idempotent(7, 0))
    await log.flush()
    scene.rules('ENOSPC write *.log 1')
    scene.say(`refused ${(await lost).errorCode}`)
    scene.rules('')
    // As many offsets as a snapshot would have told of.
    for (const sequence of [0, 1]) await append(engine, log, values(1), idempotent(8, sequence))
    await engine.drop()
  },

  async 'an acknowledgement beside the flush of another'(scene) {
    const one = await begin(scene, { ...TOPIC, 'flush.messages': '1' })
    scene.rules('hold sync *.log 1')
    const first = append(one.engine, one.log, values(1))
    await scene.until(({ op, path: name }) => op === JournalOp.syncBegin && name.endsWith('.log'))
    const second = append(one.engine, one.log, values(1, 'second'))
    await scene.until(({ op, data }) => op === JournalOp.write && data.includes('second'))
    scene.rules('')
    await Promise.all([first, second])
  },

  async 'a leader epoch that is saved beside a flush of the folder'(scene) {
    const one = await begin(scene)
    await append(one.engine, one.log, values(1), {}, -1)
    scene.rules(`hold sync-folder *${FOLDER} 1`)
    const flushed = one.log.flush()
    await scene.until(({ op, path: name }) => op === JournalOp.syncBegin && name.endsWith(FOLDER))
    await append(one.engine, one.log, values(1), {}, 5)
    await scene.until(({ op, to }) => op === JournalOp.rename && to.endsWith('leader-epoch-checkpoint'))
    // Cuts nothing: it waits until they are saved.
    await one.log.truncateTo(one.log.endOffset)
    scene.rules('')
    await flushed
    await one.log.flush()
    await save(one)
  },

  async 'an abort whose index has no room'(scene) {
    const one = await begin(scene)
    await append(one.engine, one.log, values(1))
    await one.log.flush()
    scene.rules('ENOSPC write *.txnindex 1 *')
    await abort(one, 7)
    await one.log.flush()
    scene.rules('')
    await save(one)
  },

  async 'a leader epoch that begins while another is written'(scene) {
    const one = await begin(scene)
    scene.rules('hold sync *leader-epoch-checkpoint.tmp 1')
    await append(one.engine, one.log, values(1), {}, 1)
    await scene.until(({ op, path: name }) => op === JournalOp.syncBegin && name.endsWith('leader-epoch-checkpoint.tmp'))
    await append(one.engine, one.log, values(1), {}, 5)
    // Time for another one to begin, if it would.
    await save(one)
    scene.rules('')
    await one.log.flush()
    await save(one)
  },

  async 'a stop while leader epochs wait to be written'(scene) {
    const engine = await scene.start({ clock: new ManualClock(), topic: TOPIC })
    const create = (partition: number) => engine.manager.create('t', partition, TOPIC_ID, engine.config())
    const logs = await Promise.all(Array.from({ length: MANY_LOGS }, (_, partition) => create(partition)))
    scene.rules('hold sync *leader-epoch-checkpoint.tmp 1 *')
    await Promise.all(logs.map((log) => append(engine, log, values(1), {}, 1)))
    const stopped = engine.stop()
    // Each ends its time index before it waits for its epochs.
    const ended = new Set<string>()
    await scene.until(({ op, path: name }) => op === JournalOp.write && name.endsWith('.timeindex') && ended.add(name).size === MANY_LOGS)
    scene.rules('')
    await stopped
  },

  async 'a seal that has no room'(scene) {
    const one = await begin(scene)
    await fill(one, 2)
    // The second has no entry in the time index yet.
    for (const later of [11, 12]) await append(one.engine, one.log, values(1), { timestamp: one.clock.now() + later })
    scene.rules('ENOSPC write *.timeindex 1 1')
    one.log.roll()
    await one.log.whenIdle()
    scene.rules('')
    scene.say(`failed ${one.engine.lines.filter((line) => line.includes('failed with ENOSPC')).length}`)
    one.log.roll()
    const { baseOffset } = await append(one.engine, one.log, values(1))
    scene.say(`appended ${baseOffset}`)
    await one.log.flush()
  }
}

/** Batches in one segment, of which nobody knows how much is on the disk. */
export async function leaveUnflushed(dir: string): Promise<void> {
  const one = await begin({ start: (options) => startEngine({ teardown: () => undefined }, { ...options, dirs: [dir] }) })
  await fill(one, 2)
  await one.engine.stop()
  for (const name of [CLEAN_SHUTDOWN_FILE, RECOVERY_POINT_FILE]) await rm(path.join(dir, name))
}

/** Two segments, of which the first lacks the end of its time index, as where a process was killed between its last append and the roll's entry. */
export async function leaveUnsealed(dir: string): Promise<void> {
  const one = await begin({ start: (options) => startEngine({ teardown: () => undefined }, { ...options, dirs: [dir] }) })
  await fill(one, 1)
  for (const later of [11, 12]) await append(one.engine, one.log, values(1), { timestamp: one.clock.now() + later })
  one.log.roll()
  await append(one.engine, one.log, values(1))
  await one.engine.stop()
  await rm(path.join(dir, CLEAN_SHUTDOWN_FILE))
  await writeFile(path.join(dir, RECOVERY_POINT_FILE), '0\n1\nt 0 6\n')
  const index = path.join(dir, FOLDER, `${offsetName(0)}.timeindex`)
  await truncate(index, (await stat(index)).size - 12)
}
