/** The log of a coordinator that must not write: what is there is loaded, what changes lives only in memory. */
import { ErrorCode } from '../protocol/error-codes.js'
import type { CoordinatorAppendResult, CoordinatorLog, RecordVisitor } from './coordinator-log.js'

const WRITTEN: CoordinatorAppendResult = { errorCode: ErrorCode.NONE, lastOffset: -1 }

export class UnwrittenCoordinatorLog implements CoordinatorLog {
  readonly #log: CoordinatorLog

  constructor(log: CoordinatorLog) {
    this.#log = log
  }

  maxBatchBytes(partition: number): number {
    return this.#log.maxBatchBytes(partition)
  }

  append(): Promise<CoordinatorAppendResult> {
    return Promise.resolve(WRITTEN)
  }

  checkProducer(): number {
    return ErrorCode.NONE
  }

  load(partition: number, visitor: RecordVisitor): Promise<void> {
    return this.#log.load(partition, visitor)
  }
}
