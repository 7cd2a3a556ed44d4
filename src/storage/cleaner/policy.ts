/** What is compacted, and when: Kafka's rules (LogCleanerManager, Cleaner.groupSegmentsBySize) as functions of plain facts. */

export interface SegmentFacts {
  readonly baseOffset: number
  readonly size: number
}

export interface LogFacts {
  /** In the order of their offsets; the last one is the active one. */
  readonly segments: readonly SegmentFacts[]
  readonly logStartOffset: number
  readonly endOffset: number
  readonly lastStableOffset: number
}

/** Where the part that was never compacted begins. */
export interface DirtyStart {
  readonly offset: number
  /** Why the checkpoint does not hold and must be written anew; undefined: it does. */
  readonly reset: 'before-start' | 'beyond-end' | undefined
}

export interface CleanRange {
  readonly firstDirtyOffset: number
  /** Base offset of the first segment that must stay as it is. */
  readonly firstUncleanableOffset: number
  readonly cleanBytes: number
  readonly cleanableBytes: number
}

/** `checkpoint`: up to where the log was compacted; undefined: never. */
export function dirtyStart({ logStartOffset, endOffset }: LogFacts, checkpoint: number | undefined): DirtyStart {
  const offset = checkpoint ?? logStartOffset
  if (offset < logStartOffset) return { offset: logStartOffset, reset: 'before-start' }
  // The log has lost its tail. What is there now may be other records: all of it counts as dirty.
  if (offset > endOffset) return { offset: logStartOffset, reset: 'beyond-end' }
  return { offset, reset: undefined }
}

/** The index of the segment that holds `offset`; 0 when it lies before all. */
export function segmentOf(segments: readonly SegmentFacts[], offset: number): number {
  let index = 0
  while (index + 1 < segments.length && segments[index + 1]!.baseOffset <= offset) index++
  return index
}

/** The closed segments from the one that holds the offset on. */
export function dirtySegments<S extends SegmentFacts>(segments: readonly S[], firstDirtyOffset: number): S[] {
  return segments.slice(segmentOf(segments, firstDirtyOffset), -1)
}

/** `youngFrom`: base offset of the first segment with a record younger than `min.compaction.lag.ms`; undefined: none. */
export function cleanRange(log: LogFacts, firstDirtyOffset: number, youngFrom: number | undefined): CleanRange {
  const { segments, lastStableOffset } = log
  const active = segments.at(-1)!
  const limit = Math.max(firstDirtyOffset, Math.min(lastStableOffset, active.baseOffset, youngFrom ?? Infinity))
  const firstUncleanableOffset = segments[segmentOf(segments, limit)]!.baseOffset
  let cleanBytes = 0
  let cleanableBytes = 0
  const from = segmentOf(segments, firstDirtyOffset)
  for (const [index, segment] of segments.entries()) {
    if (segment.baseOffset < firstDirtyOffset) cleanBytes += segment.size
    if (index >= from && segment.baseOffset < firstUncleanableOffset) cleanableBytes += segment.size
  }
  return { firstDirtyOffset, firstUncleanableOffset, cleanBytes, cleanableBytes }
}

/** The share of the log that is dirty and may be compacted. */
export function dirtyRatio({ cleanBytes, cleanableBytes }: CleanRange): number {
  return cleanableBytes === 0 ? 0 : cleanableBytes / (cleanBytes + cleanableBytes)
}

/** By how much the oldest dirty segment is beyond `max.compaction.lag.ms`. `firstTimestamps`: of the first batch of each dirty closed segment. */
export function compactionDelayMs(firstTimestamps: readonly number[], maxCompactionLagMs: number, nowMs: number): number {
  const known = firstTimestamps.filter((timestamp) => timestamp > 0)
  if (known.length === 0) return 0
  const cleanUntil = nowMs - Math.max(0, maxCompactionLagMs)
  return Math.max(0, cleanUntil - Math.min(...known))
}

/** Whether it is worth it, or overdue. */
export function isDue(range: CleanRange, minCleanableDirtyRatio: number, delayMs: number): boolean {
  return (delayMs > 0 && range.cleanableBytes > 0) || dirtyRatio(range) > minCleanableDirtyRatio
}

export interface GroupFacts extends SegmentFacts {
  readonly indexBytes: number
  readonly timeIndexBytes: number
}

/** Segments that become one, in order: as many as fit by size, by the size of their indexes, and by what a relative offset can tell. */
export function groupSegments<S extends GroupFacts>(
  segments: readonly S[],
  limits: { readonly segmentBytes: number; readonly indexBytes: number; readonly firstUncleanableOffset: number }
): S[][] {
  const groups: S[][] = []
  let size = 0
  let index = 0
  let timeIndex = 0
  for (const [at, segment] of segments.entries()) {
    const last = (segments[at + 1]?.baseOffset ?? limits.firstUncleanableOffset) - 1
    const group = groups.at(-1)
    const fits =
      group !== undefined &&
      size + segment.size <= limits.segmentBytes &&
      index + segment.indexBytes <= limits.indexBytes &&
      timeIndex + segment.timeIndexBytes <= limits.indexBytes &&
      (segment.size === 0 || last - group[0]!.baseOffset <= 0x7fffffff)
    if (fits) group.push(segment)
    else {
      groups.push([segment])
      size = index = timeIndex = 0
    }
    size += segment.size
    index += segment.indexBytes
    timeIndex += segment.timeIndexBytes
  }
  return groups
}
