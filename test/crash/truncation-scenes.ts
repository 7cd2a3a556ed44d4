/** Logs that are cut where more than batches ends. */
import type { Scene } from './directed.js'
import { begin, fill, save } from './scenes.js'

export const TRUNCATION_SCENES: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  async 'truncation to the start of an epoch'(scene) {
    const one = await begin(scene)
    for (const epoch of [0, 4]) await fill(one, 3, epoch)
    await one.log.flush()
    await save(one)
    await one.log.truncateTo(12)
    scene.say(`epoch ${one.log.latestEpoch}`)
  }
}
