/** Which segments a log may give up, and giving them up. */
import type { LogSegment } from './log-segment.js'
import type { LogState } from './log-state.js'
import type { LogWriter } from './log-writer.js'
import { isPassing, storageError, syncFolder } from './files.js'
import { markDeleted, unlinkDeleted } from './segment-files.js'

/** What the decision needs of a segment; the last one is the active one. */
export interface SegmentFacts {
  readonly size: number
  /** The largest timestamp of its records, or when it was last written. */
  readonly timestamp: number
  /** Where the next segment begins, or the next batch will. */
  readonly nextBase: number
}

export interface RetentionRules {
  readonly nowMs: number
  /** Below 0: no limit, in all that follow. */
  readonly retentionMs: number
  readonly retentionBytes: number
  readonly logStartOffset: number
  /** Behind the last written record: no segment goes into which an append is on its way. */
  readonly endOffset: number
  /** `cleanup.policy` holds `delete`; without it only what lies before the log start goes. */
  readonly byPolicy: boolean
}

/** How many segments at the front go. An empty last segment always stays. */
export function deletableSegments(segments: readonly SegmentFacts[], rules: RetentionRules): number {
  const total = segments.reduce((sum, segment) => sum + segment.size, 0)
  const expired = (segment: SegmentFacts) => rules.byPolicy && rules.retentionMs >= 0 && rules.nowMs - segment.timestamp > rules.retentionMs
  let surplus = rules.byPolicy && rules.retentionBytes >= 0 ? total - rules.retentionBytes : -1
  let count = 0
  for (const segment of segments) {
    const last = count === segments.length - 1
    if ((last && segment.size === 0) || segment.nextBase > rules.endOffset) break
    // The log may become smaller than its limit by no segment: only what is wholly surplus goes.
    const tooMuch = surplus >= segment.size && surplus > 0
    const passed = !last && segment.nextBase <= rules.logStartOffset
    if (!expired(segment) && !tooMuch && !passed) break
    surplus -= segment.size
    count++
  }
  return count
}

/** Whether the disk has to be asked what may go: for most logs what is in memory tells that nothing may. */
export function mayDelete(state: LogState): boolean {
  const { config, segments, logStartOffset } = state
  const { first } = segments
  const next = segments.at(1)
  if (next === undefined && first.assignedBytes === 0) return false
  if (next !== undefined && next.baseOffset <= logStartOffset) return true
  if (!config.cleanupPolicy.includes('delete')) return false
  if (config.retentionBytes >= 0 && segments.sizeBytes > config.retentionBytes) return true
  // One record that is young enough keeps its segment.
  const youngest = Math.max(first.largestTimestamp, first.firstTimestamp ?? -1)
  return config.retentionMs >= 0 && (youngest < 0 || state.clock.now() - youngest > config.retentionMs)
}

/** Deletes what may go. Resolves to the number of segments; rejects with a StorageError. */
export async function applyRetention(state: LogState, writer: LogWriter): Promise<number> {
  const { config } = state
  const timestamps = new Map<LogSegment, number>()
  const asked = state.segments.snapshot()
  for (const segment of asked) {
    // One that compaction has left empty in front of others goes in its turn, too, or none behind it would.
    const emptied = segment.assignedBytes === 0 && segment !== asked.at(-1)
    if (segment.size > 0 || emptied) timestamps.set(segment, await segment.retentionTimestamp())
  }
  // Appends went on while the disk was asked: from here to the roll it is one moment.
  const nowMs = state.clock.now()
  const facts = state.segments.all().map((segment, index): SegmentFacts => ({
    size: segment.assignedBytes,
    timestamp: Math.max(timestamps.get(segment) ?? nowMs, segment.largestTimestamp),
    nextBase: state.segments.at(index + 1)?.baseOffset ?? state.nextOffset
  }))
  const rules: RetentionRules = {
    nowMs,
    retentionMs: config.retentionMs,
    retentionBytes: config.retentionBytes,
    logStartOffset: state.logStartOffset,
    endOffset: state.endOffset,
    byPolicy: config.cleanupPolicy.includes('delete')
  }
  const count = deletableSegments(facts, rules)
  if (count === 0 || state.offline) return 0
  if (count >= state.segments.count) writer.roll()
  if (count >= state.segments.count) return 0
  return deleteFirst(state, count)
}

async function deleteFirst(state: LogState, count: number): Promise<number> {
  const next = state.segments.at(count)!
  try {
    // The segment that is left must be a file before the others go: its name is what tells a start where the log is.
    await next.native.prepare(state.strand)
    await syncFolder(state.folder)
  } catch (error) {
    throw storageError(error, state.folder)
  }
  const gone = state.segments.removeFirst(count)
  if (next.baseOffset > state.logStartOffset) {
    state.logStartOffset = next.baseOffset
    try {
      await state.environment.logStartMoved()
      state.savedStart = Math.max(state.savedStart, next.baseOffset)
    } catch (error) {
      // A full disk is what retention is for. Without the word a start goes by the first segment.
      if (!isPassing(storageError(error, state.folder).code)) throw error
    }
  }
  // What is below may come back while the new start is not on the disk, and needs its epochs then.
  state.epochs.truncateFromStart(state.savedStart)
  state.saveEpochsSoon()
  await removeSegments(state, gone)
  return gone.length
}

async function removeSegments(state: LogState, gone: readonly LogSegment[]): Promise<void> {
  for (const segment of gone) {
    segment.native.close()
    await markDeleted(segment)
  }
  state.later(state.config.fileDeleteDelayMs, async () => {
    for (const segment of gone) await unlinkDeleted(segment)
  })
}
