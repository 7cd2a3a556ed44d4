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

  async compare(log: Log, problems: string[]): Promise<void> {
    const stable = Math.min(log.endOffset, ...this.#open.values())
    if (log.lastStableOffset !== stable) problems.push(`the last stable offset is ${log.lastStableOffset}, should be ${stable}`)
    const told = (await log.abortedTransactions(0, log.endOffset)).map(({ producerId, firstOffset, lastOffset }) => ({
      producerId,
      firstOffset,
      lastOffset
    }))
    if (JSON.stringify(told) !== JSON.stringify(this.#aborted))
      problems.push(`the transaction index has ${JSON.stringify(told)}, the log ${JSON.stringify(this.#aborted)}`)
  }
}
