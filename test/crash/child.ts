/** The child of the crash tests: does random things to an engine, says each on the history file, until it is killed or done. */
import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs'
import path from 'node:path'
import { randomFrom, type Random } from '../../src/cli/crash-disk.js'
import { Compression } from '../../src/record/compression.js'
import { endTransactionBatch } from '../../src/record/index.js'
import {
  appendBatch,
  batchBytes,
  compressed,
  markerId,
  markerTimestamp,
  openEngine,
  PARTITIONS,
  setSequence,
  TRANSACTIONAL,
  type CrashEngine
} from './engine.js'
import { encodeLine, type Line } from './history.js'
import type { AppendOrigin, Log } from '../../src/storage/log.js'

export interface ChildPlan {
  readonly disk: string
  readonly history: string
  readonly seed: number
  /** Names the batches: no other child's are called so. */
  readonly name: string
  readonly operations: number
  /** How it ends, unless it is killed before: an orderly stop, or a kill. */
  readonly end: 'close' | 'kill'
  /** At the end the rules and the ballast are taken away, and every log of a directory that is online must work. */
  readonly heals?: boolean
  /** A file that fills the disk, but for so many bytes, when so many operations are done. */
  readonly ballast?: { readonly after: number; readonly leave: number }
  /** Rules for the fault library, given to it when so many operations are done. */
  readonly rules?: { readonly after: number; readonly text: string; readonly until?: number }
}

const IN_FLIGHT = 6
const PRODUCERS = [1001, 1002, TRANSACTIONAL]
const BALLAST_BYTES = 4096
/** Markers are older than records, so that no time is both. */
const HOUR_MS = 3_600_000
const MOST_BATCHES = 10_000

interface Sender {
  next: number
  /** Of a batch that failed: its outcome is not known, so the producer begins anew only when its state has been asked. */
  readonly producerId: number
  /** It has a transaction that is not decided. */
  open: boolean
}

class Child {
  readonly #plan: ChildPlan
  readonly #random: Random
  readonly #fd: number
  readonly #engine: CrashEngine
  readonly #senders = new Map<string, Sender[]>()
  readonly #inFlight = new Set<Promise<unknown>>()
  /** By log: appends that are not answered, and whether one failed since there were none. */
  readonly #unanswered = new Map<string, number>()
  readonly #failed = new Set<string>()
  #batches = 0
  #epoch = 0
  readonly #markerTime: number

  constructor(plan: ChildPlan, engine: CrashEngine, fd: number) {
    this.#plan = plan
    this.#random = randomFrom(plan.seed)
    this.#engine = engine
    this.#fd = fd
    this.#markerTime = Date.now() - HOUR_MS + 2 * MOST_BATCHES * (Number(/\d+$/.exec(plan.name)?.[0]) || 0)
  }

