/**
 * Producer states as files, in Kafka's format: `OFFSET.snapshot` holds the state as of that offset.
 *
 *   int16 version 1 · uint32 CRC-32C from byte 6 to the end · int32 count · entries of 46 bytes
 */
import { WireError } from '../errors.js'
import { readInt64, writeInt64 } from '../record/batch.js'
import { crc32c } from '../record/crc32c.js'
import type { ProducerEntry } from './producer-state.js'

const VERSION = 1
const CRC_AT = 2
const CRC_FROM = 6
const HEADER_BYTES = 10
const ENTRY_BYTES = 46

/** Only the last batch of each producer is kept, as Kafka does: the duplicate window after a restart is one batch. */
export function encodeSnapshot(entries: Iterable<ProducerEntry>): Buffer {
  const all = [...entries]
  const bytes = Buffer.alloc(HEADER_BYTES + all.length * ENTRY_BYTES)
  bytes.writeInt16BE(VERSION, 0)
  bytes.writeInt32BE(all.length, CRC_FROM)
  for (const [index, entry] of all.entries()) {
    const at = HEADER_BYTES + index * ENTRY_BYTES
    const last = entry.batches.at(-1)
    writeInt64(bytes, entry.producerId, at)
    bytes.writeInt16BE(entry.epoch, at + 8)
    bytes.writeInt32BE(last?.lastSequence ?? -1, at + 10)
    writeInt64(bytes, last?.lastOffset ?? -1, at + 14)
    bytes.writeInt32BE(last?.offsetDelta ?? 0, at + 22)
    writeInt64(bytes, entry.lastTimestamp, at + 26)
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34)
    writeInt64(bytes, entry.currentTxnFirstOffset, at + 38)
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(CRC_FROM)), CRC_AT)
  return bytes
}

/** Throws a WireError when the bytes are not a whole snapshot. */
export function decodeSnapshot(bytes: Buffer): ProducerEntry[] {
  if (bytes.length < HEADER_BYTES) throw new WireError('a producer snapshot is cut off')
  const version = bytes.readInt16BE(0)
  if (version !== VERSION) throw new WireError(`a producer snapshot has the unknown version ${version}`)
  if (bytes.readUInt32BE(CRC_AT) !== crc32c(bytes.subarray(CRC_FROM))) throw new WireError('a producer snapshot fails its CRC')
  const count = bytes.readInt32BE(CRC_FROM)
  if (bytes.length !== HEADER_BYTES + count * ENTRY_BYTES) throw new WireError(`a producer snapshot does not hold its ${count} entries`)
  return Array.from({ length: count }, (_, index) => decodeEntry(bytes, HEADER_BYTES + index * ENTRY_BYTES))
}

function decodeEntry(bytes: Buffer, at: number): ProducerEntry {
  const lastOffset = readInt64(bytes, at + 14)
  const timestamp = readInt64(bytes, at + 26)
  const last = { lastSequence: bytes.readInt32BE(at + 10), lastOffset, offsetDelta: bytes.readInt32BE(at + 22), timestamp }
  return {
    producerId: readInt64(bytes, at),
    epoch: bytes.readInt16BE(at + 8),
    batches: lastOffset >= 0 ? [last] : [],
    coordinatorEpoch: bytes.readInt32BE(at + 34),
    lastTimestamp: timestamp,
    currentTxnFirstOffset: readInt64(bytes, at + 38)
  }
}
