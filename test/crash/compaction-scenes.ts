/** Scenes of compactions: one that goes well, and those that must wait. */
import { compact, endTransaction, put, seen, startCompacting } from '../storage/cleaner/support.js'
import type { Scene } from './directed.js'
import { idempotent, putPairs } from './scenes.js'

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