  say(line: Line): void {
    writeSync(this.#fd, encodeLine(line))
  }

  #pick(count: number): number {
    return Math.floor(this.#random() * count)
  }

  async run(): Promise<void> {
    const { manager } = this.#engine
    manager.onDirFailure = (dir, error) =>
      this.say(['offline', error.code, manager.dirs.indexOf(dir), `${error.message} ${error.stack ?? ''}`])
    for (const [index, { failure }] of manager.dirs.entries()) if (failure) this.say(['offline', failure.code, index, failure.message])
    this.#epoch = 1 + this.#pick(3)
    for (const [topic, partition] of PARTITIONS) await this.#open(topic, partition)
    const { operations, rules, ballast } = this.#plan
    for (let done = 0; done < operations; done++) {
      if (rules !== undefined && rules.after === done) writeSync(this.#fd, `rules ${rules.text}\n`)
      if (rules?.until === done) writeSync(this.#fd, 'rules \n')
      if (ballast?.after === done) this.#fill(ballast.leave)
      await this.#step()
      while (this.#inFlight.size >= IN_FLIGHT) await Promise.race(this.#inFlight)
    }
    await Promise.all(this.#inFlight)
    if (this.#plan.heals === true) await this.#healed()
    if (this.#plan.end === 'kill') process.kill(process.pid, 'SIGKILL')
    await this.#engine.close()
    this.say(['closed'])
  }

  async #open(topic: string, partition: number): Promise<void> {
    const log = await this.#engine.whenReady(topic, partition)
    if (log !== undefined) return this.#know(log)
    // It may be in a directory that does not work: then no broker makes it anew.
    if (this.#engine.manager.dirs.every((dir) => dir.online)) await this.#create(topic, partition)
  }

  #know(log: Log): void {
    const entries = new Map([...log.producers()].map((entry) => [entry.producerId, entry]))
    const senders = PRODUCERS.map((producerId) => ({
      producerId,
      next: (entries.get(producerId)?.batches.at(-1)?.lastSequence ?? -1) + 1,
      open: (entries.get(producerId)?.currentTxnFirstOffset ?? -1) >= 0
    }))
    this.#senders.set(`${log.topic}-${log.partition}`, senders)
  }

  /** At once, or when all that is on its way is answered: it may have waited, and gets there now. */
  #knowSoon(log: Log): void {
    const key = `${log.topic}-${log.partition}`
    if ((this.#unanswered.get(key) ?? 0) === 0) this.#know(log)
    else this.#failed.add(key)
  }

  async #create(topic: string, partition: number): Promise<void> {
    const topicId = Buffer.from(Array.from({ length: 16 }, () => 1 + this.#pick(255))).toString('base64url')
    this.say(['creating', topic, partition, topicId])
    try {
      this.#know(await this.#engine.create(topic, partition, topicId))
      this.say(['created', topic, partition])
    } catch {
      // The disk does not let it; a later step tries again.
    }
  }

  async #step(): Promise<void> {
    const [topic, partition] = PARTITIONS[this.#pick(PARTITIONS.length)]!
    const log = this.#engine.manager.get(topic, partition)
    if (log === undefined) {
      if (topic === 'gone') await this.#create(topic, partition)
      return
    }
    const choice = this.#random()
    if (choice < 0.76) for (let count = 1 + this.#pick(4); count > 0; count--) this.#track(this.#append(log))
    else if (choice < 0.79) await this.#flush(log)
    else if (choice < 0.82) log.roll()
    else if (choice < 0.85) this.#track(this.#compact())
    else if (choice < 0.87) this.#track(this.#move(topic, partition))
    else if (choice < 0.89) await (this.#random() < 0.3 ? this.#restart(log) : this.#truncate(log))
    else if (choice < 0.905) await this.#retain(log)
    else if (choice < 0.92) await this.#deleteRecords(log)
    else if (choice < 0.94) await this.#checkpoint()
    else if (choice < 0.96) log.becomeLeader((this.#epoch = Math.max(this.#epoch, log.latestEpoch) + 1))
    else if (choice < 0.98 && topic === 'gone') await this.#drop(log)
    else await Promise.all(this.#inFlight)
  }

  #track(work: Promise<unknown>): void {
    const tracked = work.finally(() => this.#inFlight.delete(tracked))
    this.#inFlight.add(tracked)
  }

  async #append(to: Log): Promise<number> {
    const { topic, partition, topicId } = to
    const key = `${topic}-${partition}`
    const who = this.#random() < 0.6 ? this.#pick(PRODUCERS.length) : -1
    if (PRODUCERS[who] === TRANSACTIONAL && this.#senders.get(key)?.[who]?.open && this.#random() < 0.5)
      return this.#endTransaction(to, who)
    const count = 1 + this.#pick(4)
    const id = `${this.#plan.name}.${this.#batches++}`
    const timestamp = Date.now() - this.#pick(1000)
    const producerId = PRODUCERS[who] ?? -1
    const transactional = producerId === TRANSACTIONAL
    // What is acknowledged behind a flush is looked for on the disk by its bytes.
    const codec = topic !== 'durable' && this.#random() < 0.5 ? 1 + this.#pick(4) : Compression.none
    const tombstones = topic === 'packed'
    const draft = batchBytes({ id, count, pad: this.#pick(300), producerId, sequence: 0, timestamp, transactional, tombstones })
    const bytes = await compressed(draft, codec)
    // It may have gone meanwhile, or have moved.
    const log = this.#engine.manager.get(topic, partition)
    if (log?.topicId !== topicId) return 0
    const sender = this.#senders.get(key)?.[who]
    const sequence = sender?.next ?? -1
    if (sender) {
      sender.next += count
      sender.open ||= transactional
      setSequence(bytes, sequence)
    }
    this.say(['send', topic, partition, id, count, producerId, sequence, bytes.length])
    return this.#send(log, id, bytes, 'client')
  }

  async #endTransaction(log: Log, who: number): Promise<number> {
    const { topic, partition } = log
    const sender = this.#senders.get(`${topic}-${partition}`)![who]!
    const commit = this.#random() < 0.5
    const timestamp = markerTimestamp(this.#markerTime, this.#batches++, commit)
    const bytes = endTransactionBatch({ producerId: sender.producerId, producerEpoch: 0, coordinatorEpoch: 0, commit, timestamp })
    sender.open = false
    const id = markerId(timestamp)
    this.say(['send', topic, partition, id, 1, -1, -1, bytes.length])
    return this.#send(log, id, bytes, 'coordinator')
  }

  async #send(log: Log, id: string, bytes: Buffer, origin: AppendOrigin): Promise<number> {
    const { topic, partition } = log
    const key = `${topic}-${partition}`
    this.#unanswered.set(key, (this.#unanswered.get(key) ?? 0) + 1)
    const result = await appendBatch(this.#engine.runtime, log, bytes, Math.max(this.#epoch, log.latestEpoch), origin)
    const left = this.#unanswered.get(key)! - 1
    this.#unanswered.set(key, left)
    if (result.errorCode === 0) this.say(['ack', topic, partition, id, result.baseOffset, result.lastOffset])
    else {
      this.say(['nak', topic, partition, id, result.errorCode])
      this.#failed.add(key)
    }
    // Where its producers stand is asked only when nothing is on its way: else a sequence would be used twice, and the second batch taken for a retry.
    if (left === 0 && this.#failed.delete(key)) this.#know(this.#engine.manager.get(topic, partition) ?? log)
    return result.errorCode
  }

  // The disk has room again: every log takes what it is given.
  async #healed(): Promise<void> {
    writeSync(this.#fd, 'rules \n')
    if (this.#plan.ballast) unlinkSync(this.#ballastFile())
    const { manager } = this.#engine
    for (const log of manager.logs()) {
      if (manager.dirOf(log.topic, log.partition)?.online !== true) continue
      await log.whenIdle()
      this.#know(log)
      const errorCode = await this.#append(log)
      // A move that was decided may have taken it into the directory that failed.
      if (manager.dirOf(log.topic, log.partition)?.online) this.say(['healed', log.topic, log.partition, errorCode])
    }
  }

  async #flush(log: Log): Promise<void> {
    const end = log.endOffset
    try {
      await log.flush()
      this.say(['flushed', log.topic, log.partition, end])
    } catch {
      // The folder is offline, or the log is gone.
    }
  }

  async #retain(log: Log): Promise<void> {
    const start = log.logStartOffset
    const count = await log.applyRetention().catch(() => 0)
    if (count > 0) this.say(['cut', log.topic, log.partition, Math.max(start, log.logStartOffset)])
  }

  /** As a follower does. What is on its way is cut too, or waits and goes behind the cut. */
  async #truncate(log: Log): Promise<void> {
    const { topic, partition } = log
    const span = log.endOffset - log.logStartOffset
    const offset = log.endOffset - this.#pick(1 + Math.floor(span / 3))
    this.say(['truncating', topic, partition, offset])
    try {
      await log.truncateTo(offset)
      this.say(['truncated', topic, partition, offset])
      this.#checkEpochs(log)
      // What comes in its place is of another leader.
      log.becomeLeader((this.#epoch = Math.max(this.#epoch, log.latestEpoch) + 1))
    } catch {
      // The directory is offline, or the log is gone; else there was no room for the word that it is cut.
      if (this.#engine.manager.get(topic, partition) === log && this.#engine.manager.dirOf(topic, partition)?.online)
        this.say(['uncut', topic, partition])
    }
    this.#knowSoon(log)
  }

  /** A follower that asks where an epoch ends must not be sent beyond the end, where the next one began once. */
  #checkEpochs(log: Log): void {
    for (let epoch = 0; epoch < log.latestEpoch; epoch++) {
      const { endOffset } = log.epochEndOffset(epoch)
      if (endOffset > log.nextOffset)
        this.say(['complaint', `${log.topic}-${log.partition}: epoch ${epoch} ends at ${endOffset}, beyond ${log.nextOffset}`])
    }
  }

  /** As a follower does that has nothing of what its leader has. */
  async #restart(log: Log): Promise<void> {
    const { topic, partition } = log
    const offset = this.#random() < 0.5 ? log.endOffset + this.#pick(20) : this.#pick(log.endOffset + 1)
    this.say(['restarting', topic, partition, offset])
    try {
      await log.truncateFullyAndStartAt(offset)
      this.say(['restarted', topic, partition, offset])
      log.becomeLeader((this.#epoch = Math.max(this.#epoch, log.latestEpoch) + 1))
    } catch {
      // The directory is offline, or the log is gone; else there was no room.
      if (this.#engine.manager.get(topic, partition) === log && this.#engine.manager.dirOf(topic, partition)?.online)
        this.say(['uncut', topic, partition])
    }
    this.#knowSoon(log)
  }

  async #deleteRecords(log: Log): Promise<void> {
    const span = log.endOffset - log.logStartOffset
    const offset = log.logStartOffset + this.#pick(1 + Math.floor(span / 4))
    this.say(['cutting', log.topic, log.partition, offset])
    const { errorCode } = await log.deleteRecordsBefore(offset)
    if (errorCode === 0) this.say(['cut', log.topic, log.partition, offset])
    if (this.#random() < 0.5) await log.applyRetention().catch(() => 0)
  }

  async #checkpoint(): Promise<void> {
    for (const dir of this.#engine.manager.dirs)
      if (dir.online) await Promise.all([dir.saveRecoveryPoints(), dir.saveLogStarts()]).catch(() => undefined)
  }

  async #compact(): Promise<void> {
    await this.#engine.manager.cleaner.cleanFilthiest()
  }

  /** To the other directory. Its end is not waited for. */
  async #move(topic: string, partition: number): Promise<void> {
    const { manager } = this.#engine
    const from = manager.dirOf(topic, partition)
    const to = manager.dirs.find((dir) => dir !== from && dir.online)
    if (to && !manager.moves.isMoving(topic, partition)) await manager.moves.start(topic, partition, to.path)
  }

  #ballastFile(): string {
    return path.join(this.#plan.disk, 'ballast')
  }

  #fill(leave: number): void {
    const file = openSync(this.#ballastFile(), 'w')
    let size = 0
    try {
      for (const page = Buffer.alloc(BALLAST_BYTES, 1); ;) size += writeSync(file, page)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
    ftruncateSync(file, Math.max(0, size - leave))
    closeSync(file)
  }

  async #drop(log: Log): Promise<void> {
    this.say(['dropping', log.topic, log.partition])
    try {
      const { manager } = this.#engine
      const dir = manager.dirOf(log.topic, log.partition)
      await manager.delete(log.topic, log.partition)
      // In a directory that is offline nothing is renamed.
      if (dir?.online && manager.dirs.every((each) => each.online)) this.say(['dropped', log.topic, log.partition])
    } catch {
      // Not known whether it is gone.
    }
  }
}

const plan = JSON.parse(process.argv[2]!) as ChildPlan
const fd = openSync(plan.history, 'a')
writeSync(fd, encodeLine(['begin']))
const child = new Child(plan, await openEngine(plan.disk, (text) => void writeSync(fd, encodeLine(['complaint', text]))), fd)
await child.run()
closeSync(fd)
