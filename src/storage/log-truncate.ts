/**
 * Cutting the tail off a log, or all of it, as a follower does whose log has diverged from its leader's. Nothing is appended or compacted meanwhile.
 *
 * First the recovery point and how far the log is compacted are lowered durably, so that no start takes for flushed what will be written in place of the tail. Then what is in
 * memory changes, at once: readers never see a half. Then the files go, the last first, so that a crash at any point leaves a log without a gap.
 * Regions that were read before never send another byte.
 */
import { readdir } from 'node:fs/promises'
import { StorageError } from '../errors.js'
import { hasNoDescriptor, withDescriptor } from './descriptors.js'
import { isFull, storageError, syncFolder } from './files.js'
import { learnFirstTimestamp } from './log-loader.js'
import type { LogSegment } from './log-segment.js'
import type { LogState } from './log-state.js'
import type { LogWriter } from './log-writer.js'
import { parseSegmentFile, partitionFolder, SNAPSHOT_SUFFIX } from './names.js'
import { newestSnapshot, removeSnapshotsAbove, replayProducers } from './producer-recovery.js'
import { encodeSnapshot } from './producer-snapshot.js'
import { ProducerStates } from './producer-state.js'
import { markDeleted, unlinkDeleted, writeSnapshot } from './segment-files.js'

/** See Log.truncateTo. */
export async function truncateLog(state: LogState, writer: LogWriter, offset: number): Promise<boolean> {
  return alone(state, writer, async () => {
    if (offset >= state.endOffset) {
      // A leader that became a follower before it wrote anything has an epoch that begins at the end.
      state.epochs.truncateFromEnd(state.endOffset)
      await state.saveEpochs()
      return false
    }
    if (offset < state.segments.first.baseOffset) await restart(state, offset)
    else await cut(state, offset)
    return true
  })
}

/** See Log.truncateFullyAndStartAt. */
export async function restartLog(state: LogState, writer: LogWriter, offset: number): Promise<void> {
  return alone(state, writer, () => restart(state, offset))
}

async function alone<T>(state: LogState, writer: LogWriter, work: () => Promise<T>): Promise<T> {
  await writer.hold()
  const { segments, folder } = state
  const { active } = segments
  const before = state.endOffset
  // From here on no flush begins a snapshot.
  state.cuts++
  try {
    await state.snapshotsWritten
    if (state.offline) throw new StorageError('ECANCELED', folder, `the log in ${folder} is closed`)
    return await work()
  } catch (error) {
    const failure = storageError(error, folder)
    // Memory is ahead of the files: only a new start brings them together.
    if (state.endOffset !== before || segments.active !== active) state.fail(failure)
    throw failure
  } finally {
    state.comingStart = undefined
    state.cuts++
    writer.resume()
  }
}

async function cut(state: LogState, offset: number): Promise<void> {
  const index = state.segments.floor(offset)
  const segment = state.segments.at(index)!
  const at = await segment.native.locate(offset)
  // A batch is cut whole. Offsets that compaction has left out count as there.
  const end = at.bytes > 0 ? Math.min(offset, at.baseOffset) : offset
  const logStartOffset = Math.min(state.logStartOffset, end)
  // As in Kafka, all of the segment that is appended to from now on counts as not compacted.
  await saveCheckpoints(state, end, segment.baseOffset, logStartOffset < state.logStartOffset ? logStartOffset : undefined)
  const rebuild = await transactionsOf(state, segment)
  const snapshots = await snapshotsOf(state)
  const producers = await producersAsOf(state, snapshots, end, rebuild)
  const gone = state.segments.all().slice(index + 1)
  while (state.segments.count > index + 1) state.segments.removeLast()
  segment.cut(at.position, state.clock.now())
  segment.transactions.truncateTo(end)
  move(state, end, logStartOffset, producers)
  state.epochs.truncateFromEnd(end)
  await removeFromEnd(state, gone)
  await removeSnapshotsAbove(state, snapshots, end)
  await truncateFile(state, segment, at.position)
  // Else a power cut brings the tail back, also behind a clean stop: for the next flush nothing of this segment may be left to do.
  await withDescriptor(() => segment.native.flush())
  await unlessFull(state, 'its transaction index', () => withDescriptor(() => segment.transactions.write()))
  await withDescriptor(() => segment.transactions.sync())
  await finish(state)
}

// Without a file it is the log start that tells a start where the log is: also one that the name of the first segment has told so far is saved.
async function restart(state: LogState, offset: number): Promise<void> {
  const snapshots = await snapshotsOf(state)
  await saveCheckpoints(state, offset, offset, offset)
  const gone = state.segments.removeFirst(state.segments.count)
  state.makeSegment(offset, -1)
  move(state, offset, offset, new ProducerStates())
  state.epochs.clear()
  await removeFromEnd(state, gone)
  await removeSnapshotsAbove(state, snapshots, -1)
  state.snapshotOffset = -1
  await finish(state)
}

