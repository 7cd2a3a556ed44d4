/**
 * From an offset to the batch that holds it: the addon's look-up, next to a binary search over the same index file by fs.readSync, to one over
 * the index held in memory, and to a walk from the first batch on. All end with reading batch headers out of the log, since the index names
 * only a batch at or before the wanted one: here every batch, or of small ones every fourth.
 *
 * The log is sparse: batches of 16 KiB (or 1 KiB) of which only the header is written. Headers are in the page cache, records would not be touched.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { Runtime } from '../../src/native/runtime.js'
import { NativeSegment, Strand } from '../../src/native/segment.js'
import { At, BATCH_OVERHEAD, LOG_OVERHEAD, readInt64, writeInt64 } from '../../src/record/batch.js'
import { MIB } from '../lib/units.js'
import { pseudoRandom, type Comparison, type OpenSuite, type Subject, type Suite } from './suite.js'

const BATCH_BYTES = 16_384
const SMALL_BATCH_BYTES = 1024
/** Between two entries of an index. */
const INTERVAL_BYTES = 4096
const RECORDS = 16
const SIZES = [
  [1, '1 MiB log', BATCH_BYTES],
  [64, '64 MiB log', BATCH_BYTES],
  [1023, '1 GiB log', BATCH_BYTES],
  [64, '64 MiB log of 1 KiB batches', SMALL_BATCH_BYTES]
] as const
/** A walk over more would take longer than a round. */
const MOST_WALKED = 4096
const INDEX_ENTRY_BYTES = 8
const WANTED = 1024

async function open(folder: string): Promise<OpenSuite> {
  const runtime = new Runtime()
  const closers: (() => void)[] = []
  const comparisons: Comparison[] = []
  for (const [mib, name, batchBytes] of SIZES) {
    const base = path.join(folder, `${mib}-${batchBytes}`, '00000000000000000000')
    await mkdir(path.dirname(base))
    const { batches, entries } = writeSegment(base, (mib * MIB) / batchBytes, batchBytes)
    const native = await openNatively(runtime, base, mib * MIB, entries)
    const files = { log: openSync(`${base}.log`, 'r'), index: openSync(`${base}.index`, 'r') }
    closers.push(() => {
      native.close()
      closeSync(files.log)
      closeSync(files.index)
    })
    const index = readFileSync(`${base}.index`)
    const wanted = wantedOffsets(batches * RECORDS)
    const subjects: Subject[] = [
      looksUp('Sluice', wanted, (offset) => native.locateNow(offset)!.position),
      looksUp('binary search by fs.readSync', wanted, (offset) => walkFrom(files.log, searchFile(files.index, entries, offset), offset)),
      looksUp('binary search in memory', wanted, (offset) => walkFrom(files.log, searchMemory(index, entries, offset), offset))
    ]
    if (batches <= MOST_WALKED) subjects.push(looksUp('walk from the start', wanted, (offset) => walkFrom(files.log, 0, offset)))
    comparisons.push({ group: 'offset look-up', name, parameters: { logBytes: mib * MIB, batches }, subjects })
  }
  const close = async (): Promise<void> => {
    for (const one of closers) one()
    await runtime.close()
  }
  return { comparisons, leftOut: [], close }
}

function looksUp(name: string, wanted: readonly number[], positionOf: (offset: number) => number): Subject {
  let turn = 0
  return { name, run: () => positionOf(wanted[turn++ % WANTED]!) }
}

function wantedOffsets(end: number): number[] {
  const random = pseudoRandom()
  return Array.from({ length: WANTED }, () => random(end))
}

/** Writes `.log` and `.index` with an entry for every batch but the first, of small ones for every fourth, as appending would have. */
function writeSegment(base: string, batches: number, batchBytes: number): { readonly batches: number; readonly entries: number } {
  const header = Buffer.alloc(BATCH_OVERHEAD)
  header.writeInt32BE(batchBytes - LOG_OVERHEAD, At.batchLength)
  header.writeInt8(2, At.magic)
  header.writeInt32BE(RECORDS - 1, At.lastOffsetDelta)
  header.writeInt32BE(RECORDS, At.recordCount)
  const every = Math.max(1, INTERVAL_BYTES / batchBytes)
  const entries = Math.floor((batches - 1) / every)
  const index = Buffer.alloc(entries * INDEX_ENTRY_BYTES)
  const log = openSync(`${base}.log`, 'w')
  ftruncateSync(log, batches * batchBytes)
  for (let number = 0; number < batches; number++) {
    writeInt64(header, number * RECORDS, At.baseOffset)
    writeSync(log, header, 0, BATCH_OVERHEAD, number * batchBytes)
    if (number === 0 || number % every !== 0) continue
    const at = (number / every - 1) * INDEX_ENTRY_BYTES
    index.writeInt32BE(number * RECORDS + RECORDS - 1, at)
    index.writeInt32BE(number * batchBytes, at + 4)
  }
  closeSync(log)
  writeFileSync(`${base}.index`, index)
  writeFileSync(`${base}.timeindex`, '')
  return { batches, entries }
}

async function openNatively(runtime: Runtime, base: string, size: number, entries: number): Promise<NativeSegment> {
  const options = { baseOffset: 0, size, indexBytes: entries * INDEX_ENTRY_BYTES, indexIntervalBytes: INTERVAL_BYTES }
  const segment = new NativeSegment(runtime, base, options)
  const strand = new Strand(runtime)
  await segment.prepare(strand)
  strand.close()
  return segment
}

const entry = Buffer.alloc(INDEX_ENTRY_BYTES)

/** The position of the last entry whose offset is not above `offset`; 0: none. */
function searchFile(index: number, entries: number, offset: number): number {
  let low = 0
  let high = entries - 1
  let position = 0
  while (low <= high) {
    const middle = (low + high) >> 1
    readSync(index, entry, 0, INDEX_ENTRY_BYTES, middle * INDEX_ENTRY_BYTES)
    if (entry.readInt32BE(0) <= offset) {
      position = entry.readInt32BE(4)
      low = middle + 1
    } else high = middle - 1
  }
  return position
}

function searchMemory(index: Buffer, entries: number, offset: number): number {
  let low = 0
  let high = entries - 1
  let position = 0
  while (low <= high) {
    const middle = (low + high) >> 1
    if (index.readInt32BE(middle * INDEX_ENTRY_BYTES) <= offset) {
      position = index.readInt32BE(middle * INDEX_ENTRY_BYTES + 4)
      low = middle + 1
    } else high = middle - 1
  }
  return position
}

const header = Buffer.alloc(BATCH_OVERHEAD)

/** The position of the first batch from `position` on that ends at or behind `offset`; -1: none. */
function walkFrom(log: number, position: number, offset: number): number {
  while (readSync(log, header, 0, BATCH_OVERHEAD, position) === BATCH_OVERHEAD) {
    if (readInt64(header, At.baseOffset) + header.readInt32BE(At.lastOffsetDelta) >= offset) return position
    position += header.readInt32BE(At.batchLength) + LOG_OVERHEAD
  }
  return -1
}

export default { name: 'lookup', open } satisfies Suite
