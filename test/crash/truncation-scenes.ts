/** Logs that are cut where more than batches ends. */
import { rm, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { JournalOp } from '../../src/cli/crash-journal.js'
import { CLEAN_SHUTDOWN_FILE, offsetName, RECOVERY_POINT_FILE } from '../../src/storage/names.js'
import { TRANSACTION_ENTRY_BYTES } from '../../src/storage/transaction-index.js'
import { append, startEngine, values, type EngineOptions } from '../storage/support.js'
import type { Scene } from './directed.js'
import { abort, begin, fill, FOLDER, save, TOPIC } from './scenes.js'

export const TRUNCATION_SCENES: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  async 'truncation to the start of an epoch'(scene) {
    const one = await begin(scene)
    for (const epoch of [0, 4]) await fill(one, 3, epoch)
    await one.log.flush()
    await save(one)
    await one.log.truncateTo(12)
    scene.say(`epoch ${one.log.latestEpoch}`)
  },

  async 'truncation between two aborts'(scene) {
    const one = await begin(scene)
    for (const producerId of [7, 8]) await abort(one, producerId)
    await one.log.flush()
    await one.log.truncateTo(2)
  },

  async 'a truncation beside a flush'(scene) {
    // The ninth record is flushed before it is acknowledged.
    const one = await begin(scene, { ...TOPIC, 'flush.messages': '9' })
    await fill(one, 2)
    scene.rules('hold sync *.log 1')
    const flushed = one.log.flush()
    await scene.until(({ op, path: name }) => op === JournalOp.syncBegin && name.endsWith('.log'))
    const cut = one.log.truncateTo(4)
    while (one.log.endOffset > 4) await delay(2)
    scene.rules('')
    await Promise.all([flushed, cut])
    await append(one.engine, one.log, values(1))
    await save(one)
  },

  async 'a truncation that is over before the flush that it overtook'(scene) {
    const one = await begin(scene)
    await fill(one, 2)
    await one.log.flush()
    // The folder is to be flushed for the name of their file.
    await fill(one, 2, 1)
    scene.rules(`hold sync-folder *${FOLDER} 1`)
    const flushed = one.log.flush()
    await scene.until(({ op, path: name }) => op === JournalOp.syncBegin && name.endsWith(FOLDER))
    await one.log.truncateTo(4)
    scene.rules('')
    await flushed
    await append(one.engine, one.log, values(1))
    await save(one)
  },

  async 'a flush that a truncation waits beside'(scene) {
    const one = await begin(scene)
    await fill(one, 2)
    await one.log.flush()
    await fill(one, 2, 1)
    scene.rules('hold sync *recovery-point-offset-checkpoint.tmp 1')
    const cut = one.log.truncateTo(4)
    await scene.until(({ op, path: name }) => op === JournalOp.syncBegin && name.endsWith('recovery-point-offset-checkpoint.tmp'))
    await one.log.flush()
    scene.rules('')
    await cut
    await append(one.engine, one.log, values(1))
    await save(one)
  },

  async 'a flush behind a cut that a killed process made'(scene) {
    await truncate(path.join(scene.dir, FOLDER, `${offsetName(0)}.txnindex`), TRANSACTION_ENTRY_BYTES)
    const one = await begin(scene)
    await fill(one, 1)
    await one.log.flush()
    await save(one)
  }
}

/** A log that was cut back to its first abort, and the index of its aborts not yet. */
export async function leaveHalfCut(dir: string): Promise<void> {
  const start = (options: EngineOptions = {}) => startEngine({ teardown: () => undefined }, { ...options, dirs: [dir] })
  // No index that tells of more than the log has: all of it would be read again.
  const one = await begin({ start }, {})
  await abort(one, 7)
  const log = path.join(dir, FOLDER, `${offsetName(0)}.log`)
  const { size } = await stat(log)
  await abort(one, 8)
  await one.engine.stop()
  await truncate(log, size)
  await rm(path.join(dir, CLEAN_SHUTDOWN_FILE))
  await writeFile(path.join(dir, RECOVERY_POINT_FILE), '0\n1\nt 0 2\n')
}
