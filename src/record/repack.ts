/**
 * Another codec for a batch, as `compression.type` of a topic asks for it. The records stay as they are, byte for byte: their order, keys, values,
 * headers, timestamps; and so does what the header tells of offsets, producer and sequence.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import * as batch from './batch.js'
import { compress, COMPRESSION_NAMES, Compression } from './compression.js'
import { isRefusal, judgeRecords, payloadOf, type Refusal, type ValidationRules } from './validate.js'
import type { WalkRecords } from './walk.js'

export interface Codec {
  /** One of Compression. */
  readonly type: number
  /** Of the codec; undefined: its default. */
  readonly level: number | undefined
}

export interface Repacked {
  /** Of the records. */
  readonly maxTimestamp: number
  /** The whole batch. Its CRC is not right yet. */
  readonly bytes: Buffer
}

/**
 * The batch at `at`, whose header is fine, with its records in another codec. With `walk` they are checked on the way. Refused as too large when it
 * comes out larger than `max.message.bytes`, as Kafka does: what a producer compressed well may not fit uncompressed. Never rejects.
 */
export async function repackBatch(
  buffer: Buffer,
  at: number,
  codec: Codec,
  rules: ValidationRules,
  walk: WalkRecords | undefined
): Promise<Refusal | Repacked> {
  const payload = await payloadOf(buffer, at)
  if (isRefusal(payload)) return payload
  const maxTimestamp =
    walk === undefined ? batch.maxTimestamp(buffer, at) : judgeRecords(buffer, at, payload, 0, payload.length, rules, walk)
  if (isRefusal(maxTimestamp)) return maxTimestamp
  // Before any work for a codec that can not make it smaller.
  if (codec.type === Compression.none && payload.length + batch.BATCH_OVERHEAD > rules.maxMessageBytes)
    return tooLarge(payload, codec, rules)
  let records: Buffer
  try {
    records = await compress(codec.type, payload, codec.level)
  } catch (error) {
    const errorMessage = `the records can not be compressed with ${COMPRESSION_NAMES[codec.type]}: ${(error as Error).message}`
    return { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, errorMessage }
  }
  if (records.length + batch.BATCH_OVERHEAD > rules.maxMessageBytes) return tooLarge(records, codec, rules)
  const bytes = Buffer.allocUnsafe(batch.BATCH_OVERHEAD + records.length)
  buffer.copy(bytes, 0, at, at + batch.BATCH_OVERHEAD)
  bytes.set(records, batch.BATCH_OVERHEAD)
  bytes.writeInt32BE(bytes.length - batch.LOG_OVERHEAD, batch.At.batchLength)
  bytes.writeInt16BE((batch.attributes(buffer, at) & ~batch.Attribute.compression) | codec.type, batch.At.attributes)
  return { maxTimestamp, bytes }
}

function tooLarge(records: Buffer, { type }: Codec, { maxMessageBytes }: ValidationRules): Refusal {
  const bytes = records.length + batch.BATCH_OVERHEAD
  const how = type === Compression.none ? 'uncompressed' : `compressed with ${COMPRESSION_NAMES[type]}`
  return {
    errorCode: ErrorCode.MESSAGE_TOO_LARGE,
    errorMessage: `the record batch has ${bytes} bytes ${how}, max.message.bytes is ${maxMessageBytes}`
  }
}
