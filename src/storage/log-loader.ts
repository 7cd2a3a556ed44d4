/**
 * Opening the folder of a log. What was flushed whole is not scanned: the checkpoint says where the log ends and one look proves it. Else
 * everything from the recovery point on is read and checked, a torn tail cut off and the indexes made anew.
 */
import path from 'node:path'
import { WireError } from '../errors.js'
import * as batch from '../record/batch.js'
import type { EpochStart } from './checkpoints.js'
import { isUnfinishedSwap, recoverSwaps } from './cleaner/swap.js'
import { notAFile, removeFile, storageError } from './files.js'
import { foreignAmong } from './inspect/partition-files.js'
import { LeaderEpochs } from './leader-epochs.js'
import { keepBehindCut, keepCut, keepUnreadable, refuseOtherFormat, tellForeign } from './log-faults.js'
import { scanSegment, ScanFlag, type ScanEnd } from './log-scan.js'
import type { LogSegment } from './log-segment.js'
import type { LogState } from './log-state.js'
import {
  DELETED_SUFFIX,
  INDEX_SUFFIX,
  LEADER_EPOCH_FILE,
  LOG_SUFFIX,
  offsetName,
  parseSegmentFile,
  partitionFolder,
  pathIn,
  SNAPSHOT_SUFFIX,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX
} from './names.js'
import { forgetProducers, loadProducers, replayBatch, type OnAbort } from './producer-recovery.js'
import { SEGMENT_SUFFIXES } from './segment-files.js'
import { NOT_A_FILE, surveyedEpochs, surveyLog, type FolderSurvey } from './survey.js'

export interface LoadOptions {
  /** The folder was closed in an orderly way: everything is on the disk and the checkpoints are right. */
  readonly clean: boolean
  /** Of the checkpoints; undefined: not in them. */
  readonly recoveryPoint: number | undefined
  readonly logStartOffset: number | undefined
  /** What stands in the folder, where that was looked at with others. */
  readonly survey?: FolderSurvey
}

interface Found {
  readonly survey: FolderSurvey
  readonly sizes: Map<number, number>
  readonly snapshots: number[]
  readonly withIndex: Set<number>
  /** With one at least, be it of transactions. */
  readonly withSomeIndex: Set<number>
  readonly withTransactions: Set<number>
}

/** Fills a new state from its folder. Rejects with a StorageError. */
export async function loadLog(state: LogState, options: LoadOptions): Promise<void> {
  const found = await findFiles(state, options.survey ?? (await surveyLog(state.runtime, state.folder)))
  const { survey } = found
  const bases = [...found.sizes.keys()].sort((a, b) => a - b)
  const epochs = await readEpochs(state, survey)
  state.epochs = new LeaderEpochs(epochs)
  for (const base of bases) state.makeSegment(base, found.sizes.get(base)!).sealed = base !== bases.at(-1)
  if (bases.length === 0) state.makeSegment(options.logStartOffset ?? 0, -1)
  // Epochs that can't be read are found again from all batches.
  const recoveryPoint = epochs === undefined ? 0 : Math.max(0, options.recoveryPoint ?? 0)
  let missingFrom = await checkTransactionIndexes(state, found.withTransactions)
  // A power cut may take all of a log that was just begun, and leave something of its indexes.
  const bare = options.clean || !found.withSomeIndex.has(state.segments.active.baseOffset)
  const readFrom = (await endsAt(state, recoveryPoint, survey, options.clean, bare)) ? undefined : recoveryPoint
  const replayed = readFrom !== undefined && found.snapshots.length === 0 && readFrom <= state.segments.first.baseOffset
  if (readFrom !== undefined) {
    const firstMarker = await recover(state, readFrom, replayed)
    if (!replayed) missingFrom = least(firstMarker, missingFrom)
  }
  await rebuildMissingIndexes(state, found.withIndex, readFrom)
  const anew = await beginAt(state, Math.max(options.logStartOffset ?? 0, state.segments.first.baseOffset))
  state.nextOffset = state.endOffset
  state.savedRecoveryPoint = recoveryPoint
  // Where compaction left a gap, or the disk lost what it had flushed: what is written there next is not on the disk yet.
  if (state.endOffset < recoveryPoint) await lowerRecoveryPoint(state, state.endOffset)
  state.recoveryPoint = Math.min(state.recoveryPoint, state.remadeFrom)
  markDurable(state)
  state.epochs.truncateFromEnd(state.endOffset + 1)
  state.epochs.truncateFromStart(state.logStartOffset)
  if (anew) await forgetProducers(state, found.snapshots)
  else if (replayed) state.producers.expire(state.clock.now(), state.environment.producerExpirationMs())
  else await loadProducers(state, found.snapshots, survey, options.clean, missingFrom)
  state.snapshotFlushed = options.clean
  await state.segments.active.transactions.ready()
  const { active } = state.segments
  if (active.size > 0 && active.baseOffset === bases.at(-1) && survey.firstTimestamp !== undefined)
    active.firstTimestamp = survey.firstTimestamp
  else await learnFirstTimestamp(state)
}

