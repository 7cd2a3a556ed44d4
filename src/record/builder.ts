/** Builds record batches v2: for coordinators, the metadata log, control records and tests. */
import { strict as assert } from 'node:assert'
import * as batch from './batch.js'
import { Compression, compress } from './compression.js'
import { sizeOfVarint, writeVarint } from './varint.js'

export interface RecordInput {
  readonly key?: Uint8Array | null
  readonly value?: Uint8Array | null
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[]
  /** Milliseconds; without one the batch's `timestamp`. */
  readonly timestamp?: number
}

export interface BatchOptions {
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
  /** For records without one of their own; -1: none. */
  readonly timestamp?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly control?: boolean
  /** Sets the timestamp type to LogAppendTime and this as the largest timestamp. */
  readonly logAppendTime?: number
  /** Where the batch's last offset lies beyond its last record's: compaction keeps it so. */
  readonly lastOffsetDelta?: number
}

const FIRST_CAPACITY = 512
const SHORT_BYTES = 64
/** Of a record without headers, beside its key and value: more than its varints take. */
const RECORD_FRAMING_BYTES = 40

/**
 * Collects records and gives the bytes of one batch. Offsets are the position in the batch unless `append` says otherwise (batches with
 * gaps, as compaction leaves them).
 */
export class RecordBatchBuilder {
  readonly #options: BatchOptions
  #buffer: Buffer
  #end = batch.BATCH_OVERHEAD
  #count = 0
  #lastOffsetDelta = -1
  #baseTimestamp: number = batch.NO_TIMESTAMP
  #maxTimestamp: number = batch.NO_TIMESTAMP

  /** `capacity`: how many bytes it will be, as far as that is known. */
  constructor(options: BatchOptions = {}, capacity = FIRST_CAPACITY) {
    this.#options = options
    this.#buffer = Buffer.allocUnsafe(capacity)
  }

  get count(): number {
    return this.#count
  }

  /** Of the batch as it stands, uncompressed. */
  get sizeInBytes(): number {
    return this.#end
  }

  /** Bytes by which `append(record)` would grow the batch, at most. */
  static sizeOf(record: RecordInput): number {
    return bodySize(record, 2 ** 41, batch.MAX_INT32) + 5
  }

