/** Scenes with segments that have their room reserved. */
import { JournalOp } from '../../src/cli/crash-journal.js'
import type { Scene } from './directed.js'
import { begin, fill, save, TOPIC } from './scenes.js'

/** Segments with room for more than 1 MiB, which is given back when they end. */
export const PREALLOCATED = { ...TOPIC, preallocate: 'true', 'internal.segment.bytes': '2000000' }
export const PREALLOCATE_SCENES: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  async 'preallocated segments'(scene) {
    const one = await begin(scene, PREALLOCATED)
    for (let segment = 0; segment < 3; segment++) {
      await fill(one, 3, segment)
      one.log.roll()
    }
    await one.log.whenIdle()
    await one.log.flush()
    await save(one)
    await fill(one, 3, 3)
    scene.say('rolled')
    await one.engine.stop()
  },

  async 'preallocated segment that is sealed beside a flush'(scene) {
    const one = await begin(scene, PREALLOCATED)
    await fill(one, 3)
    scene.rules('hold sync *.log 1')
    const flushed = one.log.flush()
    await scene.until(({ op, path: name }) => op === JournalOp.syncBegin && name.endsWith('.log'))
    await fill(one, 2, 1)
    one.log.roll()
    // The room is given back.
    await scene.until(({ op, path: name }) => op === JournalOp.truncate && name.endsWith('.log'))
    scene.say('sealed')
    scene.rules('')
    await flushed
    await one.log.whenIdle()
    await one.log.flush()
    await save(one)
  },

  async 'preallocated segments that a killed process has left'(scene) {
    const first = await begin(scene, PREALLOCATED)
    await fill(first, 3)
    await first.log.flush()
    await save(first)
    await fill(first, 2, 1)
    await first.engine.drop()
    const one = await begin(scene, PREALLOCATED)
    await fill(one, 2, 2)
    one.log.roll()
    await one.log.whenIdle()
    await one.log.flush()
    await save(one)
  }
}
