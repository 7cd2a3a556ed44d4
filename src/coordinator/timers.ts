/**
 * Timers by name over a Clock. Setting one again replaces it; pushing a deadline back, what every heartbeat does, only writes a number:
 * the clock's timer is re-armed when it fires too early. Who is heard elsewhere (`StandingAnswers`) pushes it back as well.
 */
import type { Clock, Timer } from '../clock.js'
import type { StandingAnswers } from './standing-answers.js'

interface Entry<E> {
  deadline: number
  delayMs: number
  event: E
  armedFor: number
  timer: Timer
}

export class NamedTimers<E> {
  readonly #clock: Clock
  readonly #beforeTimers: () => void
  readonly #fire: (event: E) => void
  readonly #standing: StandingAnswers | undefined
  readonly #entries = new Map<string, Entry<E>>()

  /**
   * `beforeTimers` runs before a due timer is looked at for the last time: it handles requests that had arrived already, one of which may
   * move the deadline.
   */
  constructor(clock: Clock, beforeTimers: () => void, fire: (event: E) => void, standing?: StandingAnswers) {
    this.#clock = clock
    this.#beforeTimers = beforeTimers
    this.#fire = fire
    this.#standing = standing
  }

  get size(): number {
    return this.#entries.size
  }

  schedule(key: string, delayMs: number, event: E): void {
    const deadline = this.#clock.monotonic() + Math.max(0, delayMs)
    const entry = this.#entries.get(key)
    if (entry && entry.armedFor <= deadline) {
      entry.deadline = deadline
      entry.delayMs = delayMs
      entry.event = event
      return
    }
    entry?.timer.cancel()
    this.#entries.set(key, this.#arm(key, { deadline, delayMs, event }))
  }

  cancel(key: string): void {
    this.#entries.get(key)?.timer.cancel()
    this.#ended(key)
  }

  cancelAll(): void {
    for (const [key, { timer }] of this.#entries) {
      timer.cancel()
      this.#ended(key)
    }
  }

  #ended(key: string): void {
    this.#entries.delete(key)
    this.#standing?.forget(key)
  }

  #arm(key: string, { deadline, delayMs, event }: { deadline: number; delayMs: number; event: E }): Entry<E> {
    const dueInMs = Math.ceil(deadline - this.#clock.monotonic())
    const timer = this.#clock.schedule(dueInMs, () => this.#expired(key, entry))
    const entry: Entry<E> = { deadline, delayMs, event, armedFor: deadline, timer }
    return entry
  }

  #isDue(key: string, entry: Entry<E>): boolean {
    if (this.#entries.get(key) !== entry) return false
    entry.deadline = Math.max(entry.deadline, (this.#standing?.heard(key) ?? 0) + entry.delayMs)
    // A clock may call a little early, and cuts very long delays.
    if (entry.deadline - this.#clock.monotonic() < 1) return true
    this.#entries.set(key, this.#arm(key, entry))
    return false
  }

  #expired(key: string, entry: Entry<E>): void {
    if (!this.#isDue(key, entry)) return
    this.#beforeTimers()
    if (!this.#isDue(key, entry)) return
    this.#ended(key)
    this.#fire(entry.event)
  }
}
