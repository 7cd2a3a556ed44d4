/**
 * The brokers that take part, and whose turn it is.
 *
 * Every broker that the benchmark starts runs from its first case to the end, so that a JVM keeps its compiled code; the ones whose turn it is
 * not are paused (SIGSTOP) and cost nothing: an idle JVM would use some percent of a core while the other broker is measured. Only an external
 * broker runs on.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Admin } from '../lib/admin.js'
import { waitFilesGone, type BenchBroker } from '../lib/broker.js'
import type { Load } from '../lib/load.js'
import { memoryOf } from '../lib/process.js'
import type { Progress } from '../lib/progress.js'
import type { Figures, Round } from '../lib/result.js'
import type { Case } from '../lib/rounds.js'
import { DISTURBED_FLOOR } from '../lib/statistics.js'
import { KIB, MIB } from '../lib/units.js'
import { moment, pageCachePrice, perGib, spentBetween, type Moment } from './meter.js'
import { warmUp } from './warm-up.js'

const FLOOR_ATTEMPTS = 3
/** After a pause a broker catches up on its timers. */
const SETTLE_MS = 300

export interface Subject {
  /** As in results. */
  readonly name: string
  /** Starts a broker of this kind on a fresh folder, or gives the one that runs already. `pausable`: it will be paused at others' turns. */
  start(options?: { readonly pausable: boolean }): Promise<BenchBroker>
  /** An external one is not started, restarted or paused. */
  readonly kind: 'sluice' | 'kafka' | 'external'
}

/** The broker whose turn it is. */
export interface Turn {
  readonly broker: BenchBroker
  readonly admin: Admin
  /** Topics that live until the end of the benchmark, by a name of their own. */
  readonly kept: Map<string, Promise<string>>
}

export interface StageOptions {
  readonly subjects: readonly Subject[]
  /** Absent where the load generator cannot be built: then only cases that do without it may run. */
  readonly load?: Load
  readonly progress: Progress
  readonly signal: AbortSignal
  /** On the file system of the brokers' data. */
  readonly folder: string
  readonly quick: boolean
  /** Of each consume test. */
  readonly seconds: number
}

export type Measured = Omit<Round, 'round'>

export class Stage {
  readonly options: StageOptions
  readonly #turns = new Map<Subject, Turn>()
  #topics = 0

  constructor(options: StageOptions) {
    this.options = options
  }

  get load(): Load {
    if (this.options.load === undefined) throw new Error('there is no load generator')
    return this.options.load
  }

  /** A case for every subject; `where` leaves some out. */
  cases(
    group: string,
    name: string,
    parameters: Case['parameters'],
    run: (subject: Subject) => Promise<Measured>,
    where: (subject: Subject) => boolean = () => true
  ): Case[] {
    return this.options.subjects
      .filter((subject) => where(subject))
      .map((subject) => ({ group, name, subject: subject.name, parameters, run: () => run(subject) }))
  }

  /** Gives the turn to one subject's lasting broker, which is started and warmed up at its first turn. */
  async turn(subject: Subject): Promise<Turn> {
    const { signal, progress } = this.options
    signal.throwIfAborted()
    let turn = this.#turns.get(subject)
    if (turn !== undefined && hasEnded(turn.broker)) {
      progress.note(`${subject.name} has ended and is started again; the end of its log:\n${turn.broker.log().slice(-500)}`)
      turn.admin.close()
      await turn.broker.stop()
      this.#turns.delete(subject)
      turn = undefined
    }
    this.#pauseOthers(subject)
    if (turn !== undefined) {
      await turn.broker.resume()
      await delay(SETTLE_MS, undefined, { signal })
      return turn
    }
    const broker = await subject.start({ pausable: true })
    turn = { broker, admin: await Admin.connect(broker.bootstrap), kept: new Map() }
    this.#turns.set(subject, turn)
    await warmUp(this, turn)
    return turn
  }

  /** Nobody's turn: for a broker that a case starts for itself. */
  pauseAll(): void {
    this.#pauseOthers(undefined)
  }

