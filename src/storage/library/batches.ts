/** Batches that a program builds: what it hands in is checked, which the builder of the broker leaves to its callers. */
import { buildBatch as build, RecordBatchBuilder as Builder, type BatchOptions, type RecordInput } from '../../record/index.js'
import type { CompressionName } from './appends.js'
import { checkBatch, checkOffsetDelta, checkRecord, checkRecords, checkSize, compressionType } from './checks.js'

/**
 * Collects records and gives the bytes of one batch. Offsets are the position in the batch unless `append` says otherwise (batches with
 * gaps, as compaction leaves them).
 */
export class RecordBatchBuilder extends Builder {
  #lastOffsetDelta = -1

  /** `capacity`: how many bytes it will be, as far as that is known. Throws a TypeError or a RangeError, as `append` does. */
  constructor(options: BatchOptions = {}, capacity?: number) {
    checkBatch(options)
    super(options, capacity)
  }

  override append(record: RecordInput, offsetDelta: number = this.#lastOffsetDelta + 1): this {
    checkRecord(record)
    checkOffsetDelta(offsetDelta, this.#lastOffsetDelta)
    super.append(record, offsetDelta)
    this.#lastOffsetDelta = offsetDelta
    return this
  }

  override build(): Buffer {
    checkSize(this)
    return super.build()
  }

  /** The batch with its records compressed; numbers as the format has them. The builder must not be used after it. */
  override async buildCompressed(compression: number | CompressionName): Promise<Buffer> {
    checkSize(this)
    return super.buildCompressed(compressionType(compression))
  }
}

/** One batch of `records`, uncompressed. Throws a TypeError or a RangeError. */
export function buildBatch(records: readonly RecordInput[], options: BatchOptions = {}): Buffer {
  if (!Array.isArray(records)) throw new TypeError('the records of a batch are a list')
  checkRecords(records)
  checkBatch(options)
  return build(records, options)
}
