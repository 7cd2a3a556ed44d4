/**
 * A log of any size without its bytes: of every batch only the header is written, so that the disk holds little more than a page of each. The
 * indexes have the entries that appending would have made. The folder is one that was closed in an orderly way.
 */
import { closeSync, ftruncateSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { At, BATCH_OVERHEAD, LOG_OVERHEAD, writeInt64 } from '../../src/record/batch.js'
import { LogDirectory } from '../../src/storage/index.js'
import { GIB, KIB } from '../lib/units.js'

export const SPARSE_TOPIC = 'sparse'
/** With smaller batches the headers of 100 GiB would fill the memory that is to keep them. */
const BATCH_BYTES = 256 * KIB
export const RECORDS_PER_BATCH = 256
/** One less than would make the positions of the last batch too large for an index. */
const BATCHES_PER_SEGMENT = GIB / BATCH_BYTES - 1
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
  const batches = Math.floor(bytes / BATCH_BYTES)
  const entries: [number, number][] = []
  for (let first = 0; first < batches; first += BATCHES_PER_SEGMENT) {
    writeSegment(log, first, Math.min(BATCHES_PER_SEGMENT, batches - first), entries)
  }
  const endOffset = batches * RECORDS_PER_BATCH
  writeFileSync(path.join(folder, 'recovery-point-offset-checkpoint'), `0\n1\n${SPARSE_TOPIC} 0 ${endOffset}\n`)
  return { batches, endOffset, entries }
}

function writeSegment(folder: string, first: number, count: number, entries: [number, number][]): void {
  const base = path.join(folder, String(first * RECORDS_PER_BATCH).padStart(20, '0'))
  const header = Buffer.alloc(BATCH_OVERHEAD)
  header.writeInt32BE(BATCH_BYTES - LOG_OVERHEAD, At.batchLength)
  header.writeInt8(2, At.magic)
  header.writeInt32BE(RECORDS_PER_BATCH - 1, At.lastOffsetDelta)
  header.writeInt32BE(RECORDS_PER_BATCH, At.recordCount)
  const index = Buffer.alloc((count - 1) * INDEX_ENTRY_BYTES)
  const file = openSync(`${base}.log`, 'w')
  ftruncateSync(file, count * BATCH_BYTES)
  for (let number = 0; number < count; number++) {
    const offset = (first + number) * RECORDS_PER_BATCH
    const position = number * BATCH_BYTES
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
