/** From batches to records, one at a time. */
import { decodeBatches, decompressedRecords, recordsOf, type DecodedBatch, type RecordHeader } from '../../record/index.js'
import type { Log } from '../log.js'

/** Keys and values are views of what was read; they stay as they are. */
export interface LogRecord {
  readonly offset: number
  /** Milliseconds since the epoch; -1: none. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

export interface ReadOptions {
  /** The first offset. Default: the start of the log. */
  readonly from?: number
  /** Records from here on are not given. Default: the end of the log at each read. */
  readonly to?: number
  /** At the end it waits for more until this is aborted, or the directory is closed. */
  readonly follow?: AbortSignal
  /** Read at a time, about. Default: 1 MiB. */
  readonly maxBytes?: number
}

export const FIRST_READ_BYTES = 1024 * 1024
/** Of one compressed batch: as much as a broker allows when it checks one. */
const DECOMPRESSED_BYTES = 128 * 1024 * 1024

/** `more`: waits until there may be more; false: there will not. */
export async function* readRecords(
  log: Log,
  { from = 0, to = Number.MAX_SAFE_INTEGER, follow, maxBytes = FIRST_READ_BYTES }: ReadOptions,
  more: (signal: AbortSignal) => Promise<boolean>
): AsyncGenerator<LogRecord, void, undefined> {
  let next = from
  while (next < to) {
    const end = Math.min(to, log.endOffset)
    if (next >= end) {
      if (follow === undefined || !(await more(follow))) return
      continue
    }
    const bytes = await log.readBytes(next, maxBytes)
    if (bytes.length === 0) {
      next = end
      continue
    }
    for (const batch of decodeBatches(bytes)) {
      if (batch.baseOffset >= end) break
      if (batch.lastOffset < next) continue
      if (!batch.control) yield* recordsWithin(bytes, batch, next, end)
      next = batch.lastOffset + 1
    }
  }
}

async function* recordsWithin(bytes: Buffer, batch: DecodedBatch, from: number, end: number): AsyncGenerator<LogRecord, void, undefined> {
  for (const record of recordsOf(bytes, batch, await decompressedRecords(bytes, batch, DECOMPRESSED_BYTES))) {
    if (record.offset >= end) return
    if (record.offset >= from) yield record
  }
}
