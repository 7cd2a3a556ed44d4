/**
 * A log of any size without its bytes: of every batch only the header is written, so that the disk holds little more than a page of each. The
 * indexes have the entries that appending would have made. The folder is one that was closed in an orderly way.
 */
import { closeSync, ftruncateSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { At, BATCH_OVERHEAD, LOG_OVERHEAD, writeInt64 } from '../../src/record/batch.js'
import { LogDirectory } from '../../src/storage/index.js'
import { GIB, KIB, MIB } from '../lib/units.js'

export const SPARSE_TOPIC = 'sparse'
/** Batches are the larger the larger the log is, else its headers would fill the memory that is to keep them, and be deleted for minutes. */
const BATCH_BYTES: readonly (readonly [upTo: number, bytes: number])[] = [
  [64 * MIB, 16 * KIB],
  [GIB, 256 * KIB]
]
const LARGEST_BATCH_BYTES = MIB
export const RECORDS_PER_BATCH = 16
const SEGMENT_BYTES = GIB
const INDEX_ENTRY_BYTES = 8
const SEGMENT_FILE = /^\d{20}\./

export interface SparseLog {
  readonly batches: number
  readonly endOffset: number
  /** Of each batch: its first offset, and where it begins in its segment. */
  readonly entries: readonly (readonly [offset: number, position: number])[]
}

/** Makes the log in a folder, which becomes a log directory of its own. */
export async function writeSparseLog(folder: string, bytes: number): Promise<SparseLog> {
  // An empty log first, for all that a folder has besides segments.
  const directory = await LogDirectory.open(folder)
  await directory.log(SPARSE_TOPIC)
  await directory.close()
  const log = path.join(folder, `${SPARSE_TOPIC}-0`)
  for (const name of readdirSync(log)) if (SEGMENT_FILE.test(name)) rmSync(path.join(log, name))
  const batchBytes = BATCH_BYTES.find(([upTo]) => bytes <= upTo)?.[1] ?? LARGEST_BATCH_BYTES
  const batches = Math.floor(bytes / batchBytes)
  const perSegment = SEGMENT_BYTES / batchBytes - 1
  const entries: [number, number][] = []
  for (let first = 0; first < batches; first += perSegment) {
    writeSegment(log, { first, count: Math.min(perSegment, batches - first), batchBytes }, entries)
  }
  const endOffset = batches * RECORDS_PER_BATCH
  writeFileSync(path.join(folder, 'recovery-point-offset-checkpoint'), `0\n1\n${SPARSE_TOPIC} 0 ${endOffset}\n`)
  return { batches, endOffset, entries }
}

interface Part {
  /** Number of the first batch. */
  readonly first: number
  readonly count: number
  readonly batchBytes: number
}

function writeSegment(folder: string, { first, count, batchBytes }: Part, entries: [number, number][]): void {
  const base = path.join(folder, String(first * RECORDS_PER_BATCH).padStart(20, '0'))
  const header = Buffer.alloc(BATCH_OVERHEAD)
  header.writeInt32BE(batchBytes - LOG_OVERHEAD, At.batchLength)
  header.writeInt8(2, At.magic)
  header.writeInt32BE(RECORDS_PER_BATCH - 1, At.lastOffsetDelta)
  header.writeInt32BE(RECORDS_PER_BATCH, At.recordCount)
  const index = Buffer.alloc((count - 1) * INDEX_ENTRY_BYTES)
  const file = openSync(`${base}.log`, 'w')
  ftruncateSync(file, count * batchBytes)
  for (let number = 0; number < count; number++) {
    const offset = (first + number) * RECORDS_PER_BATCH
    const position = number * batchBytes
    writeInt64(header, offset, At.baseOffset)
    writeSync(file, header, 0, BATCH_OVERHEAD, position)
    entries.push([offset, position])
    if (number === 0) continue
    // The last offset of the batch, in relation to the segment's first.
    index.writeInt32BE(number * RECORDS_PER_BATCH + RECORDS_PER_BATCH - 1, (number - 1) * INDEX_ENTRY_BYTES)
    index.writeInt32BE(position, (number - 1) * INDEX_ENTRY_BYTES + 4)
  }
  closeSync(file)
  writeFileSync(`${base}.index`, index)
  writeFileSync(`${base}.timeindex`, '')
}
