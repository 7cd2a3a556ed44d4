/** `max.connection.creation.rate`: new connections a second, of all clients together (KIP-612). */
import type { Clock } from '../../clock.js'
import { RateMeter } from './meters.js'

const UNLIMITED = 2147483647
const WINDOWS = { count: 11, sizeMs: 1000 }

export class ConnectionRate {
  readonly #clock: Clock
  #meter: RateMeter | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A connection was opened. Returns how long it is not to be served, in milliseconds. `most`: the setting, which may have changed. */
  opened(most: number): number {
    if (most === UNLIMITED) {
      this.#meter = undefined
      return 0
    }
    const now = this.#clock.monotonic()
    this.#meter ??= new RateMeter(WINDOWS, now)
    this.#meter.record(1, now)
    return this.#meter.throttleMs(Math.max(1, most), now)
  }
}
