/**
 * Timers by name over a Clock. Setting one again replaces it; pushing a deadline back, what every heartbeat does, only writes a number:
 * the clock's timer is re-armed when it fires too early.
 */
import type { Clock, Timer } from '../clock.js'

interface Entry<E> {
  deadline: number
  event: E
  armedFor: number
  timer: Timer
}

export class NamedTimers<E> {
  readonly #clock: Clock
  readonly #beforeTimers: () => void
  readonly #fire: (event: E) => void
  readonly #entries = new Map<string, Entry<E>>()

  /**
   * `beforeTimers` runs before a due timer is looked at for the last time: it handles requests that had arrived already, one of which may
   * move the deadline.
   */
  constructor(clock: Clock, beforeTimers: () => void, fire: (event: E) => void) {
    this.#clock = clock
    this.#beforeTimers = beforeTimers
    this.#fire = fire
  }

  get size(): number {
    return this.#entries.size
  }

  schedule(key: string, delayMs: number, event: E): void {
    const deadline = this.#clock.monotonic() + Math.max(0, delayMs)
    const entry = this.#entries.get(key)
    if (entry && entry.armedFor <= deadline) {
      entry.deadline = deadline
      entry.event = event
      return
    }
    entry?.timer.cancel()
    this.#entries.set(key, this.#arm(key, { deadline, event }))
  }

  cancel(key: string): void {
    this.#entries.get(key)?.timer.cancel()
    this.#entries.delete(key)
  }

  cancelAll(): void {
    for (const { timer } of this.#entries.values()) timer.cancel()
    this.#entries.clear()
  }

  #arm(key: string, { deadline, event }: { deadline: number; event: E }): Entry<E> {
    const delayMs = Math.ceil(deadline - this.#clock.monotonic())
    const entry: Entry<E> = { deadline, event, armedFor: deadline, timer: this.#clock.schedule(delayMs, () => this.#expired(key, entry)) }
    return entry
  }

  #isDue(key: string, entry: Entry<E>): boolean {
    if (this.#entries.get(key) !== entry) return false
    // A clock may call a little early, and cuts very long delays.
    if (entry.deadline - this.#clock.monotonic() < 1) return true
    this.#entries.set(key, this.#arm(key, entry))
    return false
  }

  #expired(key: string, entry: Entry<E>): void {
    if (!this.#isDue(key, entry)) return
    this.#beforeTimers()
    if (!this.#isDue(key, entry)) return
    this.#entries.delete(key)
    this.#fire(entry.event)
  }
}
