/** `.index` and `.timeindex` files as events, each entry held against the log, in the way of Kafka's tool. */
import path from 'node:path'
import { WireError } from '../../errors.js'
import { batch } from '../../record/index.js'
import { readFile } from '../files.js'
import type { DumpEvent } from './dump-events.js'
import { baseOffsetOf, batchesOf, recordsIn } from './dump-log.js'
import { FileWindow } from './file-window.js'

export const INDEX_ENTRY_BYTES = 8
export const TIME_ENTRY_BYTES = 12

export interface IndexDumpOptions {
  readonly sanityOnly: boolean
  readonly verifyOnly: boolean
  /** How far a batch that an entry points to is looked for. */
  readonly maxMessageSize: number
  readonly mismatch: (indexOffset: number, logOffset: number) => void
}

export interface TimeIndexFlaws {
  /** `logOffset` -1: no batch holds the offset. */
  readonly notFound: (indexOffset: number, logOffset: number) => void
  readonly outOfOrder: (timestamp: number, before: number) => void
  readonly mismatch: (indexTimestamp: number, logTimestamp: number) => void
}

/** The whole entries of an offset index, as absolute offsets. */
export function* indexEntries(bytes: Buffer, base: number): Generator<{ offset: number; position: number }> {
  for (let at = 0; at + INDEX_ENTRY_BYTES <= bytes.length; at += INDEX_ENTRY_BYTES) {
    yield { offset: base + bytes.readInt32BE(at), position: bytes.readInt32BE(at + 4) }
  }
}

export function* timeIndexEntries(bytes: Buffer, base: number): Generator<{ timestamp: number; offset: number }> {
  for (let at = 0; at + TIME_ENTRY_BYTES <= bytes.length; at += TIME_ENTRY_BYTES) {
    yield { timestamp: batch.readInt64(bytes, at), offset: base + bytes.readInt32BE(at + 8) }
  }
}

export async function* dumpIndex(file: string, options: IndexDumpOptions): AsyncGenerator<DumpEvent> {
  const base = baseOffsetOf(path.basename(file))
  const bytes = await readFile(file)
  const entries = indexEntries(bytes, base)
  if (bytes.length < INDEX_ENTRY_BYTES) return yield { type: 'empty', file }
  if (options.sanityOnly) {
    checkIndex(file, bytes, base)
    return yield { type: 'sane', file }
  }
  const window = await FileWindow.open(logBeside(file))
  try {
    let first = true
    for (const { offset, position } of entries) {
      // What was allocated ahead, and not cut when its writer was killed.
      if (offset === base && !first) return
      first = false
      const lastOffset = await lastOffsetAt(window, position, options.maxMessageSize)
      if (lastOffset !== offset) options.mismatch(offset, lastOffset)
      if (!options.verifyOnly) yield { type: 'index-entry', offset, position }
    }
  } finally {
    await window.close()
  }
}

async function lastOffsetAt(window: FileWindow, position: number, maxMessageSize: number): Promise<number> {
  for await (const { bytes, magic, size } of batchesOf(window, position)) {
    if (size > maxMessageSize) break
    return magic < 2 ? batch.baseOffset(bytes, 0) : batch.lastOffset(bytes, 0)
  }
  throw new WireError(`no whole batch of up to ${maxMessageSize} bytes at ${position} of the log`)
}

export async function* dumpTimeIndex(file: string, options: IndexDumpOptions, flaws: TimeIndexFlaws): AsyncGenerator<DumpEvent> {
  const base = baseOffsetOf(path.basename(file))
  const bytes = await readFile(file)
  if (options.sanityOnly) {
    checkTimeIndex(file, bytes, base)
    return yield { type: 'sane', file }
  }
  const offsets = usedEntries(await bytesOf(file.replace(/\.timeindex$/, '.index')), base)
  const window = await FileWindow.open(logBeside(file))
  try {
    let before = -1
    let first = true
    for (const entry of timeIndexEntries(bytes, base)) {
      if (entry.offset === base && !first) return
      first = false
      const from = positionBelow(offsets, entry.offset)
      const found = await largestIn(window, from, entry.offset)
      if (found.lastOffset !== entry.offset) flaws.notFound(entry.offset, found.lastOffset)
      else if (found.timestamp !== entry.timestamp) flaws.mismatch(entry.timestamp, found.timestamp)
      if (found.lastOffset === entry.offset && before >= entry.timestamp) flaws.outOfOrder(entry.timestamp, before)
      if (!options.verifyOnly) yield { type: 'time-index-entry', ...entry }
      before = entry.timestamp
    }
  } finally {
    await window.close()
  }
}

// Without what was allocated ahead.
function usedEntries(bytes: Buffer, base: number): { offset: number; position: number }[] {
  const entries: { offset: number; position: number }[] = []
  for (const entry of indexEntries(bytes, base)) {
    if (entries.length > 0 && entry.offset === base) break
    entries.push(entry)
  }
  return entries
}

function positionBelow(entries: readonly { offset: number; position: number }[], offset: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (entries[middle]!.offset <= offset) low = middle + 1
    else high = middle
  }
  return entries[low - 1]?.position ?? 0
}

// The largest timestamp of the records in the first batch that ends at or behind `offset`; lastOffset -1: there is none.
async function largestIn(window: FileWindow, from: number, offset: number): Promise<{ lastOffset: number; timestamp: number }> {
  for await (const one of batchesOf(window, from)) {
    const lastOffset = one.magic < 2 ? batch.baseOffset(one.bytes, 0) : batch.lastOffset(one.bytes, 0)
    if (lastOffset < offset) continue
    let timestamp = -1
    if (lastOffset === offset) for await (const { event } of recordsIn(one)) timestamp = Math.max(timestamp, event.timestamp)
    return { lastOffset, timestamp }
  }
  return { lastOffset: -1, timestamp: -1 }
}

// The checks by which a start decides whether an index is made anew. Throws a WireError.
function checkIndex(file: string, bytes: Buffer, base: number): void {
  if (bytes.length % INDEX_ENTRY_BYTES !== 0) throw notWhole(file, bytes.length, INDEX_ENTRY_BYTES)
  const last = bytes.readInt32BE(bytes.length - INDEX_ENTRY_BYTES)
  if (last < 0) throw new WireError(`the index ${file} ends in the offset ${base + last}, below its base offset ${base}`)
}

function checkTimeIndex(file: string, bytes: Buffer, base: number): void {
  if (bytes.length % TIME_ENTRY_BYTES !== 0) throw notWhole(file, bytes.length, TIME_ENTRY_BYTES)
  const entries = [...timeIndexEntries(bytes, base)]
  const [first, last] = [entries[0], entries.at(-1)]
  if (first === undefined || last === undefined) return
  if (last.timestamp < first.timestamp)
    throw new WireError(`the time index ${file} ends in the timestamp ${last.timestamp}, below its first ${first.timestamp}`)
  if (last.offset < base) throw new WireError(`the time index ${file} ends in the offset ${last.offset}, below its base offset ${base}`)
}

function notWhole(file: string, length: number, entry: number): WireError {
  return new WireError(`the index ${file} is corrupt: ${length} bytes are no multiple of ${entry}`)
}

function logBeside(file: string): string {
  return path.join(path.dirname(file), `${path.basename(file).split('.')[0]}.log`)
}

async function bytesOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch {
    // Without an index the log is looked through from its start.
    return Buffer.alloc(0)
  }
}
