/** Keeps what all cleaners read and write below `log.cleaner.io.max.bytes.per.second`. */
import type { Clock } from '../../clock.js'

/** Shorter waits are not worth a timer; they add up. */
const SHORTEST_WAIT_MS = 5
/** Unused time is not saved for longer than this: a pause allows no burst. */
const SAVED_MS = 300
const SMALLEST_PIECE = 64 * 1024
const LARGEST_PIECE = 4 * 1024 * 1024

export class Throttle {
  readonly #clock: Clock
  readonly #rate: () => number
  #paidUntilMs = -Infinity

  /** `rate`: bytes a second, asked each time: the setting is live. */
  constructor(clock: Clock, rate: () => number) {
    this.#clock = clock
    this.#rate = rate
  }

  /** How much to do before asking again: small enough for the rate to be even. */
  get pieceBytes(): number {
    const piece = (this.#rate() * SAVED_MS) / 1000
    return Math.floor(Math.min(LARGEST_PIECE, Math.max(SMALLEST_PIECE, piece)))
  }

  /** Resolves when so many bytes are paid for, or at once when `signal` is aborted. */
  async spent(bytes: number, signal: AbortSignal): Promise<void> {
    const rate = this.#rate()
    const now = this.#clock.monotonic()
    this.#paidUntilMs = Math.max(this.#paidUntilMs, now - SAVED_MS) + (bytes * 1000) / Math.max(1, rate)
    const wait = this.#paidUntilMs - now
    if (wait < SHORTEST_WAIT_MS || signal.aborted) return
    await new Promise<void>((resolve) => {
      const done = () => {
        timer.cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = this.#clock.schedule(wait, done)
      signal.addEventListener('abort', done)
    })
  }
}
