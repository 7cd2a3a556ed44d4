/** So many bytes a second, for work in the background. */
import type { Clock, Timer } from '../clock.js'

/** How soon a rate of 0 is asked again. */
const STANDSTILL_MS = 1000
const SECOND_MS = 1000

export class Throttle {
  readonly #clock: Clock
  readonly #bytesPerSecond: () => number
  readonly #sleeping = new Map<() => void, Timer>()
  #freeAtMs = 0
  #stopped = false

  /** The rate is asked each time; `Number.MAX_SAFE_INTEGER`: no limit. */
  constructor(clock: Clock, bytesPerSecond: () => number) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
  }

  /** After so much was done: resolves when more may be done. */
  async take(bytes: number): Promise<void> {
    let rate = this.#bytesPerSecond()
    for (; rate <= 0 && !this.#stopped; rate = this.#bytesPerSecond()) await this.sleep(STANDSTILL_MS)
    if (rate >= Number.MAX_SAFE_INTEGER) return
    const now = this.#clock.monotonic()
    this.#freeAtMs = Math.max(now, this.#freeAtMs) + (bytes / rate) * SECOND_MS
    await this.sleep(this.#freeAtMs - now)
  }

  /** Resolves after a while, or when `stop` is called. */
  sleep(delayMs: number): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        this.#sleeping.delete(done)
        resolve()
      }
      this.#sleeping.set(done, this.#clock.schedule(delayMs, done))
    })
  }

  stop(): void {
    this.#stopped = true
    for (const [done, timer] of this.#sleeping) {
      timer.cancel()
      done()
    }
  }
}