  /** Runs `work` with a fresh broker of this kind, alone on the machine, and stops it. */
  async withFresh<T>(subject: Subject, work: (broker: BenchBroker, admin: Admin) => Promise<T>): Promise<T> {
    this.options.signal.throwIfAborted()
    this.pauseAll()
    const broker = await subject.start()
    try {
      return await Admin.with(broker.bootstrap, (admin) => work(broker, admin))
    } finally {
      await broker.stop()
    }
  }

  /** A topic for one test: removed afterwards, and its files with it, so that the next test finds their memory free. */
  async withTopic<T>({ broker, admin }: Turn, partitions: number, work: (topic: string) => Promise<T>): Promise<T> {
    const topic = `bench-${process.pid}-${++this.#topics}`
    await admin.createTopic(topic, partitions)
    try {
      return await work(topic)
    } finally {
      if (!this.options.signal.aborted) {
        await admin.deleteTopics([topic])
        await waitFilesGone(broker, topic)
      }
    }
  }

  /** A topic that is made once, filled with so many bytes, and stays. `key` names it. */
  keptTopic(turn: Turn, key: string, partitions: number, bytes: number): Promise<string> {
    let topic = turn.kept.get(key)
    if (topic === undefined) {
      topic = this.#fill(turn, partitions, bytes)
      turn.kept.set(key, topic)
      // Whoever comes next tries again.
      topic.catch(() => turn.kept.delete(key))
    }
    return topic
  }

  /** Deletes a topic that was kept, if there is one. */
  async dropKept({ broker, admin, kept }: Turn, key: string): Promise<void> {
    const topic = await kept.get(key)
    if (topic === undefined || this.options.signal.aborted) return
    kept.delete(key)
    await admin.deleteTopics([topic])
    await waitFilesGone(broker, topic)
  }

  /** Deletes what the lasting brokers kept and ends the connections. An external broker gets its memory back. */
  async end(): Promise<void> {
    for (const { broker, admin, kept } of this.#turns.values()) {
      if (!broker.own && !this.options.signal.aborted && kept.size > 0) {
        const topics = await Promise.all(kept.values())
        await admin.deleteTopics(topics)
      }
      admin.close()
      await broker.stop()
    }
    this.#turns.clear()
  }

  /** Measures one run of the load generator. `work` gets what the generator wants as control; traffic starts after the first sample. */
  async measured<T extends { readonly bytes: number; readonly seconds: number; readonly requests: number }>(
    { broker: { pid } }: Turn,
    work: (control: { signal: AbortSignal; onReady: () => void }) => Promise<T>
  ): Promise<{ readonly result: T; readonly figures: Figures; readonly otherPercent?: number }> {
    let begin: Moment | undefined
    const onReady = (): void => {
      if (pid !== undefined) begin = moment(pid)
    }
    const result = await work({ signal: this.options.signal, onReady })
    const figures = { throughput: result.bytes / MIB / result.seconds, requests: result.requests / result.seconds }
    if (pid === undefined || begin === undefined) return { result, figures }
    const spent = spentBetween(begin, moment(pid))
    return {
      result,
      figures: {
        ...figures,
        ...perGib(spent, result.bytes),
        cpuPerRequest: (spent.cpu / result.requests) * 1e6,
        rss: memoryOf(pid).rss
      },
      otherPercent: spent.otherPercent
    }
  }

  /** The price of the page cache before a write test. It warms the memory that it takes, so that a high one is tried again. */
  floor(bytes: number): number {
    let floor = Infinity
    for (let attempt = 0; attempt < FLOOR_ATTEMPTS && floor > DISTURBED_FLOOR; attempt++) floor = pageCachePrice(this.options.folder, bytes)
    return floor
  }

  #pauseOthers(subject: Subject | undefined): void {
    for (const [other, { broker }] of this.#turns) if (other !== subject) broker.pause()
  }

  async #fill(turn: Turn, partitions: number, bytes: number): Promise<string> {
    const topic = `bench-${process.pid}-${++this.#topics}`
    await turn.admin.createTopic(topic, partitions)
    if (bytes === 0) return topic
    const target = { bootstrap: turn.broker.bootstrap, topic, partitions, connections: partitions }
    await this.load.produce({ ...target, batchBytes: 64 * KIB, bytes }, { signal: this.options.signal })
    return topic
  }
}

function hasEnded({ own, pid }: BenchBroker): boolean {
  if (!own || pid === undefined) return false
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}
