/** What is done to all logs from time to time: retention, flushes that are due, checkpoints, producers that are long gone. */
import type { Clock, Timer } from '../clock.js'
import type { BrokerConfig } from '../config/index.js'
import type { Logger } from '../log.js'
import type { Log } from './log.js'
import type { LogDir } from './log-dir.js'

/** How often it is looked whether a flush is due, where a log has a `flush.ms`: within this much of it. */
const FLUSH_TICK_MS = 100
/** How often it is looked whether any log has one: with thousands of logs less often. */
const FLUSH_SEARCH_MS_PER_LOG = 0.5
const FLUSH_SEARCH_MOST_MS = 5000
/** Recovery points that moved are written after so long, together: they only shorten the next recovery. */
const SAVE_AFTER_MS = 1000

interface Logs {
  readonly dirs: readonly LogDir[]
  logs(): Iterable<Log>
}

export class LogTasks {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #config: BrokerConfig
  readonly #logs: Logs
  readonly #timers = new Set<Timer>()
  readonly #delayed = new Map<Timer, () => void>()
  readonly #saving = new Set<LogDir>()
  #stopped = false

  constructor({ clock, log, config }: { clock: Clock; log: Logger; config: BrokerConfig }, logs: Logs) {
    this.#clock = clock
    this.#log = log
    this.#config = config
    this.#logs = logs
  }

  start(): void {
    const config = this.#config
    const first = config.get('log.initial.task.delay.ms')
    this.#repeat(
      first,
      () => config.get('log.retention.check.interval.ms'),
      () => this.#retention()
    )
    this.#repeat(
      first,
      () => config.get('log.flush.offset.checkpoint.interval.ms'),
      () => this.#eachDir((dir) => dir.saveRecoveryPoints())
    )
    this.#repeat(
      first,
      () => config.get('log.flush.start.offset.checkpoint.interval.ms'),
      () => this.#eachDir((dir) => dir.saveLogStarts())
    )
    this.#repeat(
      first,
      () => config.get('producer.id.expiration.check.interval.ms'),
      () => this.#expireProducers()
    )
    this.#repeat(
      FLUSH_TICK_MS,
      () => this.#flushTick(),
      () => this.#flush()
    )
  }

  /** Writes the recovery points of a directory in a moment. */
  saveSoon(dir: LogDir): void {
    if (this.#stopped || this.#saving.has(dir)) return
    this.#saving.add(dir)
    const timer = this.#clock.schedule(SAVE_AFTER_MS, () => {
      this.#timers.delete(timer)
      this.#saving.delete(dir)
      if (dir.online) dir.saveRecoveryPoints().catch((error: Error) => this.#log.error(`${dir.path}: ${error.message}`))
    })
    this.#timers.add(timer)
  }

  /** Runs `work` once after a while, or when the tasks stop. */
  after(delayMs: number, work: () => void): void {
    const timer = this.#clock.schedule(delayMs, () => {
      this.#delayed.delete(timer)
      work()
    })
    this.#delayed.set(timer, work)
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers) timer.cancel()
    for (const [timer, work] of this.#delayed) {
      timer.cancel()
      work()
    }
    this.#delayed.clear()
  }

  // The next run is set when the last one is over, so that slow disks are not asked for more and more. An interval of 0 means once, as in Kafka.
  #repeat(firstMs: number, intervalMs: () => number, work: () => Promise<void> | void): void {
    const timer = this.#clock.schedule(firstMs, () => {
      this.#timers.delete(timer)
      void Promise.resolve(work())
        .catch((error: Error) => this.#log.error(`maintenance of the logs: ${error.message}`))
        .then(() => {
          if (!this.#stopped && intervalMs() > 0) this.#repeat(intervalMs(), intervalMs, work)
        })
    })
    this.#timers.add(timer)
  }

  async #retention(): Promise<void> {
    for (const log of Array.from(this.#logs.logs())) {
      if (this.#stopped) return
      if (!log.mayDelete) continue
      try {
        const count = await log.applyRetention()
        if (count > 0) this.#log.info(`${log.topic}-${log.partition}: ${count} segments deleted, it begins at ${log.logStartOffset}`)
      } catch (error) {
        this.#log.error(`${log.topic}-${log.partition}: retention failed: ${(error as Error).message}`)
      }
    }
  }

  async #eachDir(save: (dir: LogDir) => Promise<void>): Promise<void> {
    for (const dir of this.#logs.dirs) {
      if (!dir.online || this.#stopped) continue
      try {
        await save(dir)
      } catch (error) {
        // The other directories have theirs all the same.
        this.#log.error(`${dir.path}: ${(error as Error).message}`)
      }
    }
  }

  #expireProducers(): void {
    for (const log of this.#logs.logs()) log.expireProducers()
  }

  // Kafka looks only as often as log.flush.scheduler.interval.ms says: by default never, whatever flush.ms asks for. Unset, it is looked often enough here.
  #flushTick(): number {
    const intervalMs = this.#config.get('log.flush.scheduler.interval.ms')
    if (intervalMs < Number.MAX_SAFE_INTEGER) return Math.max(1, intervalMs)
    let count = 0
    for (const log of this.#logs.logs()) {
      if (log.config.flushMs < Number.MAX_SAFE_INTEGER) return FLUSH_TICK_MS
      count++
    }
    return Math.min(FLUSH_SEARCH_MOST_MS, Math.max(FLUSH_TICK_MS, count * FLUSH_SEARCH_MS_PER_LOG))
  }

  #flush(): void {
    const now = this.#clock.now()
    for (const log of this.#logs.logs()) if (log.config.flushMs < Number.MAX_SAFE_INTEGER) log.flushIfDue(now)
  }
}
