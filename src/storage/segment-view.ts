/** What a log tells of its segments. */
import type { LogSegment } from './log-segment.js'
import type { LogState } from './log-state.js'
import { LOG_SUFFIX } from './names.js'

export interface SegmentFile {
  readonly file: string
  readonly handle: number
  readonly baseOffset: number
  readonly size: number
  readonly nextBaseOffset: number
}

/** See Log.segmentFiles. */
export function segmentFiles(state: LogState): SegmentFile[] {
  const segments = state.segments.all()
  return segments.map((segment, index) => viewOf(segment, segments[index + 1]?.baseOffset ?? state.endOffset))
}

/** See Log.segmentFileFrom. */
export function segmentFileFrom({ segments, endOffset }: LogState, offset: number, handle: number): SegmentFile | undefined {
  for (let index = Math.max(0, segments.floor(offset)); index < segments.count; index++) {
    const segment = segments.at(index)!
    if (segment.native.handle === handle) return viewOf(segment, segments.at(index + 1)?.baseOffset ?? endOffset)
  }
  return undefined
}

function viewOf({ path, native, baseOffset, size }: LogSegment, nextBaseOffset: number): SegmentFile {
  return { file: path + LOG_SUFFIX, handle: native.handle, baseOffset, size, nextBaseOffset }
}
