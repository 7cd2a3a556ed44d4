/** From batches to records, one at a time. */
import { decodeBatches, decompressedRecords, recordsOf, type DecodedBatch, type RecordHeader } from '../../record/index.js'
import type { Aborted, Log } from '../log.js'

/** Keys and values are views of what was read; they stay as they are. */
export interface LogRecord {
  readonly offset: number
  /** Milliseconds since the epoch; -1: none. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/**
 * Apache Kafka's `isolation.level`. `read_uncommitted`, the default: everything up to `endOffset`. `read_committed`: up to `lastStableOffset`, before
 * the first transaction that is not decided; a reader leaves out the records of aborted ones.
 */
export type IsolationLevel = 'read_uncommitted' | 'read_committed'

export interface Isolation {
  readonly isolation?: IsolationLevel
}

export interface ReadOptions extends Isolation {
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
const NONE: Aborted = []

/** The readers of one log, and what they wait for. */
export interface Readers {
  /** Waits until there may be more; false: there will not. */
  more(signal: AbortSignal): Promise<boolean>
  /** The folder can not be read any more. */
  readonly failure: Error | undefined
  /** Where the log was cut: each reader goes back to there. */
  readonly cursors: Set<Cursor>
}

export interface Cursor {
  /** From here on everything is other than what was read; Infinity: nothing is. */
  cutTo: number
}

export async function* readRecords(log: Log, options: ReadOptions, readers: Readers): AsyncGenerator<LogRecord, void, undefined> {
  const { from = 0, to = Number.MAX_SAFE_INTEGER, follow, maxBytes = FIRST_READ_BYTES } = options
  const committed = options.isolation === 'read_committed'
  const cursor: Cursor = { cutTo: Infinity }
  readers.cursors.add(cursor)
  try {
    let next = from
    while (next < to) {
      next = Math.min(next, cursor.cutTo)
      cursor.cutTo = Infinity
      if (readers.failure !== undefined) throw readers.failure
      const end = Math.min(to, committed ? log.lastStableOffset : log.endOffset)
      if (next >= end) {
        if (follow === undefined || !(await readers.more(follow))) return
        continue
      }
      const bytes = await log.readBytes(next, maxBytes)
      const batches = Array.from(decodeBatches(bytes))
      const last = batches.at(-1)
      if (last === undefined) {
        next = end
        continue
      }
      const aborted = committed ? await log.abortedTransactions(next, Math.min(end, last.lastOffset + 1)) : NONE
      for (const batch of batches) {
        if (batch.baseOffset >= cursor.cutTo) break
        if (batch.baseOffset >= end) {
          // Compaction has left nothing before it.
          next = end
          break
        }
        if (batch.lastOffset < next) continue
        if (!batch.control && !isAborted(batch, aborted)) yield* recordsWithin(bytes, batch, next, end, cursor)
        if (batch.baseOffset >= cursor.cutTo) break
        next = batch.lastOffset + 1
      }
    }
  } finally {
    readers.cursors.delete(cursor)
  }
}

function isAborted({ transactional, producerId, baseOffset }: DecodedBatch, aborted: Aborted): boolean {
  if (!transactional) return false
  return aborted.some((one) => one.producerId === producerId && one.firstOffset <= baseOffset && baseOffset <= one.lastOffset)
}

async function* recordsWithin(
  bytes: Buffer,
  batch: DecodedBatch,
  from: number,
  end: number,
  cursor: Cursor
): AsyncGenerator<LogRecord, void, undefined> {
  for (const record of recordsOf(bytes, batch, await decompressedRecords(bytes, batch, DECOMPRESSED_BYTES))) {
    if (record.offset >= end || record.offset >= cursor.cutTo) return
    if (record.offset >= from) yield record
  }
}
