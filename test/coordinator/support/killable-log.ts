/** The log of a coordinator whose writes can stand still, and get lost with their writer. */
import type { CoordinatorAppendResult, CoordinatorLog, EncodedRecord, RecordVisitor } from '../../../src/coordinator/coordinator-log.js'
import { ErrorCode } from '../../../src/protocol/error-codes.js'

export class KillableLog implements CoordinatorLog {
  readonly #batches: (readonly EncodedRecord[])[] = []
  #held: { records: readonly EncodedRecord[]; done: (result: CoordinatorAppendResult) => void }[] = []
  holding = false
  /** The next append, and all that are under way behind it. */
  failing = false

  maxBatchBytes(): number {
    return 1_000_000
  }

  checkProducer(): number {
    return ErrorCode.NONE
  }

  append(_partition: number, records: readonly EncodedRecord[]): Promise<CoordinatorAppendResult> {
    return new Promise((done) => {
      this.#held.push({ records, done })
      if (!this.holding) this.release()
    })
  }

  release(): void {
    for (const { records, done } of this.#held.splice(0)) {
      if (this.failing) {
        done({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, lastOffset: -1 })
        continue
      }
      this.#batches.push(records)
      done({ errorCode: ErrorCode.NONE, lastOffset: this.#batches.length })
    }
    this.failing = false
  }

  /** The first `kept` of what is held got to the disk, but nobody was told. */
  kill(kept: number): void {
    for (const { records } of this.#held.splice(0).slice(0, kept)) this.#batches.push(records)
  }

  async load(_partition: number, visitor: RecordVisitor): Promise<void> {
    for (const [offset, records] of this.#batches.entries()) for (const { key, value } of records) visitor.record(key, value, offset, -1)
  }
}