// A segment that the recovery point lies in is not: its end may be in the page cache alone, left there by a process that was killed.
function markDurable(state: LogState): void {
  const segments = state.segments.all()
  for (const [index, segment] of segments.entries()) {
    const end = segments[index + 1]?.baseOffset ?? state.endOffset
    if (end <= state.recoveryPoint && segment.indexChanges === 0) segment.durableBytes = segment.size
  }
}

async function findFiles(state: LogState, survey: FolderSurvey): Promise<Found> {
  const sizes = new Map<number, number>()
  const snapshots: number[] = []
  const indexes = new Map<string, number>()
  try {
    if (survey.files.some(({ name, size }) => size !== NOT_A_FILE && isUnfinishedSwap(name))) {
      await recoverSwaps(state.folder, (message) => state.environment.warn(message))
      return await findFiles(state, await surveyLog(state.runtime, state.folder))
    }
    const unknown: string[] = []
    const foreign: string[] = []
    for (const { name, size } of survey.files) {
      const file = parseSegmentFile(name)
      if (size === NOT_A_FILE) {
        // The log would lack records without it, or could not be written where it needs the name.
        if (file?.state === '') throw notAFile(path.join(state.folder, name))
        foreign.push(name)
        continue
      }
      if (!file) unknown.push(name)
      else if (file.state === DELETED_SUFFIX) await removeFile(path.join(state.folder, name))
      else if (file.state !== '') continue
      else if (file.suffix === LOG_SUFFIX) sizes.set(file.offset, size)
      else if (file.suffix === SNAPSHOT_SUFFIX) snapshots.push(file.offset)
      else indexes.set(name, file.offset)
    }
    // An index without its log leads nowhere, and would be in the way of a segment that begins there.
    for (const [name, base] of indexes) {
      if (sizes.has(base)) continue
      state.environment.warn(`${path.join(state.folder, name)} has no log beside it and is removed`)
      await removeFile(path.join(state.folder, name))
    }
    tellForeign(state, [...foreign, ...foreignAmong(unknown)])
  } catch (error) {
    throw storageError(error, state.folder)
  }
  const withIndex = new Set(
    [...sizes.keys()].filter((base) => indexes.has(offsetName(base) + INDEX_SUFFIX) && indexes.has(offsetName(base) + TIME_INDEX_SUFFIX))
  )
  const withSomeIndex = new Set(indexes.values())
  const withTransactions = new Set([...sizes.keys()].filter((base) => indexes.has(offsetName(base) + TXN_INDEX_SUFFIX)))
  return { survey, sizes, snapshots, withIndex, withSomeIndex, withTransactions }
}

/** Empties the transaction indexes that are broken. Returns the offset from which on aborts may be missing in them; undefined: in none. */
async function checkTransactionIndexes(state: LogState, there: ReadonlySet<number>): Promise<number | undefined> {
  let missingFrom: number | undefined
  for (const segment of state.segments.all()) {
    if (!there.has(segment.baseOffset)) segment.transactions.markMissing()
    const flaw = await segment.transactions.check()
    if (flaw === undefined) continue
    state.environment.warn(`${flaw}: it is made anew`)
    await remaking(state, segment)
    segment.transactions.reset()
    missingFrom = least(missingFrom, segment.baseOffset)
  }
  return missingFrom
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return Math.min(one, other)
}

