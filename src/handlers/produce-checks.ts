/** What is wrong with a Produce before any coordinator or log is asked, in the order in which Kafka finds it: only lengths and headers are looked at. */
import type { Frame } from '../native/runtime.js'
import { ErrorCode } from '../protocol/error-codes.js'
import type { produce } from '../protocol/messages/00-produce.js'
import type { MessageOf } from '../protocol/schema.js'
import { batch, Compression } from '../record/index.js'

const FIRST_VERSION_WITH_ZSTD = 7

/** What `batchAt` answers below 1. */
const NO_BATCH = 0
const CORRUPT = -1

/** The bytes of the batch that begins here; CORRUPT: none could begin so; NO_BATCH: the bytes end in it. */
function batchAt(buffer: Buffer, at: number, end: number): number {
  const left = end - at
  if (left < batch.LOG_OVERHEAD) return NO_BATCH
  const length = batch.batchLength(buffer, at)
  if (length < batch.LEAST_LENGTH) return CORRUPT
  if (left <= batch.At.magic) return NO_BATCH
  const magic = batch.magic(buffer, at)
  if (magic < 0 || magic > batch.CURRENT_MAGIC) return CORRUPT
  return length + batch.LOG_OVERHEAD > left ? NO_BATCH : length + batch.LOG_OVERHEAD
}

/** In words, what these checks have found; Kafka says nothing of a partition's bytes. */
export const REASONS: Readonly<Record<number, string>> = {
  [ErrorCode.CORRUPT_MESSAGE]: 'the bytes are no record batch',
  [ErrorCode.INVALID_RECORD]: 'a produce request holds exactly one record batch for a partition, whole and of magic version 2',
  [ErrorCode.UNSUPPORTED_COMPRESSION_TYPE]: `zstd is known from version ${FIRST_VERSION_WITH_ZSTD} of Produce on`
}

/** What every partition of a request is told: Kafka looks for transactions in it first, and gives up where bytes can be no batch. */
export function requestError(request: MessageOf<typeof produce.request>, { buffer }: Frame): number {
  for (const { partitionData } of request.topicData) {
    for (const { records } of partitionData) {
      if (records === null) continue
      const at = records.byteOffset - buffer.byteOffset
      const size = batchAt(buffer, at, at + records.length)
      if (size === CORRUPT) return ErrorCode.CORRUPT_MESSAGE
      if (size === NO_BATCH || batch.magic(buffer, at) !== batch.CURRENT_MAGIC || !batch.isTransactional(buffer, at)) continue
      return request.transactionalId === null ? ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED : ErrorCode.NONE
    }
  }
  return ErrorCode.NONE
}

/** Whether the bytes for a partition are one batch that a request of this version may hold. */
export function recordsError(records: Uint8Array | null, apiVersion: number, { buffer }: Frame): number {
  if (records === null) return ErrorCode.INVALID_RECORD
  const at = records.byteOffset - buffer.byteOffset
  const end = at + records.length
  const size = batchAt(buffer, at, end)
  if (size === CORRUPT) return ErrorCode.CORRUPT_MESSAGE
  if (size === NO_BATCH || batch.magic(buffer, at) !== batch.CURRENT_MAGIC) return ErrorCode.INVALID_RECORD
  // KIP-110: consumers of these versions may not know zstd.
  if (apiVersion < FIRST_VERSION_WITH_ZSTD && batch.compressionType(buffer, at) === Compression.zstd) {
    return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
  }
  if (size < batch.BATCH_OVERHEAD) return ErrorCode.CORRUPT_MESSAGE
  if (size === records.length) return ErrorCode.NONE
  // Kafka cuts off what is no whole batch; here nothing is taken of which a part is lost.
  return batchAt(buffer, at + size, end) === CORRUPT ? ErrorCode.CORRUPT_MESSAGE : ErrorCode.INVALID_RECORD
}
