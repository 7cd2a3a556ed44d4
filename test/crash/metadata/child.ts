/** The child of the metadata rounds: changes metadata at random, says each on the history file, until it is killed or done. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { randomFrom, type Random } from '../../../src/cli/crash-disk.js'
import { ResourceType } from '../../../src/metadata/config-image.js'
import { chosen } from '../points.js'
import { ask, stateOf, type Change, type Line } from './model.js'
import { SETTINGS, startNode } from './node.js'

export interface MetadataPlan {
  readonly disk: string
  readonly history: string
  readonly seed: number
  readonly changes: number
  readonly end: 'close' | 'kill'
  readonly settings: Readonly<Record<string, string>>
}

const IN_FLIGHT = 4
const FEATURES = ['group.version', 'share.version', 'streams.version', 'eligible.leader.replicas.version'] as const
const SETTINGS_OF_TOPICS = ['segment.bytes', 'max.message.bytes', 'retention.bytes'] as const

function randomChange(random: Random): Change {
  const pick = (count: number) => Math.floor(random() * count)
  const topic = () => `t${pick(8)}`
  const kind = random()
  if (kind < 0.25) {
    const names = Array.from({ length: 1 + (random() < 0.3 ? pick(4) : 0) }, topic)
    return { kind: 'create', names: [...new Set(names)], partitions: 1 + pick(random() < 0.2 ? 30 : 3), retention: String(1 + pick(1e6)) }
  }
  if (kind < 0.4) return { kind: 'delete', name: topic() }
  if (kind < 0.5) return { kind: 'grow', name: topic(), count: 2 + pick(12) }
  if (kind < 0.65) {
    const value = random() < 0.3 ? null : String(2_000_000 + pick(1e6))
    return random() < 0.7
      ? { kind: 'set', type: ResourceType.topic, resource: topic(), name: chosen(random, SETTINGS_OF_TOPICS), value }
      : { kind: 'set', type: ResourceType.broker, resource: '', name: 'log.retention.ms', value }
  }
  if (kind < 0.77) return { kind: 'quota', user: `u${pick(3)}`, rate: random() < 0.3 ? 0 : 1 + pick(1e6) }
  if (kind < 0.85) return { kind: 'user', name: `s${pick(3)}`, iterations: random() < 0.3 ? 0 : 4096 + pick(1000) }
  if (kind < 0.93) return { kind: 'ids' }
  return { kind: 'feature', name: chosen(random, FEATURES), level: pick(2) }
}

const plan = JSON.parse(process.argv[2]!) as MetadataPlan
const fd = openSync(plan.history, 'a')
const say = (line: Line): void => void writeSync(fd, `${JSON.stringify(line)}\n`)
const random = randomFrom(plan.seed)
const node = await startNode(plan.disk, { ...SETTINGS, ...plan.settings })
node.manager.onDirFailure = (_dir, error) => say(['offline', error.code])
say(['serving', stateOf(node.controller.image)])
const inFlight = new Set<Promise<unknown>>()
for (let number = 0; number < plan.changes; number++) {
  const change = randomChange(random)
  say(['sending', number, change])
  const answered = ask(node.controller, change).then(({ errorCode, start, ids }) => say(['answer', number, errorCode, start, ids]))
  const tracked = answered.finally(() => inFlight.delete(tracked))
  inFlight.add(tracked)
  while (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight)
  // What is deleted goes a little later.
  if (random() < 0.05) await delay(60)
}
await Promise.all(inFlight)
if (plan.end === 'kill') process.kill(process.pid, 'SIGKILL')
await node.close()
say(['closed'])
closeSync(fd)
