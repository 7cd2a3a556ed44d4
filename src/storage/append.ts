/** What goes into an append and what comes out. */
import { ErrorCode } from '../protocol/error-codes.js'
import type { RecordError, Refusal } from '../record/index.js'
import type { Frame } from '../native/runtime.js'
import type { Undo } from './producer-state.js'
import type { LogSegment } from './log-segment.js'
import type { AbortedTransaction } from './transaction-index.js'

/**
 * Who gave the batch decides what is checked and who assigns offsets. `client`: everything is checked. `coordinator`: this process built it;
 * producer epochs are checked, control records allowed. `replication`: batches of a leader, any number, with their offsets and epochs.
 */
export type AppendOrigin = 'client' | 'coordinator' | 'replication'

export interface AppendInput {
  /** The bytes must stay as they are until the result is there. The log takes its own reference: the caller may release his after the call. */
  readonly frame: Frame
  /** Of the batch, from the frame's start. */
  readonly offset: number
  /** Exactly the records field. */
  readonly length: number
  readonly origin: AppendOrigin
  /** Stamped into the batch (not for `replication`). */
  readonly leaderEpoch: number
  /** Of an end-transaction marker: the feature level of the coordinator that writes it (KIP-890). */
  readonly transactionVersion?: number
}

/** A value, never a rejection. */
export interface AppendResult {
  /** An ErrorCode; 0: written. */
  readonly errorCode: number
  readonly errorMessage: string | null
  /** -1 on error. A retry of an idempotent batch gets the offset of the original. */
  readonly baseOffset: number
  readonly lastOffset: number
  /** -1 unless the topic stamps LogAppendTime. A retry of what is written gets the largest timestamp of the original, as in Kafka. */
  readonly logAppendTimeMs: number
  /** -1 with some errors. */
  readonly logStartOffset: number
  /** The records that were refused, where it was about single records. */
  readonly batchIndexErrors?: readonly RecordError[]
}

export type Resolve = (result: AppendResult) => void

/** The transaction that a marker ends. */
export interface TransactionEnd {
  readonly producerId: number
  /** Undefined: it is committed, or there was none. */
  readonly aborted: AbortedTransaction | undefined
}

/** A batch that has its offsets and is on its way to the file. */
export interface PendingBatch {
  readonly segment: LogSegment
  readonly bytes: number
  /** Where it ends in the segment; 0: it is not written yet. */
  end: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly records: number
  readonly maxTimestamp: number
  readonly logAppendTimeMs: number
  /** What it changed in the producer states. */
  readonly undo: Undo | undefined
  readonly ends: TransactionEnd | undefined
  readonly resolve: Resolve
  /** Retries of it that came before it was written. */
  retries?: Resolve[]
}

/** What a client is told without the log's start, as by Kafka: these do not say that the log was looked at. */
const SILENT: ReadonlySet<number> = new Set([
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.KAFKA_STORAGE_ERROR
])

export function failedAppend(errorCode: number, errorMessage: string | null, startOffset: number): AppendResult {
  const logStartOffset = SILENT.has(errorCode) ? -1 : startOffset
  return { errorCode, errorMessage, baseOffset: -1, lastOffset: -1, logAppendTimeMs: -1, logStartOffset }
}

export function refusedAppend({ errorCode, errorMessage, batchIndexErrors }: Refusal, logStartOffset: number): AppendResult {
  const failed = failedAppend(errorCode, errorMessage, logStartOffset)
  return batchIndexErrors === undefined ? failed : { ...failed, batchIndexErrors }
}

export function storageFailure(message: string, logStartOffset: number): AppendResult {
  return failedAppend(ErrorCode.KAFKA_STORAGE_ERROR, message, logStartOffset)
}
