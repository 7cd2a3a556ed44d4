/** Walking the batches of a segment through the native scan, in pieces, so that one long recovery does not hold a disk thread. */
import { readInt64 } from '../record/batch.js'
import { SCAN_ROW_BYTES, ScanFlag, ScanStatus } from '../native/binding.js'
import type { LogSegment } from './log-segment.js'
import type { LogState } from './log-state.js'

export { ScanFlag }

const PIECE_BYTES = 64 * 1024 * 1024
const PIECE_ROWS = 4096
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
  let position = from
  for (;;) {
    if (position >= to) return { position, reason: 0 }
    const piece = await segment.native.scan(position, Math.min(PIECE_BYTES, to - position), PIECE_ROWS, flags)
    position = piece.position
    if (piece.frame) {
      const { buffer, start } = piece.frame
      try {
        for (let row = 0; row < piece.count; row++) {
          const at = start + row * SCAN_ROW_BYTES
          const wait = onBatch(buffer, at + HEADER_AT, readInt64(buffer, at))
          if (wait) await wait
        }
      } finally {
        state.runtime.release(piece.frame)
      }
    }
    if (piece.status !== ScanStatus.more) return { position, reason: piece.status === ScanStatus.invalid ? piece.reason : 0 }
  }
}
