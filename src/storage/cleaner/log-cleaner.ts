/**
 * The log cleaner: compacts the logs whose `cleanup.policy` says so, the one with the largest share of dirty bytes first, as many at a time as
 * `log.cleaner.threads` says. How far each is compacted stands in the `cleaner-offset-checkpoint` of its folder.
 */
import type { Clock, Timer } from '../../clock.js'
import type { BrokerConfig } from '../../config/index.js'
import { StorageError } from '../../errors.js'
import type { Logger } from '../../log.js'
import { isPassing } from '../files.js'
import type { Log } from '../log.js'
import type { LogDir } from '../log-dir.js'
import { partitionFolder } from '../names.js'
import type { CleanNeed, CleanResult } from './log-cleaning.js'
import { Throttle } from '../throttle.js'
import { dirtyRatio } from './policy.js'
import { WaitsForRoom } from './replace.js'

const MIB = 1024 * 1024

/** `other`: it was begun before, by another. */
interface Begun {
  readonly work: Promise<CleanResult | undefined>
  readonly other: boolean
}

interface Candidate {
  readonly dir: LogDir
  readonly log: Log
  readonly need: CleanNeed
}

export class LogCleaner {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #config: BrokerConfig
  readonly #dirs: readonly LogDir[]
  readonly #isMoving: (topic: string, partition: number) => boolean
  readonly #throttle: Throttle
  readonly #uncleanable = new WeakSet<Log>()
  // Logs that are being compacted, and until when.
  readonly #busy = new Map<Log, Promise<CleanResult | undefined>>()
  readonly #workers = new Set<Promise<void>>()
  #choosing: Promise<unknown> = Promise.resolve()
  #timer: Timer | undefined
  #stopped = false

  /** `isMoving`: the partition is being copied to another directory, and nothing but appends may change it. */
  constructor(
    { clock, log, config }: { readonly clock: Clock; readonly log: Logger; readonly config: BrokerConfig },
    dirs: readonly LogDir[],
    isMoving: (topic: string, partition: number) => boolean
  ) {
    this.#clock = clock
    this.#log = log
    this.#config = config
    this.#dirs = dirs
    this.#isMoving = isMoving
    this.#throttle = new Throttle(clock, () => config.get('log.cleaner.io.max.bytes.per.second'))
  }

