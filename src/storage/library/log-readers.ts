/** Who reads the records of one log: waits for more, and goes back where the log is cut. */
import type { StorageError } from '../../errors.js'
import type { Cursor, Readers } from './record-reader.js'

export class LogReaders implements Readers {
  readonly cursors = new Set<Cursor>()
  #waiting: (() => void)[] = []
  #ended: StorageError | undefined
  #failure: StorageError | undefined

  /** Why nothing will come any more; undefined: it may. */
  get ended(): StorageError | undefined {
    return this.#ended ?? this.#failure
  }

  get failure(): StorageError | undefined {
    return this.#failure
  }

  async more(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted || this.ended !== undefined) return false
    await new Promise<void>((resolve) => {
      this.#waiting.push(() => {
        signal.removeEventListener('abort', this.wake)
        resolve()
      })
      signal.addEventListener('abort', this.wake)
    })
    return !signal.aborted && this.#ended === undefined
  }

  /** There may be more. Who has no more to read waits again. */
  readonly wake = (): void => {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** What was read from `offset` on is not there any more. */
  cut(offset: number): void {
    for (const cursor of this.cursors) cursor.cutTo = Math.min(cursor.cutTo, offset)
  }

  /** The log is closed or deleted: who waits is let go. */
  end(reason: StorageError): void {
    this.#ended ??= reason
    this.wake()
  }

  /** The folder has failed: who waits is told. */
  fail(error: StorageError): void {
    this.#failure ??= error
    this.wake()
  }
}
