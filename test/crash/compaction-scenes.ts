/** Scenes of compactions: one that goes well, and those that must wait. */
import { rename, rm, stat, truncate } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { JournalOp } from '../../src/cli/crash-journal.js'
import { offsetName } from '../../src/storage/names.js'
import { startEngine } from '../storage/support.js'
import { compact, endTransaction, latest, put, seen, startCompacting } from '../storage/cleaner/support.js'
import type { Scene } from './directed.js'
import { begin, fill, FOLDER, idempotent, putPairs } from './scenes.js'

export const COMPACTION_SCENES: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  async compaction(scene) {
    const one = await startCompacting({ teardown: () => undefined }, { dirs: [scene.dir] })
    await putPairs(one, 30)
    // The second is too near to the one before for an entry of its own in the indexes.
    for (const key of ['small', 'smaller']) {
      one.clock.advance(10)
      await put(one, [[key, '']])
    }
    scene.say('filled')
    await compact(one)
  },

  async 'compaction that comes beside retention'(scene) {
    const one = await startCompacting({ teardown: () => undefined }, { dirs: [scene.dir] })
    await putPairs(one, 30)
    one.log.roll()
    await one.log.flush()
    await one.log.deleteRecordsBefore(one.log.segmentFiles()[1]!.baseOffset)
    scene.rules(`hold sync-folder *${FOLDER} 1`)
    const retained = one.log.applyRetention()
    await scene.until(({ op, path: name }) => op === JournalOp.syncBegin && name.endsWith(FOLDER))
    const compacted = one.engine.manager.cleaner.cleanFilthiest()
    // Time for it to be over, if it did not wait.
    await Promise.race([compacted, delay(200)])
    scene.rules('')
    scene.say(`deleted ${await retained}`)
    await compacted
    scene.say(`keys ${latest(await seen(one.log)).size}`)
  },

  async 'a start on a compacted segment that is damaged'(scene) {
    await begin(scene)
  },

  async 'compaction of an abort whose index has no room'(scene) {
    const one = await startCompacting({ teardown: () => undefined }, { dirs: [scene.dir] })
    scene.rules('ENOSPC write *.txnindex 1 *')
    await put(one, [['a', 'aborted']], { ...idempotent(9, 0), transactional: true })
    await endTransaction(one, 9, false)
    await putPairs(one, 30)
    one.log.roll()
    await one.log.whenIdle()
    scene.say(`compacted ${Number(await one.engine.manager.cleaner.cleanFilthiest())}`)
    scene.rules('')
    await compact(one)
    scene.say(`left ${(await seen(one.log)).length}`)
  }
}

/** A compacted segment that has lost its end, while what it was made of is gone already. */
export async function leaveDamagedSwap(dir: string): Promise<void> {
  const one = await begin({ start: (options) => startEngine({ teardown: () => undefined }, { ...options, dirs: [dir] }) })
  await fill(one, 10)
  await one.engine.stop()
  const file = path.join(dir, FOLDER, offsetName(0))
  await truncate(`${file}.log`, (await stat(`${file}.log`)).size - 5)
  await rename(`${file}.log`, `${file}.log.swap`)
  for (const suffix of ['.index', '.timeindex']) await rm(file + suffix)
}
