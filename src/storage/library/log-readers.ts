/** Who reads the records of one log: waits for more, and goes back where the log is cut. */
import type { Cursor, Readers } from './record-reader.js'

export class LogReaders implements Readers {
  readonly cursors = new Set<Cursor>()
  #waiting: (() => void)[] = []
  #ended = false

  /** True: nothing will come any more. */
  get ended(): boolean {
    return this.#ended
  }

  async more(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted || this.#ended) return false
    await new Promise<void>((resolve) => {
      this.#waiting.push(() => {
        signal.removeEventListener('abort', this.wake)
        resolve()
      })
      signal.addEventListener('abort', this.wake)
    })
    return !signal.aborted && !this.#ended
  }

  /** There may be more. Who has no more to read waits again. */
  readonly wake = (): void => {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** What was read from `offset` on is not there any more. */
  cut(offset: number): void {
    for (const cursor of this.cursors) cursor.cutTo = Math.min(cursor.cutTo, offset)
  }

  /** Who waits is let go. */
  end(): void {
    this.#ended = true
    this.wake()
  }
}
