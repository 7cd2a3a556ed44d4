/** What a pipeline consists of: a broker that is found at the same place again after a kill, its input, and copiers that take each other's place. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { updateFeatures } from '../../src/protocol/messages/57-update-features.js'
import { startChildBroker, type ChildBroker } from '../support/broker.js'
import { Session } from '../takeover/session.js'
import { Producer, V1, V2 } from '../transactions/producer.js'
import { Copier, DIE_POINTS, type Client, type CopierSettings } from './copier.js'
import type { Random } from './random.js'

export const INPUT = 'input'
/** The first gets each record in the partition that it is from; in the second they are spread. */
export const OUTPUTS = ['same', 'spread'] as const
export const PARTITIONS = 4
export const GROUP = 'copiers'
const SESSION_MS = 4000
/** Longer than a member may be silent. */
export const TOO_LONG_MS = 5500
const SAFE_DOWNGRADE = 2

export interface Plan {
  readonly client: Client
  readonly protocol: 'classic' | 'consumer'
  readonly strategy: 'range' | 'cooperative'
  readonly transactionVersion: 1 | 2
  /** Members have instance ids (KIP-345). */
  readonly fixed: boolean
  readonly copiers: number
  /** Less than TOO_LONG_MS, or so much that a member which was away goes on with a transaction that is open still. */
  readonly transactionMs: number
}

const SETTINGS = {
  'offsets.topic.num.partitions': '3',
  'transaction.state.log.num.partitions': '3',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '100',
  'group.min.session.timeout.ms': '1000',
  'group.consumer.session.timeout.ms': String(SESSION_MS),
  'group.consumer.min.session.timeout.ms': '1000',
  'group.consumer.heartbeat.interval.ms': '300',
  'group.consumer.min.heartbeat.interval.ms': '100'
}

/** A copier's place: whoever has it uses the same transactional id. */
interface Place {
  copier: Copier
  /** Others that had it and do not know yet that it is another's. */
  readonly former: Copier[]
}

export class World {
  readonly plan: Plan
  readonly random: Random
  readonly #dir: string
  readonly #classes: string
  readonly #port: number
  readonly story: string[] = []
  readonly hits = new Map<string, number>()
  readonly #begun = Date.now()
  readonly places: Place[] = []
  /** By partition: how many committed records it has been given. */
  readonly fed: number[] = Array.from({ length: PARTITIONS }, () => 0)
  /** By partition: the offset after the last of them. */
  readonly ends: number[] = Array.from({ length: PARTITIONS }, () => 0)
  #broker!: ChildBroker
  #restarts = true
  #nextSeed = 1
  copied = 0
  /** Copiers in a row that ended before they began. */
  #neverReady = 0

  private constructor(plan: Plan, random: Random, dir: string, classes: string, port: number) {
    this.plan = plan
    this.random = random
    this.#dir = path.join(dir, 'data')
    this.#classes = classes
    this.#port = port
  }

  static async start(plan: Plan, random: Random, dir: string, classes: string, port: number): Promise<World> {
    const world = new World(plan, random, dir, classes, port)
    await world.#startBroker()
    if (plan.transactionVersion === 1) {
      const session = await world.session()
      const update = { feature: 'transaction.version', maxVersionLevel: 1, allowDowngrade: false, upgradeType: SAFE_DOWNGRADE }
      const { errorCode, errorMessage } = await session.client.request(updateFeatures, 1, { featureUpdates: [update], timeoutMs: 10_000 })
      if (errorCode !== 0) throw new Error(`transaction.version: ${errorMessage}`)
      session.close()
    }
    return world
  }

  tell(line: string): void {
    this.story.push(`${String(Date.now() - this.#begun).padStart(6)} ${line}`)
  }

  hit(what: string): void {
    this.hits.set(what, (this.hits.get(what) ?? 0) + 1)
  }

  get broker(): ChildBroker {
    return this.#broker
  }

  /** The caller closes it. */
  session(): Promise<Session> {
    return Session.connect(this.#broker)
  }

  async #startBroker(): Promise<void> {
    const topics = Object.fromEntries([INPUT, ...OUTPUTS].map((topic) => [topic, PARTITIONS]))
    this.#broker = await startChildBroker({ dir: this.#dir, port: this.#port, topics, settings: SETTINGS })
  }

