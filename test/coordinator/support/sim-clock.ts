/** A clock that stands still until it is told to go on. Timers of one moment run in the order in which they were set. */
import type { Clock, Timer } from '../../../src/clock.js'

interface Scheduled {
  readonly at: number
  readonly run: () => void
}

export class SimClock implements Clock {
  readonly #start: number
  #elapsed = 0
  readonly #timers = new Set<Scheduled>()

  constructor(start = 1_000_000) {
    this.#start = start
  }

  now(): number {
    return this.#start + this.#elapsed
  }

  monotonic(): number {
    return this.#elapsed
  }

  schedule(delayMs: number, run: () => void): Timer {
    const timer = { at: this.#elapsed + Math.max(0, delayMs), run }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.size
  }

  /** Goes on by `ms`, from timer to timer; after each, `settle` lets promises have their turn. */
  async advance(ms: number, settle: () => Promise<void> = turn): Promise<void> {
    const end = this.#elapsed + ms
    for (;;) {
      let next: Scheduled | undefined
      for (const timer of this.#timers) if (timer.at <= end && (!next || timer.at < next.at)) next = timer
      if (!next) break
      this.#elapsed = Math.max(this.#elapsed, next.at)
      this.#timers.delete(next)
      next.run()
      await settle()
    }
    this.#elapsed = end
  }
}

/** All promises that can be resolved without I/O are, afterwards. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
