/**
 * The header of a record batch v2 as a view: functions over (buffer, position of the batch). Nothing is allocated and nothing checked beyond
 * the bounds of the buffer: whoever takes bytes from a socket or a file checks them first (`frameAt`, validate.ts, the native scan).
 *
 * The CRC covers everything from `attributes` on. Base offset, length, leader epoch and magic lie before it, so that a broker stamps the
 * first and the third without touching the rest of the batch.
 */
import { crc32c } from './crc32c.js'

export const BATCH_OVERHEAD = 61
/** Base offset and length: what stands before the bytes that `batchLength` counts. */
export const LOG_OVERHEAD = 12
export const CURRENT_MAGIC = 2

export const NO_TIMESTAMP = -1
export const NO_PRODUCER_ID = -1
export const NO_PRODUCER_EPOCH = -1
export const NO_SEQUENCE = -1
export const NO_PARTITION_LEADER_EPOCH = -1
export const MAX_INT32 = 0x7fffffff

export const At = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  records: 61
} as const

export const Attribute = {
  compression: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40
} as const

export const TWO_32 = 0x1_0000_0000

/** Exact up to 2^53-1; beyond it the nearest double. */
export function readInt64(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * TWO_32 + buffer.readUInt32BE(at + 4)
}

export function writeInt64(buffer: Buffer, value: number, at: number): void {
  const high = Math.floor(value / TWO_32)
  buffer.writeInt32BE(high, at)
  buffer.writeUInt32BE(value - high * TWO_32, at + 4)
}

export function baseOffset(buffer: Buffer, at: number): number {
  return readInt64(buffer, at)
}

/** Bytes after the length field. */
export function batchLength(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + At.batchLength)
}

/** Bytes of the whole batch. */
export function sizeInBytes(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + At.batchLength) + LOG_OVERHEAD
}

export function partitionLeaderEpoch(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + At.partitionLeaderEpoch)
}

export function magic(buffer: Buffer, at: number): number {
  return buffer.readInt8(at + At.magic)
}

export function crc(buffer: Buffer, at: number): number {
  return buffer.readUInt32BE(at + At.crc)
}

export function attributes(buffer: Buffer, at: number): number {
  return buffer.readInt16BE(at + At.attributes)
}

export function lastOffsetDelta(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + At.lastOffsetDelta)
}

export function lastOffset(buffer: Buffer, at: number): number {
  return readInt64(buffer, at) + buffer.readInt32BE(at + At.lastOffsetDelta)
}

/** The delete horizon, when that attribute is set (KIP-534). */
export function baseTimestamp(buffer: Buffer, at: number): number {
  return readInt64(buffer, at + At.baseTimestamp)
}

export function maxTimestamp(buffer: Buffer, at: number): number {
  return readInt64(buffer, at + At.maxTimestamp)
}

export function producerId(buffer: Buffer, at: number): number {
  return readInt64(buffer, at + At.producerId)
}

export function producerEpoch(buffer: Buffer, at: number): number {
  return buffer.readInt16BE(at + At.producerEpoch)
}

export function baseSequence(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + At.baseSequence)
}

export function lastSequence(buffer: Buffer, at: number): number {
  const base = baseSequence(buffer, at)
  return base === NO_SEQUENCE ? NO_SEQUENCE : incrementSequence(base, lastOffsetDelta(buffer, at))
}

export function recordCount(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at + At.recordCount)
}

export function compressionType(buffer: Buffer, at: number): number {
  return attributes(buffer, at) & Attribute.compression
}

export function isLogAppendTime(buffer: Buffer, at: number): boolean {
  return (attributes(buffer, at) & Attribute.logAppendTime) !== 0
}

export function isTransactional(buffer: Buffer, at: number): boolean {
  return (attributes(buffer, at) & Attribute.transactional) !== 0
}

export function isControl(buffer: Buffer, at: number): boolean {
  return (attributes(buffer, at) & Attribute.control) !== 0
}

export function hasProducerId(buffer: Buffer, at: number): boolean {
  return producerId(buffer, at) > NO_PRODUCER_ID
}

/** Marks the batch as LogAppendTime. The CRC must be computed anew. */
export function setLogAppendTime(buffer: Buffer, at: number, timestamp: number): void {
  buffer.writeInt16BE(attributes(buffer, at) | Attribute.logAppendTime, at + At.attributes)
  writeInt64(buffer, timestamp, at + At.maxTimestamp)
}

export function computeCrc(buffer: Buffer, at: number): number {
  return crc32c(buffer.subarray(at + At.attributes, at + sizeInBytes(buffer, at)))
}

/** Sequences wrap: after 2147483647 comes 0. */
export function incrementSequence(sequence: number, by: number): number {
  return sequence > MAX_INT32 - by ? by - (MAX_INT32 - sequence) - 1 : sequence + by
}

/** The least that stands behind the length of a batch: the smallest message of the old formats. A v2 batch has at least its header. */
export const LEAST_LENGTH = 14

/** Why the bytes at a position are not a batch that can be used. */
export type BatchFlaw = 'truncated' | 'length' | 'magic' | 'old-format' | 'crc'

/**
 * Looks at the batch at `at` in `buffer[at, end)`: its size, or why there is none. `truncated`: the bytes end inside the batch.
 * The CRC is computed only when asked for.
 */
export function frameAt(buffer: Buffer, at: number, end: number, checkCrc = false): number | BatchFlaw {
  if (end - at < LOG_OVERHEAD) return 'truncated'
  const length = batchLength(buffer, at)
  if (length < LEAST_LENGTH) return 'length'
  if (end - at <= At.magic) return 'truncated'
  const format = magic(buffer, at)
  if (format === 0 || format === 1) return 'old-format'
  if (format !== CURRENT_MAGIC) return 'magic'
  if (length < BATCH_OVERHEAD - LOG_OVERHEAD) return 'length'
  const size = length + LOG_OVERHEAD
  if (end - at < size) return 'truncated'
  if (checkCrc && computeCrc(buffer, at) !== crc(buffer, at)) return 'crc'
  return size
}
