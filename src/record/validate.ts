/**
 * The checks of a batch that a client produced, as Kafka makes them: what is refused, with which error, and what is corrected.
 * CRC and framing are checked in native code before; here come the header's meaning and the records.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import * as batch from './batch.js'
import { Compression, decompress } from './compression.js'
import { WALK_FIELDS, walkRecords, WalkField, WalkFlaw, type WalkRecords } from './walk.js'

export interface ValidationRules {
  /** `max.message.bytes` */
  readonly maxMessageBytes: number
  /** `cleanup.policy` holds `compact`: every record needs a key. */
  readonly compacted: boolean
  /** `message.timestamp.type` is LogAppendTime: the timestamps of the producer don't count. */
  readonly logAppendTime: boolean
  readonly beforeMaxMs: number
  readonly afterMaxMs: number
  readonly nowMs: number
}

export interface RecordError {
  readonly batchIndex: number
  readonly message: string | null
}

export interface Refusal {
  readonly errorCode: number
  readonly errorMessage: string
  readonly batchIndexErrors?: readonly RecordError[]
}

/** What the addon's `checkBatches` answers below 1. */
export const CheckVerdict = { length: -1, magic: -2, crc: -3, fields: -4 } as const

/** A refusal, or the largest timestamp of the records, which the header may tell wrongly. */
export type Verdict = Refusal | number

/** More than a batch of the default size can expand to with an honest producer; what expands further is refused as too large. */
export const MAX_DECOMPRESSED_BYTES = 128 * 1024 * 1024
const MAX_RECORD_ERRORS = 1000
const ERRORS_IN_MESSAGE = 3

const found = new Float64Array(WALK_FIELDS)

export function isRefusal<T>(verdict: Refusal | T): verdict is Refusal {
  return typeof verdict === 'object' && verdict !== null && 'errorCode' in verdict
}

/** Whether so many bytes may be appended at once: asked before their CRC is computed. Undefined: yes. */
export function checkSize(length: number, { maxMessageBytes }: ValidationRules): Refusal | undefined {
  if (length === 0) return invalid('a produce request holds exactly one record batch for a partition, this one holds none')
  if (length <= maxMessageBytes) return undefined
  return refuse(ErrorCode.MESSAGE_TOO_LARGE, `the record batch has ${length} bytes, max.message.bytes is ${maxMessageBytes}`)
}

/** The header of what should be one batch at `buffer[at, at + length)`; `checked` is the answer of `checkBatches`. Undefined: fine. */
export function checkHeader(buffer: Buffer, at: number, length: number, checked: number): Refusal | undefined {
  if (checked < 1) return framingRefusal(buffer, at, length, checked)
  if (checked > 1) return invalid(`a produce request holds exactly one record batch for a partition, this one holds ${checked}`)
  const attributes = batch.attributes(buffer, at)
  if ((attributes & batch.Attribute.control) !== 0) return invalid('clients may not write control records')
  const compression = attributes & batch.Attribute.compression
  if (compression > Compression.zstd) return refuse(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, `unknown compression type ${compression}`)
  const idempotent = batch.hasProducerId(buffer, at)
  if (idempotent && batch.baseSequence(buffer, at) < 0) return invalid('a batch with a producer id needs a sequence')
  if (idempotent && batch.producerEpoch(buffer, at) < 0) return invalid('a batch with a producer id needs a producer epoch')
  if (!idempotent && (attributes & batch.Attribute.transactional) !== 0) return invalid('a transactional batch needs a producer id')
  if ((attributes & batch.Attribute.deleteHorizon) !== 0) return invalid('clients may not set a delete horizon')
  return undefined
}

/** The records of a batch whose header is fine, compressed or not. Never rejects. */
export async function checkRecords(buffer: Buffer, at: number, rules: ValidationRules, walk: WalkRecords = walkRecords): Promise<Verdict> {
  const payload = await payloadOf(buffer, at)
  return isRefusal(payload) ? payload : judgeRecords(buffer, at, payload, 0, payload.length, rules, walk)
}

/** As checkRecords, at once, for a batch that is not compressed. */
export function checkPlainRecords(buffer: Buffer, at: number, rules: ValidationRules, walk: WalkRecords = walkRecords): Verdict {
  return judgeRecords(buffer, at, buffer, at + batch.BATCH_OVERHEAD, at + batch.sizeInBytes(buffer, at), rules, walk)
}

/** The records of a batch, decompressed where need be: a view into the batch, or bytes of their own. */
export async function payloadOf(buffer: Buffer, at: number): Promise<Buffer | Refusal> {
  const records = buffer.subarray(at + batch.BATCH_OVERHEAD, at + batch.sizeInBytes(buffer, at))
  const compression = batch.compressionType(buffer, at)
  if (compression === Compression.none) return records
  const payload = await decompress(compression, records, MAX_DECOMPRESSED_BYTES)
  if (Buffer.isBuffer(payload)) return payload
  if (payload.flaw === 'too-large') {
    return refuse(ErrorCode.MESSAGE_TOO_LARGE, `the records expand to more than ${MAX_DECOMPRESSED_BYTES} bytes`)
  }
  return invalid('the records can not be decompressed')
}

