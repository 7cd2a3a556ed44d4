/** Tasks of which only some run at a time. */
import { Fifo } from './fifo.js'

/** Runs at most so many tasks at a time; the rest wait in order. */
export class TaskQueue {
  #free: number
  readonly #waiting = new Fifo<() => void>()

  constructor(atATime: number) {
    this.#free = atATime
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }
}
