/** Batches that a program builds: what it hands in is checked, which the builder of the broker leaves to its callers. */
import { buildBatch as build, RecordBatchBuilder as Builder, type BatchOptions, type RecordInput } from '../../record/index.js'
import { checkBatch, checkRecord, checkRecords } from './checks.js'

/**
 * Collects records and gives the bytes of one batch. Offsets are the position in the batch unless `append` says otherwise (batches with
 * gaps, as compaction leaves them).
 */
export class RecordBatchBuilder extends Builder {
  /** `capacity`: how many bytes it will be, as far as that is known. Throws a TypeError or a RangeError, as `append` does. */
  constructor(options: BatchOptions = {}, capacity?: number) {
    checkBatch(options)
    super(options, capacity)
  }

  override append(record: RecordInput, offsetDelta?: number): this {
    checkRecord(record)
    return super.append(record, offsetDelta)
  }
}

/** One batch of `records`, uncompressed. Throws a TypeError or a RangeError. */
export function buildBatch(records: readonly RecordInput[], options: BatchOptions = {}): Buffer {
  if (!Array.isArray(records)) throw new TypeError('the records of a batch are a list')
  checkRecords(records)
  checkBatch(options)
  return build(records, options)
}
