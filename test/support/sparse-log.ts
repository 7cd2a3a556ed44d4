/** A log of any size that takes little room: files with holes, whose indexes are whole and whose batches are there only where they are looked for. */
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { offsetName } from '../../src/storage/names.js'

const HEADER_BYTES = 61
const LENGTH_OVERHEAD = 12
const OFFSET_ENTRY_BYTES = 8
const TIME_ENTRY_BYTES = 12

export interface SparseLog {
  readonly endOffset: number
  /** Offsets that can be looked up. */
  readonly offsets: readonly number[]
  /** Of the batch that holds the offset. */
  positionOf(offset: number): number
}

export interface SparseOptions {
  readonly folder: string
  readonly segments: number
  readonly segmentBytes: number
  /** Of each batch, and so from one index entry to the next. */
  readonly batchBytes: number
  readonly recordsPerBatch: number
  /** Batches of each segment that are there, besides the first and the last two. */
  readonly present: number
}

/** Writes the folder, as a broker leaves it that was stopped in order. */
export function writeSparseLog(options: SparseOptions): SparseLog {
  const { folder, segments, segmentBytes, batchBytes, recordsPerBatch, present } = options
  const batches = Math.floor(segmentBytes / batchBytes)
  const offsets: number[] = []
  mkdirSync(folder, { recursive: true })
  const index = offsetIndex(batches, batchBytes, recordsPerBatch)
  for (let segment = 0; segment < segments; segment++) {
    const base = segment * batches * recordsPerBatch
    const file = path.join(folder, offsetName(base))
    const log = openSync(`${file}.log`, 'w')
    ftruncateSync(log, batches * batchBytes)
    const write = (batch: number) => {
      writeSync(log, header(base + batch * recordsPerBatch, recordsPerBatch, batchBytes, batch), 0, HEADER_BYTES, batch * batchBytes)
    }
    write(0)
    for (let number = 0; number <= present; number++) {
      // The look-up begins at the batch of the last index entry that is not behind the offset: mostly the one before.
      const batch = number === present ? batches - 1 : 1 + Math.floor((number * (batches - 2)) / Math.max(1, present))
      write(batch - 1)
      write(batch)
      offsets.push(base + batch * recordsPerBatch + (number % recordsPerBatch))
    }
    closeSync(log)
    writeFileSync(`${file}.index`, index)
    writeFileSync(`${file}.timeindex`, timeEntry(batches - 1, batches * recordsPerBatch - 1))
  }
  const perSegment = batches * recordsPerBatch
  return {
    endOffset: segments * perSegment,
    offsets,
    positionOf: (offset) => Math.floor((offset % perSegment) / recordsPerBatch) * batchBytes
  }
}

function header(baseOffset: number, records: number, bytes: number, timestamp: number): Buffer {
  const batch = Buffer.alloc(HEADER_BYTES)
  batch.writeBigInt64BE(BigInt(baseOffset), 0)
  batch.writeInt32BE(bytes - LENGTH_OVERHEAD, 8)
  batch.writeInt8(2, 16)
  batch.writeInt32BE(records - 1, 23)
  batch.writeBigInt64BE(BigInt(timestamp), 27)
  batch.writeBigInt64BE(BigInt(timestamp), 35)
  batch.writeBigInt64BE(-1n, 43)
  batch.writeInt16BE(-1, 51)
  batch.writeInt32BE(-1, 53)
  batch.writeInt32BE(records, 57)
  return batch
}

// As appending makes it: an entry for each batch but the first.
function offsetIndex(batches: number, batchBytes: number, recordsPerBatch: number): Buffer {
  const index = Buffer.alloc((batches - 1) * OFFSET_ENTRY_BYTES)
  for (let batch = 1; batch < batches; batch++) {
    const at = (batch - 1) * OFFSET_ENTRY_BYTES
    index.writeInt32BE((batch + 1) * recordsPerBatch - 1, at)
    index.writeInt32BE(batch * batchBytes, at + 4)
  }
  return index
}

function timeEntry(timestamp: number, relativeOffset: number): Buffer {
  const entry = Buffer.alloc(TIME_ENTRY_BYTES)
  entry.writeBigInt64BE(BigInt(timestamp), 0)
  entry.writeInt32BE(relativeOffset, 8)
  return entry
}