  start(): void {
    if (this.#config.get('log.cleaner.enable')) this.#schedule()
  }

  /** Begins no further compaction; those that run end with their logs. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  /** Whether a broken batch keeps the log from being compacted until it is opened anew. */
  isUncleanable(log: Log): boolean {
    return this.#uncleanable.has(log)
  }

  /** Compacts the log that needs it most. False: none does, or it could not be done. One that waits for room leaves their turn to the others. */
  async cleanFilthiest(): Promise<boolean> {
    const begun = await this.#inTurn(async () => {
      const best = await this.#choose()
      return best && this.#begin(best)
    })
    if (begun === undefined) return false
    const result = await begun.work.catch((error: unknown) => error)
    return result instanceof WaitsForRoom || (result !== undefined && !(result instanceof Error))
  }

  /**
   * Compacts a log now, whether it is due or not; when that is being done already, once more. Undefined: there is nothing to compact, or it was
   * stopped. Rejects with a StorageError; EBADMSG: a batch is broken, and its segment stays as it is.
   */
  async cleanNow(log: Log): Promise<CleanResult | undefined> {
    for (;;) {
      const begun = await this.#inTurn(() => this.#beginNow(log))
      if (begun?.other !== true) return begun?.work
      await begun.work.catch(() => undefined)
    }
  }

  // One chooses at a time: two would choose the same.
  #inTurn<T>(choose: () => Promise<T>): Promise<T> {
    const chosen = this.#choosing.then(choose)
    this.#choosing = chosen.catch(() => undefined)
    return chosen
  }

  async #beginNow(log: Log): Promise<Begun | undefined> {
    const work = this.#busy.get(log)
    if (work !== undefined) return { work, other: true }
    const dir = this.#dirs.find((each) => each.logs.get(partitionFolder(log.topic, log.partition)) === log)
    if (this.#stopped || dir?.online !== true || this.#isMoving(log.topic, log.partition)) return undefined
    const need = await this.#needOf(dir, log)
    return need === undefined || need.range.cleanableBytes === 0 ? undefined : this.#begin({ dir, log, need })
  }

  #begin(candidate: Candidate): Begun {
    const work = this.#clean(candidate).finally(() => this.#busy.delete(candidate.log))
    this.#busy.set(candidate.log, work)
    return { work, other: false }
  }

  /** The log is in another directory now, compacted as far as it was. */
  moved({ topic, partition }: Log, from: LogDir, to: LogDir): void {
    const key = partitionFolder(topic, partition)
    const offset = from.cleanerOffsets.get(key)
    if (offset === undefined) return
    to.saveCleanerOffset(key, offset)
      .then(() => from.forgetCleanerOffset(key))
      .catch((error: Error) => this.#log.warn(`${key} has moved, but the checkpoints of the log cleaner do not tell: ${error.message}`))
  }

  #schedule(): void {
    if (this.#stopped) return
    this.#timer = this.#clock.schedule(this.#config.get('log.cleaner.backoff.ms'), () => {
      this.#startWorkers()
      this.#schedule()
    })
  }

  #startWorkers(): void {
    while (this.#workers.size < this.#config.get('log.cleaner.threads')) {
      const worker = this.#work().finally(() => this.#workers.delete(worker))
      this.#workers.add(worker)
    }
  }

  async #work(): Promise<void> {
    try {
      while (!this.#stopped && (await this.cleanFilthiest()));
    } catch (error) {
      this.#log.error(`the log cleaner: ${(error as Error).message}`)
    }
  }

  async #choose(): Promise<Candidate | undefined> {
    let best: Candidate | undefined
    for (const dir of this.#dirs) {
      for (const log of Array.from(dir.logs.values())) {
        if (this.#stopped || !dir.online) break
        if (!log.config.cleanupPolicy.includes('compact') || this.#busy.has(log) || this.#uncleanable.has(log)) continue
        if (this.#isMoving(log.topic, log.partition)) continue
        const need = await this.#needOf(dir, log)
        if (need?.due && (best === undefined || dirtyRatio(need.range) > dirtyRatio(best.need.range))) best = { dir, log, need }
      }
    }
    return best
  }

  async #needOf(dir: LogDir, log: Log): Promise<CleanNeed | undefined> {
    const key = partitionFolder(log.topic, log.partition)
    try {
      const checkpoint = dir.cleanerOffsets.get(key)
      const need = await log.cleaning.need(checkpoint)
      const { reset, offset } = need.start
      if (reset === undefined) return need
      // With retention the log start moves by itself.
      if (reset === 'beyond-end' || !log.config.cleanupPolicy.includes('delete')) {
        const where = reset === 'beyond-end' ? `behind its end ${log.endOffset}` : `before its start ${log.logStartOffset}`
        this.#log.warn(`${key}: the checkpoint of the log cleaner is at ${checkpoint}, ${where}: reset to ${offset}`)
      }
      await dir.saveCleanerOffset(key, offset)
      return need
    } catch (error) {
      if (dir.logs.get(key) === log) this.#log.warn(`${key}: what is to be compacted could not be found out: ${(error as Error).message}`)
      return undefined
    }
  }

  async #clean({ dir, log, need }: Candidate): Promise<CleanResult | undefined> {
    const config = this.#config
    const key = partitionFolder(log.topic, log.partition)
    const threads = Math.max(1, config.get('log.cleaner.threads'))
    const began = this.#clock.monotonic()
    if (this.#isMoving(log.topic, log.partition)) return undefined
    try {
      const result = await log.cleaning.clean(need.range, {
        mapBytes: config.get('log.cleaner.dedupe.buffer.size') / threads,
        loadFactor: config.get('log.cleaner.io.buffer.load.factor'),
        bufferBytes: Math.floor(config.get('log.cleaner.io.buffer.size') / threads / 2),
        throttle: this.#throttle
      })
      if (result === undefined || dir.logs.get(key) !== log) return undefined
      await dir.saveCleanerOffset(key, result.endOffset)
      this.#tell(key, need, result, this.#clock.monotonic() - began)
      await log.applyRetention()
      return result
    } catch (error) {
      this.#failed(dir, log, key, error)
      throw error
    }
  }

  #tell(key: string, { range }: CleanNeed, result: CleanResult, ms: number): void {
    const { bytesBefore, bytesAfter, recordsRead, recordsKept, recordsWithoutKey, segmentsBefore, segmentsAfter } = result
    const mib = (bytes: number) => (bytes / MIB).toFixed(1)
    const dropped = recordsWithoutKey > 0 ? `, ${recordsWithoutKey} had no key` : ''
    this.#log.info(
      `${key} compacted up to ${result.endOffset} (dirty from ${range.firstDirtyOffset}): ${mib(bytesBefore)} to ${mib(bytesAfter)} MiB, ` +
        `${segmentsBefore} to ${segmentsAfter} segments, ${recordsRead} to ${recordsKept} records${dropped}, in ${(ms / 1000).toFixed(1)} s`
    )
  }

  #failed(dir: LogDir, log: Log, key: string, error: unknown): void {
    const message = (error as Error).message
    if (!dir.online || dir.logs.get(key) !== log) return
    if (error instanceof StorageError && (isPassing(error.code) || error.code === 'ECANCELED')) {
      this.#log.warn(`${key} could not be compacted now: ${message}`)
      return
    }
    this.#uncleanable.add(log)
    this.#log.error(`${key} can not be compacted and stays as it is, until the broker is started anew: ${message}`)
  }
}
