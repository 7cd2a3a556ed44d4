/** What a reader of committed records must be told, by the batches themselves: to compare with the transaction index and the last stable offset. */
import { batch } from '../../src/record/index.js'
import type { Log } from '../../src/storage/log.js'
import { readEndMarker } from '../../src/storage/producer-batch.js'

export class Transactions {
  readonly #open = new Map<number, number>()
  readonly #aborted: { producerId: number; firstOffset: number; lastOffset: number }[] = []

  /** The next batch of the log. */
  add(bytes: Buffer, at: number): void {
    const producerId = batch.producerId(bytes, at)
    const base = batch.baseOffset(bytes, at)
    if (!batch.isControl(bytes, at)) {
      if (batch.isTransactional(bytes, at) && !this.#open.has(producerId)) this.#open.set(producerId, base)
      return
    }
    const firstOffset = this.#open.get(producerId)
    this.#open.delete(producerId)
    if (readEndMarker(bytes, at)?.commit !== false || firstOffset === undefined) return
    this.#aborted.push({ producerId, firstOffset, lastOffset: base })
  }

  /** `from`: the first offset that was read. A transaction may have begun below it, where nobody can look any more. */
  async compare(log: Log, from: number, problems: string[]): Promise<void> {
    const stable = Math.min(log.endOffset, ...Array.from(this.#open.values(), (offset) => Math.max(offset, log.logStartOffset)))
    const mayBeOpen = from > 0 && log.lastStableOffset === log.logStartOffset
    if (log.lastStableOffset !== stable && !mayBeOpen)
      problems.push(`the last stable offset is ${log.lastStableOffset}, should be ${stable}`)
    const all = (await log.abortedTransactions(0, log.endOffset)).map(({ producerId, firstOffset, lastOffset }) => ({
      producerId,
      firstOffset,
      lastOffset
    }))
    const older = new Set(all.filter(({ firstOffset }) => firstOffset < from).map(({ lastOffset }) => lastOffset))
    const told = all.filter(({ lastOffset }) => !older.has(lastOffset))
    const read = this.#aborted.filter(({ lastOffset }) => !older.has(lastOffset))
    if (JSON.stringify(told) !== JSON.stringify(read))
      problems.push(`the transaction index has ${JSON.stringify(told)}, the log ${JSON.stringify(read)}`)
  }
}