  append(record: RecordInput, offsetDelta: number = this.#lastOffsetDelta + 1): this {
    assert(offsetDelta > this.#lastOffsetDelta, 'offsets in a batch rise')
    const timestamp = record.timestamp ?? this.#options.timestamp ?? batch.NO_TIMESTAMP
    if (this.#count === 0) this.#baseTimestamp = timestamp
    const timestampDelta = timestamp - this.#baseTimestamp
    const size = bodySize(record, timestampDelta, offsetDelta)
    this.#reserve(size + 5)
    const buffer = this.#buffer
    let at = writeVarint(buffer, size, this.#end)
    buffer[at++] = 0
    at = writeVarint(buffer, timestampDelta, at)
    at = writeVarint(buffer, offsetDelta, at)
    at = writeBytes(buffer, record.key, at)
    at = writeBytes(buffer, record.value, at)
    at = writeVarint(buffer, record.headers?.length ?? 0, at)
    for (const header of record.headers ?? []) {
      at = writeVarint(buffer, Buffer.byteLength(header.key), at)
      at += buffer.write(header.key, at)
      at = writeBytes(buffer, header.value, at)
    }
    this.#end = at
    this.#count++
    this.#lastOffsetDelta = offsetDelta
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
    return this
  }

  /** The batch, uncompressed. The builder must not be used after it. */
  build(): Buffer {
    return this.#finish(this.#buffer, this.#end, Compression.none)
  }

  /** The batch with its records compressed. The builder must not be used after it. */
  async buildCompressed(compression: number): Promise<Buffer> {
    if (compression === Compression.none) return this.build()
    const packed = await compress(compression, this.#buffer.subarray(batch.BATCH_OVERHEAD, this.#end))
    const whole = Buffer.allocUnsafe(batch.BATCH_OVERHEAD + packed.length)
    whole.set(packed, batch.BATCH_OVERHEAD)
    return this.#finish(whole, whole.length, compression)
  }

  #finish(buffer: Buffer, end: number, compression: number): Buffer {
    assert(this.#count > 0, 'a batch holds at least one record')
    const options = this.#options
    let attributes = compression
    if (options.logAppendTime !== undefined) attributes |= batch.Attribute.logAppendTime
    if (options.transactional) attributes |= batch.Attribute.transactional
    if (options.control) attributes |= batch.Attribute.control
    batch.writeInt64(buffer, options.baseOffset ?? 0, batch.At.baseOffset)
    buffer.writeInt32BE(end - batch.LOG_OVERHEAD, batch.At.batchLength)
    buffer.writeInt32BE(options.partitionLeaderEpoch ?? batch.NO_PARTITION_LEADER_EPOCH, batch.At.partitionLeaderEpoch)
    buffer.writeInt8(batch.CURRENT_MAGIC, batch.At.magic)
    buffer.writeInt16BE(attributes, batch.At.attributes)
    buffer.writeInt32BE(options.lastOffsetDelta ?? this.#lastOffsetDelta, batch.At.lastOffsetDelta)
    batch.writeInt64(buffer, this.#baseTimestamp, batch.At.baseTimestamp)
    batch.writeInt64(buffer, options.logAppendTime ?? this.#maxTimestamp, batch.At.maxTimestamp)
    batch.writeInt64(buffer, options.producerId ?? batch.NO_PRODUCER_ID, batch.At.producerId)
    buffer.writeInt16BE(options.producerEpoch ?? batch.NO_PRODUCER_EPOCH, batch.At.producerEpoch)
    buffer.writeInt32BE(options.baseSequence ?? batch.NO_SEQUENCE, batch.At.baseSequence)
    buffer.writeInt32BE(this.#count, batch.At.recordCount)
    const whole = buffer.subarray(0, end)
    whole.writeUInt32BE(batch.computeCrc(whole, 0), batch.At.crc)
    return whole
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#end)
    this.#buffer = larger
  }
}

/** What a builder needs for `records`, at most, if they have no headers: to grow costs a copy of what is there, and fresh memory. */
export function roomFor(records: readonly RecordInput[]): number {
  let bytes = batch.BATCH_OVERHEAD
  for (const { key, value } of records) bytes += RECORD_FRAMING_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
  return bytes
}

/** One batch of `records`, uncompressed. */
export function buildBatch(records: readonly RecordInput[], options: BatchOptions = {}): Buffer {
  const builder = new RecordBatchBuilder(options, roomFor(records))
  for (const record of records) builder.append(record)
  return builder.build()
}

function bodySize(record: RecordInput, timestampDelta: number, offsetDelta: number): number {
  let size = 1 + sizeOfVarint(timestampDelta) + sizeOfVarint(offsetDelta) + sizeOfBytes(record.key) + sizeOfBytes(record.value)
  size += sizeOfVarint(record.headers?.length ?? 0)
  for (const header of record.headers ?? []) {
    const keyLength = Buffer.byteLength(header.key)
    size += sizeOfVarint(keyLength) + keyLength + sizeOfBytes(header.value)
  }
  return size
}

function sizeOfBytes(bytes: Uint8Array | null | undefined): number {
  return bytes ? sizeOfVarint(bytes.length) + bytes.length : 1
}

function writeBytes(buffer: Buffer, bytes: Uint8Array | null | undefined, at: number): number {
  if (!bytes) return writeVarint(buffer, -1, at)
  const start = writeVarint(buffer, bytes.length, at)
  // A call into the runtime takes longer than some dozens of bytes.
  if (bytes.length > SHORT_BYTES) buffer.set(bytes, start)
  else for (let index = 0; index < bytes.length; index++) buffer[start + index] = bytes[index]!
  return start + bytes.length
}