async function readEpochs(state: LogState, survey: FolderSurvey): Promise<readonly EpochStart[] | undefined> {
  try {
    return await surveyedEpochs(survey, state.folder)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    await keepUnreadable(state, pathIn(state.folder, LEADER_EPOCH_FILE), 'leader epochs are found again from the batches', error)
    return undefined
  }
}

/**
 * After a clean stop, or of an empty log: whether it ends exactly at the recovery point, and there is nothing to recover. One look at the last batches,
 * which the survey has taken as a rule. After a crash an index may be broken all the same: recovery, which then finds nothing to read, looks at them.
 */
async function endsAt(state: LogState, offset: number, survey: FolderSurvey, clean: boolean, bare: boolean): Promise<boolean> {
  const { active } = state.segments
  if (active.size === 0) {
    // Of the segment before, the last entry of the time index may be missing after a crash.
    if (!bare || (state.segments.count > 1 && (!clean || active.baseOffset !== offset))) return false
    state.endOffset = state.recoveryPoint = active.baseOffset
    return true
  }
  if (!clean || offset <= active.baseOffset) return false
  const intact = survey.tailEnd === undefined ? await lastBatchEndsAt(active, offset) : survey.tailEnd === offset
  if (intact) state.endOffset = state.recoveryPoint = offset
  return intact
}

async function lastBatchEndsAt(active: LogSegment, offset: number): Promise<boolean> {
  try {
    const last = await active.native.locate(offset - 1)
    return last.bytes > 0 && last.position + last.bytes === active.size
  } catch {
    // Bytes that are no batches: recovery finds out where they begin.
    return false
  }
}

// A sealed segment whose index was lost would be walked from its start by every read. `readFrom`: recovery has done it from there on.
async function rebuildMissingIndexes(state: LogState, withIndex: ReadonlySet<number>, readFrom: number | undefined): Promise<void> {
  const end = readFrom === undefined ? state.segments.count : Math.max(0, state.segments.floor(readFrom))
  for (const segment of state.segments.all().slice(0, end)) {
    if (!segment.sealed || segment.size === 0 || withIndex.has(segment.baseOffset)) continue
    state.environment.warn(`${segment.path}${LOG_SUFFIX} lacks an index: both are made anew`)
    await rebuildIndexes(state, segment)
  }
}

// Durably, before what was flushed is written anew: a power cut while that is under way would leave half of it, below a recovery point that says it is whole.
async function remaking(state: LogState, { baseOffset }: LogSegment): Promise<void> {
  state.remadeFrom = Math.min(state.remadeFrom, baseOffset)
  await lowerRecoveryPoint(state, baseOffset)
}

// Rejects where the disk has no room for the word: the log is opened when there is.
async function lowerRecoveryPoint({ environment, topic, partition }: LogState, offset: number): Promise<void> {
  await environment.unflushed?.(partitionFolder(topic, partition), offset)
}

async function rebuildIndexes(state: LogState, segment: LogSegment): Promise<void> {
  await remaking(state, segment)
  await scanSegment(state, segment, 0, ScanFlag.rebuildIndexes, () => undefined)
  await endIndexes(state, segment)
}

// The time index of a segment that is not appended to ends in its largest timestamp: retention and look-ups by time go by that.
async function endIndexes(state: LogState, segment: LogSegment): Promise<void> {
  await segment.native.seal(state.strand, segment.largestTimestamp, segment.offsetOfLargestTimestamp)
  segment.indexesChanged()
}

/**
 * Checks everything from the recovery point on and cuts the log at the first batch that is not whole. What was checked has no entries in the
 * transaction indexes then: returns the offset from which on they are to be made anew; undefined: no transaction ends there. `replays`: all of the log
 * is read, and no snapshot tells of producers: they, and the transaction indexes, are found again on the way.
 */