/** The records in `bytes[start, end)`, which are not compressed, of the batch whose header is at `header[at]`. */
export function judgeRecords(
  header: Buffer,
  at: number,
  bytes: Buffer,
  start: number,
  end: number,
  rules: ValidationRules,
  walk: WalkRecords
): Verdict {
  const count = batch.recordCount(header, at)
  const flaw = walk(bytes, start, end, count, found)
  if (flaw !== WalkFlaw.none) return recordRefusal(flaw, found[WalkField.index]!)
  if (rules.compacted && found[WalkField.firstWithoutKey]! >= 0) return listErrors(header, at, bytes, start, end, rules)
  if (batch.isLogAppendTime(header, at)) return listErrors(header, at, bytes, start, end, rules)
  const base = batch.baseTimestamp(header, at)
  const least = base + found[WalkField.minTimestampDelta]!
  const most = base + found[WalkField.maxTimestampDelta]!
  if (rules.logAppendTime) return most
  if (!inTime(least, rules) || !inTime(most, rules)) return listErrors(header, at, bytes, start, end, rules)
  // A record without a timestamp is the least, and says nothing of the others.
  if (least !== batch.NO_TIMESTAMP || rules.nowMs <= rules.beforeMaxMs) return most
  const refusal = listErrors(header, at, bytes, start, end, rules)
  return refusal.batchIndexErrors?.length === 0 ? most : refusal
}

function inTime(timestamp: number, rules: ValidationRules): boolean {
  return timestamp === batch.NO_TIMESTAMP || (rules.nowMs - timestamp <= rules.beforeMaxMs && timestamp - rules.nowMs <= rules.afterMaxMs)
}

// Walks once more, only after it is known that something is wrong.
function listErrors(header: Buffer, at: number, bytes: Buffer, start: number, end: number, rules: ValidationRules): Refusal {
  const errors: RecordError[] = []
  const base = batch.baseTimestamp(header, at)
  const markedByClient = batch.isLogAppendTime(header, at)
  let times = 0
  let total = 0
  walkRecords(bytes, start, end, batch.recordCount(header, at), found, (batchIndex, delta, keyLength) => {
    const keyless = rules.compacted && keyLength < 0
    const late = !rules.logAppendTime && !inTime(base + delta, rules)
    if (!keyless && !late && !markedByClient) return
    total++
    if (!keyless) times++
    if (errors.length >= MAX_RECORD_ERRORS) return
    let message = `Timestamp ${base + delta} of message with offset ${batchIndex} is out of range: the timestamp should be within [${rules.nowMs - rules.beforeMaxMs}, ${rules.nowMs + rules.afterMaxMs}]`
    if (keyless) message = 'Compacted topic cannot accept message without key.'
    else if (!late) message = 'Invalid timestamp type: a producer should not set the timestamp type to LogAppendTime.'
    errors.push({ batchIndex, message })
  })
  if (times > 0) {
    const errorMessage = 'One or more records have been rejected due to invalid timestamp'
    return { errorCode: ErrorCode.INVALID_TIMESTAMP, errorMessage, batchIndexErrors: errors }
  }
  const first = errors.slice(0, ERRORS_IN_MESSAGE).map((error) => error.message)
  const errorMessage = `One or more records have been rejected due to ${total} record errors in total, and only showing the first three errors at most: ${first.join('; ')}`
  return { errorCode: ErrorCode.INVALID_RECORD, errorMessage, batchIndexErrors: errors }
}

function framingRefusal(buffer: Buffer, at: number, length: number, checked: number): Refusal {
  if (checked === CheckVerdict.crc) return refuse(ErrorCode.CORRUPT_MESSAGE, 'the record batch fails its CRC')
  if (checked === CheckVerdict.magic) return invalid('a produce request may only hold record batches with magic version 2')
  if (checked === CheckVerdict.fields) return invalid("the record batch's count does not fit its offsets")
  // A length that no batch can have is corrupt; bytes that end inside their first batch hold none.
  const claimed = length < batch.LOG_OVERHEAD ? 0 : batch.batchLength(buffer, at)
  if (claimed !== 0 && claimed < batch.BATCH_OVERHEAD - batch.LOG_OVERHEAD)
    return refuse(ErrorCode.CORRUPT_MESSAGE, `a record batch claims ${claimed} bytes`)
  return invalid('a produce request holds exactly one whole record batch for a partition')
}

function recordRefusal(flaw: number, index: number): Refusal {
  const what = flaw === WalkFlaw.offsets ? 'does not have its position as its offset' : 'is malformed'
  return invalid(`record ${index} of the batch ${what}`)
}

function invalid(errorMessage: string): Refusal {
  return refuse(ErrorCode.INVALID_RECORD, errorMessage)
}

function refuse(errorCode: number, errorMessage: string): Refusal {
  return { errorCode, errorMessage }
}
