/**
 * Walks the records of a batch without making an object of any: what the checks of a produced batch need to know of them.
 *
 * The JavaScript twin of the addon's walk, and its oracle in tests. Measured on Node 20, one core, a 64 KiB batch: 64 records 2.2 µs here and
 * 0.5 µs native; 655 records 17.6 and 4.4 µs.
 */
import { VarintCursor } from './varint.js'

/** What a walk answers: 0, or what is wrong with the record of index `into[WalkField.index]`. */
export const WalkFlaw = {
  none: 0,
  /** A length, a varint or a field leaves its record or the bytes; too few records; bytes behind the last. */
  malformed: -1,
  /** Offset deltas are not 0, 1, 2 … */
  offsets: -2
} as const

/** Indexes into the array that a walk fills. */
export const WalkField = { minTimestampDelta: 0, maxTimestampDelta: 1, firstWithoutKey: 2, index: 3 } as const
export const WALK_FIELDS = 4

export type WalkRecords = (bytes: Uint8Array, start: number, end: number, count: number, into: Float64Array) => number

/** Told of each record: its index, timestamp delta and key length (-1: none). */
export type RecordVisitor = (index: number, timestampDelta: number, keyLength: number) => void

export function walkRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  into: Float64Array,
  visit?: RecordVisitor
): number {
  const cursor = new VarintCursor(bytes, start, end)
  let least = Infinity
  let most = -Infinity
  let firstWithoutKey = -1
  let index = 0
  try {
    for (; index < count; index++) {
      const length = cursor.varint()
      const recordEnd = cursor.at + length
      if (length < 0 || recordEnd > end) return flaw(into, index)
      cursor.at++ // attributes
      const timestampDelta = cursor.varlong()
      const offsetDelta = cursor.varint()
      if (cursor.at > recordEnd) return flaw(into, index)
      if (timestampDelta < least) least = timestampDelta
      if (timestampDelta > most) most = timestampDelta
      if (offsetDelta !== index) {
        into[WalkField.index] = index
        return WalkFlaw.offsets
      }
      const keyLength = cursor.varint()
      if (keyLength < 0) {
        if (firstWithoutKey < 0) firstWithoutKey = index
      } else cursor.at += keyLength
      if (cursor.at > recordEnd || !skipValueAndHeaders(cursor, recordEnd)) return flaw(into, index)
      visit?.(index, timestampDelta, keyLength < 0 ? -1 : keyLength)
    }
  } catch {
    return flaw(into, index)
  }
  if (cursor.at !== end) return flaw(into, index)
  into[WalkField.minTimestampDelta] = least
  into[WalkField.maxTimestampDelta] = most
  into[WalkField.firstWithoutKey] = firstWithoutKey
  into[WalkField.index] = -1
  return WalkFlaw.none
}

function skipValueAndHeaders(cursor: VarintCursor, recordEnd: number): boolean {
  const valueLength = cursor.varint()
  if (valueLength > 0) cursor.at += valueLength
  if (cursor.at > recordEnd) return false
  const headers = cursor.varint()
  if (headers < 0 || headers * 2 > recordEnd - cursor.at) return false
  for (let header = 0; header < headers; header++) {
    const keyLength = cursor.varint()
    if (keyLength < 0) return false
    cursor.at += keyLength
    if (cursor.at > recordEnd) return false
    const length = cursor.varint()
    if (length > 0) cursor.at += length
    if (cursor.at > recordEnd) return false
  }
  return cursor.at === recordEnd
}

function flaw(into: Float64Array, index: number): number {
  into[WalkField.index] = index
  return WalkFlaw.malformed
}
