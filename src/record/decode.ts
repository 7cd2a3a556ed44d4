/**
 * Batches and their records as objects: for coordinators, metadata loading, tools and tests. Never on the way of a produce or a fetch.
 */
import { WireError } from '../errors.js'
import * as batch from './batch.js'
import { decompress } from './compression.js'
import { VarintCursor } from './varint.js'

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** One record. `key`, `value` and header values are views into the batch's bytes. */
export interface DecodedRecord {
  readonly offset: number
  readonly timestamp: number
  /** -1 without idempotence. */
  readonly sequence: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/** A batch whose header was read and whose CRC was checked; the records are decoded when they are iterated. */
export interface DecodedBatch {
  readonly position: number
  readonly sizeInBytes: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly partitionLeaderEpoch: number
  readonly crc: number
  readonly attributes: number
  readonly compression: number
  readonly logAppendTime: boolean
  readonly transactional: boolean
  readonly control: boolean
  /** Set when attribute bit 6 is: then the base timestamp is the delete horizon (KIP-534). */
  readonly deleteHorizonMs: number | null
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/**
 * The whole batches of `buffer`, in order. Ends silently before a batch that is cut off: what a fetch gives may end so. Throws a WireError at
 * bytes that are no batch v2 or fail their CRC.
 */
export function* decodeBatches(buffer: Buffer): Generator<DecodedBatch> {
  if (!Buffer.isBuffer(buffer)) throw new TypeError('batches are decoded from a Buffer')
  let at = 0
  for (;;) {
    const size = batch.frameAt(buffer, at, buffer.length, true)
    if (size === 'truncated') return
    if (typeof size === 'string') throw new WireError(`not a record batch at byte ${at}: ${size}`)
    yield describeBatch(buffer, at)
    at += size
  }
}

/** The header fields of the batch at `at`. */
export function describeBatch(buffer: Buffer, at: number): DecodedBatch {
  const attributes = batch.attributes(buffer, at)
  return {
    position: at,
    sizeInBytes: batch.sizeInBytes(buffer, at),
    baseOffset: batch.baseOffset(buffer, at),
    lastOffset: batch.lastOffset(buffer, at),
    partitionLeaderEpoch: batch.partitionLeaderEpoch(buffer, at),
    crc: batch.crc(buffer, at),
    attributes,
    compression: attributes & batch.Attribute.compression,
    logAppendTime: (attributes & batch.Attribute.logAppendTime) !== 0,
    transactional: (attributes & batch.Attribute.transactional) !== 0,
    control: (attributes & batch.Attribute.control) !== 0,
    deleteHorizonMs: (attributes & batch.Attribute.deleteHorizon) === 0 ? null : batch.baseTimestamp(buffer, at),
    baseTimestamp: batch.baseTimestamp(buffer, at),
    maxTimestamp: batch.maxTimestamp(buffer, at),
    producerId: batch.producerId(buffer, at),
    producerEpoch: batch.producerEpoch(buffer, at),
    baseSequence: batch.baseSequence(buffer, at),
    recordCount: batch.recordCount(buffer, at)
  }
}

/**
 * The records of one batch of `buffer`. A compressed batch needs its decompressed records as `payload` (see `decompressedRecords`).
 * Throws a WireError at a malformed record, at too few records and at bytes left over.
 */
export function* recordsOf(buffer: Buffer, header: DecodedBatch, payload?: Buffer): Generator<DecodedRecord> {
  const cursor = cursorOf(buffer, header, payload)
  const { end } = cursor
  for (let index = 0; index < header.recordCount; index++) yield readRecord(cursor, header)
  if (cursor.at !== end) throw new WireError(`${end - cursor.at} bytes follow the last record of a batch`)
}

/**
 * As `recordsOf`, for those who read very many: calls `visit` with what they need of each record. Key and value are views that lie in the batch's
 * bytes.
 */
export function visitRecords(
  buffer: Buffer,
  header: DecodedBatch,
  payload: Buffer | undefined,
  visit: (offset: number, key: Uint8Array | null, value: Uint8Array | null) => void
): void {
  const cursor = cursorOf(buffer, header, payload)
  const { end } = cursor
  for (let index = 0; index < header.recordCount; index++) {
    const length = cursor.varint()
    if (length < 0 || length > end - cursor.at) throw new WireError(`a record claims ${length} bytes`)
    cursor.end = cursor.at + length
    cursor.skip(1)
    cursor.varlong()
    const offset = header.baseOffset + cursor.varint()
    const key = viewOf(cursor)
    const value = viewOf(cursor)
    readHeaders(cursor)
    if (cursor.at !== cursor.end) throw new WireError('a record is shorter than its length says')
    cursor.end = end
    visit(offset, key, value)
  }
  if (cursor.at !== end) throw new WireError(`${end - cursor.at} bytes follow the last record of a batch`)
}

/** The decompressed records of a compressed batch; undefined when it isn't compressed. Throws a WireError when they can't be had within `maxBytes`. */
export async function decompressedRecords(buffer: Buffer, header: DecodedBatch, maxBytes: number): Promise<Buffer | undefined> {
  if (header.compression === 0) return undefined
  const from = header.position + batch.BATCH_OVERHEAD
  const result = await decompress(header.compression, buffer.subarray(from, header.position + header.sizeInBytes), maxBytes)
  if (!Buffer.isBuffer(result)) throw new WireError(`the records of a batch can't be decompressed: ${result.flaw}`)
  return result
}

/** Every record of every whole batch that holds data (control batches are passed over). The batches must not be compressed. */
export function* decodeRecords(buffer: Buffer): Generator<DecodedRecord> {
  for (const header of decodeBatches(buffer)) if (!header.control) yield* recordsOf(buffer, header)
}

/** As decodeRecords, for batches that may be compressed: decompressed one at a time, each up to `maxBytes`. */
export async function* decodeAnyRecords(buffer: Buffer, maxBytes: number): AsyncGenerator<DecodedRecord> {
  for (const header of decodeBatches(buffer)) {
    if (!header.control) yield* recordsOf(buffer, header, await decompressedRecords(buffer, header, maxBytes))
  }
}

function cursorOf(buffer: Buffer, header: DecodedBatch, payload: Buffer | undefined): VarintCursor {
  if (payload !== undefined) return new VarintCursor(payload, 0, payload.length)
  if (header.compression !== 0) throw new WireError('the records of this batch are compressed')
  return new VarintCursor(buffer, header.position + batch.BATCH_OVERHEAD, header.position + header.sizeInBytes)
}

function readRecord(cursor: VarintCursor, header: DecodedBatch): DecodedRecord {
  const length = cursor.varint()
  if (length < 0 || length > cursor.end - cursor.at) throw new WireError(`a record claims ${length} bytes`)
  const inside = new VarintCursor(cursor.bytes, cursor.at, cursor.at + length)
  inside.take(1) // attributes: none is defined for records
  const timestampDelta = inside.varlong()
  const offsetDelta = inside.varint()
  const key = readBytes(inside)
  const value = readBytes(inside)
  const headers = readHeaders(inside)
  if (inside.at !== inside.end) throw new WireError('a record is shorter than its length says')
  cursor.at = inside.end
  // With a delete horizon the base timestamp is no longer the first record's: deltas then count from the horizon, as the cleaner wrote them.
  return {
    offset: header.baseOffset + offsetDelta,
    timestamp: header.logAppendTime ? header.maxTimestamp : header.baseTimestamp + timestampDelta,
    sequence: header.baseSequence < 0 ? batch.NO_SEQUENCE : batch.incrementSequence(header.baseSequence, offsetDelta),
    key,
    value,
    headers
  }
}

function viewOf(cursor: VarintCursor): Uint8Array | null {
  const length = cursor.varint()
  if (length < 0) return null
  const { bytes } = cursor
  const at = cursor.skip(length)
  return new Uint8Array(bytes.buffer, bytes.byteOffset + at, length)
}

function readBytes(cursor: VarintCursor): Buffer | null {
  const length = cursor.varint()
  return length < 0 ? null : asBuffer(cursor.take(length))
}

function readHeaders(cursor: VarintCursor): RecordHeader[] {
  const count = cursor.varint()
  if (count < 0) throw new WireError('a record has a negative number of headers')
  // A header takes at least two bytes: a count that can't be true is refused before anything is made.
  if (count * 2 > cursor.end - cursor.at) throw new WireError(`a record claims ${count} headers`)
  const headers: RecordHeader[] = []
  for (let index = 0; index < count; index++) {
    const keyLength = cursor.varint()
    if (keyLength < 0) throw new WireError('a record header has no key')
    headers.push({ key: asBuffer(cursor.take(keyLength)).toString('utf8'), value: readBytes(cursor) })
  }
  return headers
}

function asBuffer(view: Uint8Array): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength)
}
