/** Moves of a partition to the other log directory, beside what else happens to it. */
import { setTimeout as delay } from 'node:timers/promises'
import { JournalOp } from '../../src/cli/crash-journal.js'
import { append, TOPIC_ID, values, type Engine } from '../storage/support.js'
import type { Scene } from './directed.js'
import { fill, idempotent, TOPIC } from './scenes.js'

async function moved(engine: Engine, to: string): Promise<void> {
  while (engine.manager.dirOf('t', 0)!.path !== to || engine.manager.moves.isMoving('t', 0)) await delay(2)
}

/** The partition, in the first directory. */
async function begin(scene: Scene) {
  const engine = await scene.start({ dirs: [scene.dir, scene.other], topic: TOPIC })
  const log = await engine.manager.create('t', 0, TOPIC_ID, engine.config(), scene.dir)
  return { engine, log }
}

/** Moves it. Resolved: its copy is being flushed, and is until the scene has other rules. */
async function holdCopy(scene: Scene, engine: Engine): Promise<void> {
  scene.rules('hold sync *-future/*.log 1')
  await engine.manager.moves.start('t', 0, scene.other)
  await scene.until(({ op, path: name }) => op === JournalOp.syncBegin && /-future\/.*\.log$/.test(name))
}

export const MOVE_SCENES: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  async 'move of a log that is written to'(scene) {
    const { engine, log } = await begin(scene)
    await fill({ engine, log }, 8)
    // The copy has all there is, and is being flushed: what comes now is copied while appends wait. It begins no segment, which would be a reason to flush.
    await holdCopy(scene, engine)
    await fill({ engine, log }, 2, 1)
    await log.flush()
    scene.rules('')
    await moved(engine, scene.other)
  },

  async 'move of an empty log'(scene) {
    const { engine, log } = await begin(scene)
    await fill({ engine, log }, 5)
    await log.truncateFullyAndStartAt(50)
    await engine.manager.moves.start('t', 0, scene.other)
    await moved(engine, scene.other)
  },

  async 'move of a log without batches'(scene) {
    const engine = await scene.start({ dirs: [scene.dir, scene.other], topic: TOPIC })
    await engine.manager.whenReady('t', 0)
    await engine.manager.moves.start('t', 0, scene.other)
    await moved(engine, scene.other)
  },

  async 'move of a log whose first batches are deleted'(scene) {
    const { engine, log } = await begin(scene)
    await append(engine, log, values(1), idempotent(7, 0))
    log.roll()
    await fill({ engine, log }, 2)
    await log.deleteRecordsBefore(1)
    await log.applyRetention()
    await engine.manager.moves.start('t', 0, scene.other)
    await moved(engine, scene.other)
  },

  async 'move of a log that is cut before its copy takes the place'(scene) {
    const { engine, log } = await begin(scene)
    await fill({ engine, log }, 4)
    await holdCopy(scene, engine)
    await log.truncateTo(8)
    // Further than the copy has come.
    await fill({ engine, log }, 4, 1)
    scene.rules('')
    await moved(engine, scene.other)
  },

  async 'move beside a write on its way'(scene) {
    const { engine, log } = await begin(scene)
    await fill({ engine, log }, 2)
    scene.rules('hold write data/*.log 1')
    const late = append(engine, log, values(1))
    await engine.manager.moves.start('t', 0, scene.other)
    // The copy has all that is written, and is about to take the place.
    await scene.until(({ op, path: name }) => op === JournalOp.syncEnd && /-future\/.*\.log$/.test(name))
    scene.rules('')
    scene.say(`acknowledged ${(await late).baseOffset}`)
    await moved(engine, scene.other)
  }
}
