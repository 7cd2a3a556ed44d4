/** Scenes of compactions that must wait. */
import { compact, endTransaction, put, seen, startCompacting } from '../storage/cleaner/support.js'
import type { Scene } from './directed.js'
import { idempotent, putPairs } from './scenes.js'

export const COMPACTION_SCENES: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
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