// What a full disk keeps from the files, memory and checkpoints know: the next flush, or the next append, does it.
async function unlessFull(state: LogState, what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const failure = storageError(error, state.folder)
    if (!isFull(failure.code)) throw failure
    state.environment.warn(`${state.topic}-${state.partition} was truncated, but ${what} could not be written yet`, failure)
  }
}

// At once: nothing is awaited between these.
function move(state: LogState, end: number, logStartOffset: number, producers: ProducerStates): void {
  state.endOffset = end
  state.nextOffset = end
  state.writtenOffset = end
  state.logStartOffset = logStartOffset
  if (state.replicatedTo !== undefined) state.replicatedTo = Math.min(state.replicatedTo, end)
  state.producers = producers
}

// Durably, before anything is cut: what is written in place of the tail is not on the disk yet, nor was it compacted. And before memory knows of the
// cut: on a disk that is full all stays as it was.
async function saveCheckpoints(state: LogState, end: number, activeBase: number, logStartOffset: number | undefined): Promise<void> {
  const { environment, topic, partition, recoveryPoint } = state
  try {
    if (Math.max(recoveryPoint, state.savedRecoveryPoint) > end) {
      state.recoveryPoint = Math.min(recoveryPoint, end)
      await environment.truncating?.()
      state.savedRecoveryPoint = end
    }
    await environment.notCompacted?.(partitionFolder(topic, partition), activeBase)
    if (logStartOffset === undefined) return
    state.comingStart = logStartOffset
    await environment.logStartMoved()
    state.savedStart = logStartOffset
  } catch (error) {
    // The next attempt must not take it for done.
    state.recoveryPoint = recoveryPoint
    throw error
  }
}

async function finish(state: LogState): Promise<void> {
  await state.saveEpochs()
  await syncFolder(state.folder)
  await withDescriptor(() => learnFirstTimestamp(state))
  if (state.producers.size > 0) await writeSnapshot(state, state.endOffset, encodeSnapshot(state.producers.values()))
}

/** The transaction index in memory. True: it is broken and was emptied. */
async function transactionsOf(state: LogState, segment: LogSegment): Promise<boolean> {
  try {
    await segment.transactions.ready()
    return false
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== 'EBADMSG') throw error
    state.environment.warn(`${error.message}: it is made anew`)
    segment.transactions.reset()
    return true
  }
}

// From what is written below `end`, as long as it is all there. A log that knows no producer had none there either.
async function producersAsOf(state: LogState, snapshots: readonly number[], end: number, rebuild: boolean): Promise<ProducerStates> {
  if (state.producers.size === 0 && !rebuild) {
    // The newest snapshot may lie behind the cut: what comes is told by another.
    state.snapshotOffset = -1
    return new ProducerStates()
  }
  const segmentBase = state.segments.at(state.segments.floor(end))!.baseOffset
  const { producers, snapshotOffset } = await newestSnapshot(state, snapshots, rebuild ? segmentBase : end)
  const from = Math.max(snapshotOffset, state.segments.first.baseOffset)
  if (from < end) {
    await replayProducers(state, producers, from, end, (segment, aborted) =>
      rebuild && segment.baseOffset === segmentBase ? segment.transactions.appendMissing(aborted) : undefined
    )
  }
  state.snapshotOffset = snapshotOffset
  producers.expire(state.clock.now(), state.environment.producerExpirationMs())
  return producers
}

async function snapshotsOf(state: LogState): Promise<number[]> {
  const files = (await readdir(state.folder)).map(parseSegmentFile)
  return files.filter((file) => file?.suffix === SNAPSHOT_SUFFIX && file.state === '').map((file) => file!.offset)
}

// Memory knows of the cut already.
async function truncateFile(state: LogState, segment: LogSegment, position: number): Promise<void> {
  await withDescriptor(async () => {
    try {
      await segment.native.truncate(state.strand, position)
    } catch (error) {
      // Nothing is queued behind it.
      if (hasNoDescriptor(error)) state.strand.reset()
      throw error
    }
  })
}

async function removeFromEnd(state: LogState, gone: readonly LogSegment[]): Promise<void> {
  for (const segment of gone.toReversed()) {
    // Fences what was read of it. One without bytes may have no file.
    if (segment.writtenBytes > 0) await truncateFile(state, segment, 0)
    segment.native.close()
    await markDeleted(segment)
  }
  await syncFolder(state.folder)
  state.later(state.config.fileDeleteDelayMs, async () => {
    for (const segment of gone) await unlinkDeleted(segment)
  })
}
