/** Finding bytes of a log: for fetches as regions of files, for coordinators as copies. */
import { ErrorCode } from '../protocol/error-codes.js'
import type { FileRegion } from '../protocol/writer.js'
import type { Frame } from '../native/runtime.js'
import type { BatchLocation } from '../native/segment.js'
import * as batch from '../record/batch.js'
import type { LogSegment } from './log-segment.js'
import type { LogState } from './log-state.js'
import { StorageError } from '../errors.js'

export interface ReadResult {
  readonly errorCode: number
  /** Null: nothing to read now, or nothing that is whole. */
  readonly region: FileRegion | null
  /** What could be read within the limit, whole or not. */
  readonly bytes: number
}

const NOTHING: ReadResult = { errorCode: ErrorCode.NONE, region: null, bytes: 0 }
const OUT_OF_RANGE: ReadResult = { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, region: null, bytes: 0 }
const DAMAGED: ReadResult = { errorCode: ErrorCode.CORRUPT_MESSAGE, region: null, bytes: 0 }
const STORAGE_ERROR: ReadResult = { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, region: null, bytes: 0 }

/** What Log.read is asked for. */
interface WantedRead {
  readonly offset: number
  readonly maxBytes: number
  readonly upTo: number
  readonly atLeastOneBatch: boolean
  readonly connection: number
}

/** See Log.read. */
export function readLog(state: LogState, wanted: WantedRead): ReadResult | Promise<ReadResult> {
  const { offset, maxBytes, upTo } = wanted
  if (state.offline) return STORAGE_ERROR
  if (offset < state.logStartOffset || offset > state.endOffset) return OUT_OF_RANGE
  if (offset >= upTo || offset === state.endOffset) return NOTHING
  let index = state.segments.floor(offset)
  for (; ; index++) {
    const segment = state.segments.at(index)
    if (segment === undefined) return NOTHING
    // A segment from which compaction took all, or one whose first batch is still on its way.
    if (segment.size === 0) continue
    const from = segment.native.locateNow(Math.max(offset, segment.baseOffset), maxBytes)
    if (from === undefined) return readLater(state, index, wanted)
    if (from.bytes === 0 || from.position >= segment.size) continue
    if (from.baseOffset >= upTo) return NOTHING
    const limit = limitNow(state, segment, index, upTo)
    if (limit === undefined) return readLater(state, index, wanted)
    return regionOf(segment, from, limit, wanted)
  }
}

async function readLater(state: LogState, first: number, wanted: WantedRead): Promise<ReadResult> {
  const { offset, maxBytes, upTo, connection } = wanted
  // The list may change while we wait: segments are found anew by offset, not by index.
  let segment = state.segments.at(first)
  try {
    while (segment !== undefined) {
      const from = segment.size === 0 ? undefined : await segment.native.locate(Math.max(offset, segment.baseOffset), maxBytes, connection)
      if (offset < state.logStartOffset) return OUT_OF_RANGE
      if (from !== undefined && from.bytes > 0 && from.position < segment.size) {
        if (from.baseOffset >= upTo) return NOTHING
        const index = state.segments.floor(segment.baseOffset)
        // Compaction has put another in its place, or it was deleted or cut off.
        if (state.segments.at(index) !== segment) return readLog(state, wanted)
        const limit = limitNow(state, segment, index, upTo) ?? (await limitLater(segment, wanted))
        return regionOf(segment, from, limit, wanted)
      }
      segment = state.segments.at(state.segments.floor(segment.baseOffset) + 1)
    }
    return NOTHING
  } catch (error) {
    // The segment was deleted or cut off while we waited: what was asked for lies before the log start now, behind the end, or in the segment that
    // compaction has put there.
    if (error instanceof RangeError) return state.offline ? STORAGE_ERROR : readLog(state, wanted)
    return readFailure(state, error)
  }
}

// Where reading below `upTo` ends in the segment; undefined: the disk has to be asked.
function limitNow(state: LogState, segment: LogSegment, index: number, upTo: number): number | undefined {
  if (upTo >= state.endOffset) return segment.size
  const next = state.segments.at(index + 1)
  if (next !== undefined && next.baseOffset <= upTo) return segment.size
  const to = segment.native.locateNow(upTo)
  return to === undefined ? undefined : Math.min(to.position, segment.size)
}

async function limitLater(segment: LogSegment, { upTo, connection }: WantedRead): Promise<number> {
  return Math.min((await segment.native.locate(upTo, 0, connection)).position, segment.size)
}

// A torn batch at the end is not sent where the location tells of it. It counts all the same: what may be read decides whether a fetch has enough.
function regionOf(segment: LogSegment, from: BatchLocation, limit: number, { maxBytes, atLeastOneBatch }: WantedRead): ReadResult {
  let bytes = Math.min(maxBytes, limit - from.position)
  const isCut = from.bytes > maxBytes
  if (isCut && atLeastOneBatch) bytes = from.bytes
  if (bytes <= 0) return NOTHING
  // A consumer to whom a part of a batch is all that is given takes it for one that it can't get past.
  if (isCut && !atLeastOneBatch) return { errorCode: ErrorCode.NONE, region: null, bytes }
  const length = Math.min(bytes, from.bytes)
  return { errorCode: ErrorCode.NONE, region: { segment: segment.native.handle, position: from.position, length }, bytes }
}

function readFailure(state: LogState, error: unknown): ReadResult {
  if (!(error instanceof StorageError)) throw error
  state.readFailed(error)
  return error.code === 'EBADMSG' ? DAMAGED : STORAGE_ERROR
}

/** See Log.readBytes. */
export async function readLogBytes(state: LogState, offset: number, maxBytes: number): Promise<Buffer> {
  const found = await locatePiece(state, offset, maxBytes)
  return found === undefined ? Buffer.alloc(0) : wholeBatches(await found.segment.native.read(found.position, found.length))
}

/** See Log.readFrame. */
export async function readLogFrame(state: LogState, offset: number, maxBytes: number): Promise<LogPiece | undefined> {
  const found = await locatePiece(state, offset, maxBytes)
  const read = await found?.segment.native.readFrame(found.position, found.length)
  if (read === undefined) return undefined
  const { frame, bytes } = read
  return { frame, length: endOfWhole(frame.buffer, frame.start, frame.start + bytes) - frame.start }
}

/** Whole batches at the start of a frame, which the receiver releases. */
export interface LogPiece {
  readonly frame: Frame
  readonly length: number
}

// From the batch that holds `offset`: at least that batch, about `maxBytes`, of one segment.
async function locatePiece(
  state: LogState,
  offset: number,
  maxBytes: number
): Promise<{ segment: LogSegment; position: number; length: number } | undefined> {
  // Compaction may replace segments while the disk is waited for.
  const segments = state.segments.snapshot()
  for (let index = Math.max(0, state.segments.floor(offset)); ; index++) {
    const segment = segments[index]
    if (segment === undefined || offset >= state.endOffset) return undefined
    if (segment.size === 0) continue
    const from = await segment.native.locate(Math.max(offset, segment.baseOffset))
    if (from.bytes === 0) continue
    const length = Math.min(Math.max(maxBytes, from.bytes), segment.size - from.position)
    if (length > 0) return { segment, position: from.position, length }
  }
}

function wholeBatches(bytes: Buffer): Buffer {
  return bytes.subarray(0, endOfWhole(bytes, 0, bytes.length))
}

function endOfWhole(bytes: Buffer, from: number, to: number): number {
  let end = from
  for (;;) {
    const size = batch.frameAt(bytes, end, to)
    if (typeof size === 'string') return end
    end += size
  }
}
