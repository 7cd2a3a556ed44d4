/** What happens to a pipeline while it works. */
import { setTimeout as delay } from 'node:timers/promises'
import { TOO_LONG_MS, type World } from './world.js'

export type Event = (world: World) => Promise<void>

const someCopier = (world: World): number => world.random.below(world.places.length)

/** After it nothing that waits has its answer, and nothing is in memory. */
const killBroker: Event = async (world) => {
  const waits = world.random.chance(30) ? world.random.below(1500) : 0
  // Anywhere within some transactions.
  await delay(world.random.below(30))
  await world.restartBroker('kill', waits)
}

const killBrokerTwice: Event = async (world) => {
  await world.restartBroker('kill', 0)
  await delay(world.random.below(300))
  await world.restartBroker('kill', 0)
}

const stopBroker: Event = (world) => world.restartBroker('stop', 0)

/** Every time-out of members and transactions runs out at once. */
const pauseBroker: Event = async (world) => {
  process.kill(world.broker.pid, 'SIGSTOP')
  await delay(world.random.chance(50) ? TOO_LONG_MS : world.random.below(1000))
  process.kill(world.broker.pid, 'SIGCONT')
}

const killCopier: Event = (world) => {
  world.places[someCopier(world)]!.copier.signal('SIGKILL')
  return Promise.resolve()
}

const killAllCopiers: Event = (world) => {
  for (const { copier } of world.places) copier.signal('SIGKILL')
  return Promise.resolve()
}

/** In both orders. */
const killBoth: Event = async (world) => {
  const at = someCopier(world)
  const first = world.random.chance(50)
  if (first) world.places[at]!.copier.signal('SIGKILL')
  await world.restartBroker('kill', 0)
  if (!first) world.places[at]!.copier.signal('SIGKILL')
}

/** Its partitions go to others, its transaction is aborted: what it does when it goes on must count for nothing. */
const pauseCopier: Event = async (world) => {
  const { copier } = world.places[someCopier(world)]!
  copier.signal('SIGSTOP')
  await delay(world.random.chance(60) ? TOO_LONG_MS : world.random.below(2000))
  copier.signal('SIGCONT')
}

/** Two work under one transactional id; the older is the zombie. */
const doubleCopier: Event = async (world) => {
  await world.replace(someCopier(world))
}

const zombie: Event = async (world) => {
  const at = someCopier(world)
  world.places[at]!.copier.signal('SIGSTOP')
  const before = await world.replace(at)
  await delay(world.random.below(TOO_LONG_MS))
  before.signal('SIGCONT')
}

const leave: Event = (world) => {
  world.places[someCopier(world)]!.copier.leave()
  return Promise.resolve()
}

/** By how often they are chosen. */
const weighted: readonly (readonly [name: string, weight: number, event: Event])[] = [
  ['broker killed', 6, killBroker],
  ['broker killed twice', 2, killBrokerTwice],
  ['broker stopped', 1, stopBroker],
  ['broker paused', 2, pauseBroker],
  ['copier killed', 4, killCopier],
  ['all copiers killed', 1, killAllCopiers],
  ['copier and broker killed', 2, killBoth],
  ['copier paused', 2, pauseCopier],
  ['copier doubled', 2, doubleCopier],
  ['zombie', 3, zombie],
  ['copier leaves', 2, leave]
]

export async function someEvent(world: World): Promise<void> {
  let at = world.random.below(weighted.reduce((sum, [, weight]) => sum + weight, 0))
  for (const [name, weight, event] of weighted) {
    if (at < weight) {
      world.tell(name)
      world.hit(name)
      await event(world)
      world.check()
      return
    }
    at -= weight
  }
}
