/** So many bytes a second, for work in the background. */
import { sleep, type Clock } from '../clock.js'

/** Shorter waits are not worth a timer; they add up. */
const SHORTEST_WAIT_MS = 5
/** Unused time is not saved for longer than this: a pause allows no burst. */
const SAVED_MS = 300
const SMALLEST_PIECE = 64 * 1024
const LARGEST_PIECE = 4 * 1024 * 1024
/** How soon a rate of 0 is asked again. */
const STANDSTILL_MS = 1000

export class Throttle {
  readonly #clock: Clock
  readonly #rate: () => number
  #paidUntilMs = -Infinity

  /** `rate`: bytes a second, asked each time: the setting is live. `Number.MAX_SAFE_INTEGER`: no limit. */
  constructor(clock: Clock, rate: () => number) {
    this.#clock = clock
    this.#rate = rate
  }

  /** How much to do before asking again: small enough for the rate to be even. */
  get pieceBytes(): number {
    const piece = (this.#rate() * SAVED_MS) / 1000
    return Math.floor(Math.min(LARGEST_PIECE, Math.max(SMALLEST_PIECE, piece)))
  }

  /** After so much was done: resolves when it is paid for, or soon when `signal` is aborted. */
  async spent(bytes: number, signal: AbortSignal): Promise<void> {
    let rate = this.#rate()
    for (; rate <= 0 && !signal.aborted; rate = this.#rate()) await sleep(this.#clock, STANDSTILL_MS, signal)
    if (rate >= Number.MAX_SAFE_INTEGER || signal.aborted) return
    const now = this.#clock.monotonic()
    this.#paidUntilMs = Math.max(this.#paidUntilMs, now - SAVED_MS) + (bytes * 1000) / rate
    const wait = this.#paidUntilMs - now
    if (wait >= SHORTEST_WAIT_MS) await sleep(this.#clock, wait, signal)
  }
}
