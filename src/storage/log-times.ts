/** Finding records by time. Record-level, as ListOffsets answers: the batch is found through the time index, then looked into. */
import { MAX_DECOMPRESSED_BYTES } from '../record/validate.js'
import { decompressedRecords, describeBatch, recordsOf, type DecodedRecord } from '../record/index.js'
import type { BatchLocation } from '../native/segment.js'
import type { LogSegment } from './log-segment.js'
import type { LogState } from './log-state.js'

export interface TimedOffset {
  readonly offset: number
  readonly timestamp: number
  /** Of its batch; -1: none. */
  readonly leaderEpoch: number
}

/** The first record at or behind the log start whose timestamp is at least `timestamp`. */
export async function offsetForTimestamp(state: LogState, timestamp: number): Promise<TimedOffset | undefined> {
  for (const segment of state.segments.snapshot()) {
    // What this process wrote or scanned is known; else the index tells.
    if (segment.size === 0 || (segment.timestampsKnown && segment.largestTimestamp < timestamp)) continue
    const found = await firstInSegment(state, segment, timestamp)
    if (found) return found
  }
  return undefined
}

async function firstInSegment(state: LogState, segment: LogSegment, timestamp: number): Promise<TimedOffset | undefined> {
  let location = await segment.native.locateTimestamp(timestamp)
  while (location !== undefined && location.position < segment.size) {
    const { record, lastOffset, leaderEpoch } = await findRecord(
      segment,
      location,
      (one) => one.timestamp >= timestamp && one.offset >= state.logStartOffset
    )
    if (record) return { offset: record.offset, timestamp: record.timestamp, leaderEpoch }
    // All matches of that batch lie before the log start: on to the first batch that does not.
    const next: BatchLocation = await segment.native.locate(Math.max(lastOffset + 1, state.logStartOffset))
    location = next.bytes > 0 ? next : undefined
  }
  return undefined
}

/** The first record with the largest timestamp of the log; undefined when that one lies before the log start (Kafka names it all the same). */
export async function offsetOfMaxTimestamp(state: LogState): Promise<TimedOffset | undefined> {
  let best: { segment: LogSegment; timestamp: number } | undefined
  for (const segment of state.segments.snapshot()) {
    if (segment.size === 0) continue
    const timestamp = await largestTimestamp(segment)
    if (timestamp >= 0 && (best === undefined || timestamp > best.timestamp)) best = { segment, timestamp }
  }
  return best && firstInSegment(state, best.segment, best.timestamp)
}

// The active segment of a log that was opened after a clean stop has records behind its last index entry: the search goes on until there is none.
async function largestTimestamp(segment: LogSegment): Promise<number> {
  if (!segment.timestampsKnown) {
    await segment.retentionTimestamp()
    for (;;) {
      const later = await segment.native.locateTimestamp(segment.largestTimestamp + 1)
      if (later === undefined || later.position >= segment.size) break
      const bytes = await segment.native.read(later.position, later.bytes)
      const { maxTimestamp, lastOffset } = describeBatch(bytes, 0)
      if (maxTimestamp <= segment.largestTimestamp) break
      segment.noteTimestamp(maxTimestamp, lastOffset)
    }
    segment.timestampsKnown = true
  }
  return segment.largestTimestamp
}

async function findRecord(
  segment: LogSegment,
  location: BatchLocation,
  wanted: (record: DecodedRecord) => boolean
): Promise<{ record: DecodedRecord | undefined; lastOffset: number; leaderEpoch: number }> {
  const bytes = await segment.native.read(location.position, location.bytes)
  const header = describeBatch(bytes, 0)
  const payload = await decompressedRecords(bytes, header, MAX_DECOMPRESSED_BYTES)
  const { lastOffset, partitionLeaderEpoch: leaderEpoch } = header
  for (const record of recordsOf(bytes, header, payload)) if (wanted(record)) return { record, lastOffset, leaderEpoch }
  return { record: undefined, lastOffset, leaderEpoch }
}
