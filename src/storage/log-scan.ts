/** Walking the batches of a segment through the native scan, in pieces, so that one long recovery does not hold a disk thread. */
import { readInt64 } from '../record/batch.js'
import { SCAN_ROW_BYTES, ScanFlag, ScanStatus } from '../native/numbers.js'
import type { ScanResult } from '../native/segment.js'
import type { LogSegment } from './log-segment.js'
import type { LogState } from './log-state.js'

export { ScanFlag }

const PIECE_BYTES = 64 * 1024 * 1024
const PIECE_ROWS = 65_536
const HEADER_AT = 8

export interface ScanEnd {
  /** After the last good batch. */
  readonly position: number
  /** 0: the end of the file was reached; else why not (see segmentScan). */
  readonly reason: number
}

/** Called per batch: where its header lies in memory (61 bytes, not kept after the call), and where the batch lies in the file. */
export type OnBatch = (buffer: Buffer, at: number, position: number) => void | Promise<void>

/** The batches that begin in [from, to) of the file. */
export async function scanSegment(
  state: LogState,
  segment: LogSegment,
  from: number,
  flags: number,
  onBatch: OnBatch,
  to = Infinity
): Promise<ScanEnd> {
  const scan = (position: number): Promise<ScanResult> =>
    segment.native.scan(position, Math.min(PIECE_BYTES, to - position), PIECE_ROWS, flags)
  if (from >= to) return { position: from, reason: 0 }
  let before = from
  let piece = await scan(from)
  for (;;) {
    const { status, position, reason } = piece
    if ((flags & ScanFlag.verifyCrc) !== 0) state.environment.recovered?.(position - before)
    before = position
    // The next piece is read while this one is looked at.
    const ahead = status === ScanStatus.more && position < to ? scan(position) : undefined
    try {
      await eachBatch(state, piece, onBatch)
    } catch (error) {
      const unseen = await ahead?.catch(() => undefined)
      if (unseen?.frame) state.runtime.release(unseen.frame)
      throw error
    }
    if (ahead === undefined) return { position, reason: status === ScanStatus.invalid ? reason : 0 }
    piece = await ahead
  }
}

async function eachBatch(state: LogState, { frame, count }: ScanResult, onBatch: OnBatch): Promise<void> {
  if (frame === undefined) return
  const { buffer, start } = frame
  try {
    for (let row = 0; row < count; row++) {
      const at = start + row * SCAN_ROW_BYTES
      const wait = onBatch(buffer, at + HEADER_AT, readInt64(buffer, at))
      if (wait) await wait
    }
  } finally {
    state.runtime.release(frame)
  }
}