async function recover(state: LogState, recoveryPoint: number, replays: boolean): Promise<number | undefined> {
  let firstMarker: number | undefined
  let index = Math.max(0, state.segments.floor(recoveryPoint))
  state.endOffset = state.segments.at(index)!.baseOffset
  state.recoveryPoint = Math.min(recoveryPoint, state.endOffset)
  // All of the segment before may have been flushed when it was rolled, but the last entry of its time index not yet.
  const before = recoveryPoint <= state.endOffset ? state.segments.at(index - 1) : undefined
  if (before !== undefined && before.size > 0) {
    if (await before.native.indexesLookSound()) await endIndexes(state, before)
    else await rebuildIndexes(state, before)
  }
  for (; index < state.segments.count; index++) {
    const segment = state.segments.at(index)!
    const from = await scanFrom(segment, recoveryPoint)
    if (from === 0) await remaking(state, segment)
    state.endOffset = from === 0 ? segment.baseOffset : recoveryPoint
    await segment.transactions.ready()
    segment.transactions.truncateTo(state.endOffset)
    segment.transactions.noteUnsynced()
    const onAbort: OnAbort = (within, aborted) => within.transactions.appendMissing(aborted)
    const flags = ScanFlag.verifyCrc | ScanFlag.rebuildIndexes | ScanFlag.onlyNews
    const end = await scanSegment(state, segment, from, flags, (buffer, at, position) => {
      state.endOffset = Math.max(state.endOffset, batch.lastOffset(buffer, at) + 1)
      segment.noteTimestamp(batch.maxTimestamp(buffer, at), batch.lastOffset(buffer, at))
      if (batch.isControl(buffer, at) && batch.hasProducerId(buffer, at)) firstMarker ??= batch.baseOffset(buffer, at)
      // The file may tell of one that began behind batches which could not be written, and those that came in their place.
      state.epochs.learn(batch.partitionLeaderEpoch(buffer, at), batch.baseOffset(buffer, at))
      return replays ? replayBatch(state.producers, segment, buffer, at, position, onAbort) : undefined
    })
    segment.timestampsKnown = from === 0
    if (end.reason !== 0) {
      await cutAt(state, index, end)
      break
    }
    if (segment.sealed) await endIndexes(state, segment)
  }
  return firstMarker
}

// The file position of the recovery point, when that can be trusted; else the segment is scanned from its start.
async function scanFrom(segment: LogSegment, recoveryPoint: number): Promise<number> {
  if (recoveryPoint <= segment.baseOffset || segment.size === 0 || !(await segment.native.indexesLookSound())) return 0
  try {
    const at = await segment.native.locate(recoveryPoint).catch(() => undefined)
    if (at !== undefined && at.bytes > 0) return at.baseOffset === recoveryPoint ? at.position : 0
    // No whole batch is there: all that was written was flushed, or what came next is torn.
    const last = await segment.native.locate(recoveryPoint - 1)
    return last.bytes > 0 ? last.position + last.bytes : 0
  } catch {
    return 0
  }
}

async function cutAt(state: LogState, index: number, end: ScanEnd): Promise<void> {
  const segment = state.segments.at(index)!
  await refuseOtherFormat(segment, end.position)
  await keepCut(state, segment, end, index + 1 < state.segments.count)
  await segment.native.truncate(state.strand, end.position)
  segment.size = end.position
  segment.sealed = false
  segment.unassign()
  while (state.segments.count > index + 1) {
    const after = state.segments.removeLast()
    after.native.close()
    await keepBehindCut(state, after)
    await after.transactions.settle()
    for (const suffix of SEGMENT_SUFFIXES) await removeFile(after.path + suffix)
  }
}

/** Sets the log start offset. True: the log ended before it (it lost its tail after records were deleted), and begins anew there. */
async function beginAt(state: LogState, logStartOffset: number): Promise<boolean> {
  state.logStartOffset = state.savedStart = logStartOffset
  if (state.endOffset >= logStartOffset) return false
  state.environment.warn(
    `${state.topic}-${state.partition} ends at ${state.endOffset}, before its start ${logStartOffset}: it begins anew there`
  )
  while (state.segments.count > 0) {
    const segment = state.segments.removeLast()
    segment.native.close()
    await segment.transactions.settle()
    for (const suffix of SEGMENT_SUFFIXES) await removeFile(segment.path + suffix)
  }
  state.makeSegment(logStartOffset, -1)
  state.endOffset = state.recoveryPoint = logStartOffset
  return true
}

// What the roll by time counts from.
export async function learnFirstTimestamp(state: LogState): Promise<void> {
  const { active } = state.segments
  if (active.size === 0) return
  const first = await active.native.scan(0, 1, 1, 0)
  if (first.frame === undefined) return
  if (first.count > 0) active.firstTimestamp = batch.maxTimestamp(first.frame.buffer, first.frame.start + 8)
  state.runtime.release(first.frame)
}
