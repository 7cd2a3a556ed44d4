/** One pipeline from its start to its end, at random by a seed. */
import { freePort } from '../metadata/support/free-port.js'
import { checkNothingOpen, checkOutputs, copiedAll } from './checks.js'
import { someEvent } from './events.js'
import { Random } from './random.js'
import { standstill } from './standstill.js'
import { World, type Plan } from './world.js'

export interface Result {
  /** Empty: all was as it must be. */
  readonly problem: string
  readonly story: readonly string[]
  readonly hits: ReadonlyMap<string, number>
  readonly records: number
}

const PATIENCE_MS = 90_000

export async function pipelineRound(seed: number, plan: Plan, events: number, dir: string, classes: string): Promise<Result> {
  const random = new Random(seed)
  const world = await World.start(plan, random, dir, classes, await freePort())
  let problem = ''
  try {
    await world.feed(40)
    await world.startCopiers()
    await world.progress(1, 30_000)
    for (let n = 0; n < events; n++) {
      await world.feed(30 + random.below(120))
      await world.progress(5 + random.below(60), 3000)
      await someEvent(world)
    }
    await world.feed(30)
    await copiedAll(world, PATIENCE_MS)
    await world.stopCopiers()
    await checkNothingOpen(world, PATIENCE_MS)
    await checkOutputs(world)
    await world.restartBroker('kill', 0)
    await checkNothingOpen(world, PATIENCE_MS)
    await checkOutputs(world)
  } catch (error) {
    problem = [(error as Error).message, ...(await standstill(world)), world.broker.log()].join('\n')
  } finally {
    await world.end()
  }
  return { problem, story: world.story, hits: world.hits, records: world.fed.reduce((sum, count) => sum + count, 0) }
}
