/** Tasks of which only some run at a time. */
import { Fifo } from './fifo.js'

/** False: it does not wait any more. */
type Waiting = () => boolean

/** Runs at most so many tasks at a time; the rest wait in order. */
export class TaskQueue {
  #free: number
  readonly #waiting = new Fifo<Waiting>()

  constructor(atATime: number) {
    this.#free = atATime
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(() => (resolve(), true)))
    return this.#do(task)
  }

  /** As `run`; undefined: `signal` was aborted before its turn came, and it was not begun. */
  async runUnless<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T | undefined> {
    if (signal.aborted) return undefined
    if (this.#free > 0) this.#free--
    else if (!(await this.#turnUnless(signal))) return undefined
    return this.#do(task)
  }

  #turnUnless(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const leave = (): void => resolve(false)
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(() => {
        signal.removeEventListener('abort', leave)
        resolve(true)
        return !signal.aborted
      })
    })
  }

  async #do<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task()
    } finally {
      this.#next()
    }
  }

  #next(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) if (next()) return
    this.#free++
  }
}