  /** Ends the broker, and starts it anew. */
  async restartBroker(how: 'kill' | 'stop', pauseMs: number): Promise<void> {
    this.check()
    await (how === 'kill' ? this.#broker.kill() : this.#broker.stop())
    await delay(pauseMs)
    await this.#startBroker()
  }

  /** Throws if the broker has ended by itself, or no copier can begin. */
  check(): void {
    if (this.#neverReady > 20) throw new Error('copiers cannot begin')
    if (!existsSync(`/proc/${this.#broker.pid}`)) throw new Error(`the broker has ended:\n${this.#broker.log()}`)
  }

  /** More input: committed records, and others in between that are not. */
  async feed(count: number): Promise<void> {
    const session = await this.session()
    const producer = new Producer(session, 'feeder', this.plan.transactionVersion === 1 || this.random.chance(50) ? V1 : V2)
    if ((await producer.init()) !== 0) throw new Error('the input cannot be begun')
    for (let left = count; left > 0;) {
      const size = Math.min(left, 1 + this.random.below(12))
      const commits = this.random.chance(85)
      for (let n = 0; n < size; n++) {
        const index = this.random.below(PARTITIONS)
        const value = commits ? `${index}:${this.fed[index]!++}` : `aborted ${index}`
        const refused = producer.versions.rises ? 0 : await producer.add(INPUT, index)
        if (refused !== 0) throw new Error(`the input cannot be begun: error ${refused}`)
        const { errorCode, baseOffset } = await producer.append(INPUT, index, value)
        if (errorCode !== 0) throw new Error(`the input cannot be written: error ${errorCode}`)
        if (commits) this.ends[index] = baseOffset + 1
      }
      const errorCode = await producer.end(commits)
      if (errorCode !== 0) throw new Error(`the input cannot be ended: error ${errorCode}`)
      if (commits) left -= size
    }
    session.close()
  }

  async startCopiers(): Promise<void> {
    for (let at = 0; at < this.plan.copiers; at++) this.places.push({ copier: await this.#newCopier(at), former: [] })
  }

  async #newCopier(at: number): Promise<Copier> {
    const { client, protocol, strategy, fixed, transactionMs } = this.plan
    const settings: Record<string, string | number> = {
      bootstrap: this.#broker.bootstrap,
      id: `copier-${at}`,
      group: GROUP,
      input: INPUT,
      outputs: OUTPUTS.join(','),
      partitions: PARTITIONS,
      protocol,
      strategy,
      session: SESSION_MS,
      transaction: transactionMs,
      records: 1 + this.random.below(10),
      seed: this.#nextSeed++
    }
    if (fixed) settings['instance'] = `copier-${at}`
    if (this.#restarts && this.random.chance(30)) Object.assign(settings, this.#death())
    const name = `copier-${at}.${this.#nextSeed}`
    const onLine = (line: string): void => {
      const [what, number] = line.split(' ')
      if (what === 'copied') this.copied += Number(number)
      else this.tell(`${name} ${line}`)
      if (what === 'failed') this.hit(line)
    }
    const copier = await Copier.start(client, this.#classes, settings satisfies CopierSettings, onLine)
    this.tell(`${name} starts${settings['diePoint'] === undefined ? '' : `, is to die when ${settings['diePoint']}`}`)
    void copier.closed.then(() => this.#hasEnded(at, name, copier))
    return copier
  }

  #death(): CopierSettings {
    const point = this.random.pick(DIE_POINTS)
    this.hit(`dies: ${point}`)
    return { diePoint: point, dieAfter: 1 + this.random.below(6) }
  }

  /** Whoever has a place and ends is followed by another. */
  async #hasEnded(at: number, name: string, copier: Copier): Promise<void> {
    this.tell(`${name} has ended: ${copier.ended}${copier.complaints === '' ? '' : ` ${copier.complaints.trim()}`}`)
    const place = this.places[at]
    if (!this.#restarts || place?.copier !== copier) return
    this.#neverReady = copier.ready ? 0 : this.#neverReady + 1
    // One that cannot begin is not to take the machine.
    await delay(copier.ready ? 0 : 300)
    if (place.copier === copier && this.#restarts) place.copier = await this.#newCopier(at)
  }

  /** Another takes the place of a copier that may go on for as long as nobody tells it. */
  async replace(at: number): Promise<Copier> {
    const place = this.places[at]!
    const before = place.copier
    place.former.push(before)
    place.copier = await this.#newCopier(at)
    return before
  }

  /** Resolves when so many more records are copied; false if that takes too long. */
  async progress(count: number, patienceMs: number): Promise<boolean> {
    const aim = this.copied + count
    for (const end = Date.now() + patienceMs; Date.now() < end; await delay(5)) if (this.copied >= aim) return true
    return false
  }

  /** Ends all copiers, each after what it is doing. Those that do not end are killed. */
  async stopCopiers(): Promise<void> {
    this.#restarts = false
    const all = this.places.flatMap(({ copier, former }) => [copier, ...former])
    for (const copier of all) {
      copier.signal('SIGCONT')
      copier.leave()
    }
    const late = setTimeout(() => this.killCopiers(), 10_000)
    await Promise.all(all.map(({ closed }) => closed))
    clearTimeout(late)
  }

  killCopiers(): void {
    this.#restarts = false
    for (const { copier, former } of this.places) for (const one of [copier, ...former]) one.signal('SIGKILL')
  }

  /** Whatever has happened. */
  async end(): Promise<void> {
    this.killCopiers()
    await this.#broker.kill()
  }
}
