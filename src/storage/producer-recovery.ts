/** The producer states of a log as of some offset: from the newest snapshot below it, and the batches behind that. */
import path from 'node:path'
import { WireError } from '../errors.js'
import * as batch from '../record/batch.js'
import { removeFile, storageError } from './files.js'
import { keepUnreadable } from './log-faults.js'
import { scanSegment, ScanFlag } from './log-scan.js'
import type { LogSegment } from './log-segment.js'
import type { LogState } from './log-state.js'
import { offsetName, SNAPSHOT_SUFFIX } from './names.js'
import { readEndMarker, readProducer } from './producer-batch.js'
import { decodeSnapshot } from './producer-snapshot.js'
import { ProducerStates } from './producer-state.js'
import { removeStraySnapshots } from './segment-files.js'
import { surveyedSnapshot, type FolderSurvey } from './survey.js'
import type { AbortedTransaction } from './transaction-index.js'

/** Told of every abort that is replayed, and of the segment that holds its marker. */
export type OnAbort = (segment: LogSegment, aborted: AbortedTransaction) => Promise<void> | undefined

export interface SnapshotState {
  readonly producers: ProducerStates
  /** Of the snapshot that was taken; -1: there was none, or none that could be read. */
  readonly snapshotOffset: number
  /** There was one that could not be read. */
  readonly broken: boolean
}

/** The states in the newest snapshot at or below `limit`. Broken ones get another name. `survey`: taken now. Rejects with a StorageError. */
export async function newestSnapshot(
  state: LogState,
  snapshots: readonly number[],
  limit: number,
  survey?: FolderSurvey
): Promise<SnapshotState> {
  const producers = new ProducerStates()
  const newest = Math.max(-1, ...snapshots)
  let broken = false
  for (const snapshotOffset of snapshots.filter((offset) => offset <= limit).toSorted((a, b) => b - a)) {
    const file = path.join(state.folder, offsetName(snapshotOffset) + SNAPSHOT_SUFFIX)
    try {
      producers.load(decodeSnapshot(await surveyedSnapshot(snapshotOffset === newest ? survey : undefined, file)))
      return { producers, snapshotOffset, broken }
    } catch (error) {
      if (!(error instanceof WireError)) throw storageError(error, file)
      await keepUnreadable(state, file, 'an older snapshot is used, and the batches behind it', error)
      broken = true
    }
  }
  return { producers, snapshotOffset: -1, broken }
}

/** Takes over the batches in [from, to), which are written. Rejects with a StorageError. */
export async function replayProducers(
  state: LogState,
  producers: ProducerStates,
  from: number,
  to: number,
  onAbort?: OnAbort
): Promise<void> {
  for (let index = Math.max(0, state.segments.floor(from)); index < state.segments.count; index++) {
    const segment = state.segments.at(index)!
    if (segment.baseOffset >= to) return
    if (segment.size === 0) continue
    const start = from <= segment.baseOffset ? 0 : (await segment.native.locate(from)).position
    const next = state.segments.at(index + 1)?.baseOffset ?? state.endOffset
    const end = to < next ? (await segment.native.locate(to)).position : segment.size
    const onBatch = (buffer: Buffer, at: number, position: number): Promise<void> | undefined => {
      const baseOffset = batch.baseOffset(buffer, at)
      if (baseOffset < from) return undefined
      return replayBatch(producers, segment, buffer, at, position, onAbort)
    }
    await scanSegment(state, segment, start, ScanFlag.onlyIdempotent, onBatch, end)
  }
}

/** Takes over one batch, of whose header `buffer` holds the bytes from `at` on, and which lies at `position` of its segment. */
export function replayBatch(
  producers: ProducerStates,
  segment: LogSegment,
  buffer: Buffer,
  at: number,
  position: number,
  onAbort: OnAbort | undefined
): Promise<void> | undefined {
  const producer = readProducer(buffer, at)
  if (producer !== undefined) {
    producers.append(producer, batch.baseOffset(buffer, at), batch.lastOffset(buffer, at), batch.maxTimestamp(buffer, at))
    return undefined
  }
  return batch.isControl(buffer, at) ? replayMarker(producers, segment, position, batch.sizeInBytes(buffer, at), onAbort) : undefined
}

async function replayMarker(
  producers: ProducerStates,
  segment: LogSegment,
  position: number,
  bytes: number,
  onAbort: OnAbort | undefined
): Promise<void> {
  const whole = await segment.native.read(position, bytes)
  const marker = readEndMarker(whole, 0)
  if (marker === undefined) return
  const offset = batch.baseOffset(whole, 0)
  const aborted = producers.aborts(marker, offset)
  producers.end(marker, batch.maxTimestamp(whole, 0))
  producers.ended(marker.producerId, offset)
  if (aborted !== undefined) await onAbort?.(segment, aborted)
}

/**
 * At the start: the states as of the end of the log, and the entries of aborts from `missingFrom` on that are not in the transaction indexes;
 * undefined: all are. Rejects with a StorageError.
 */
export async function loadProducers(
  state: LogState,
  snapshots: readonly number[],
  survey: FolderSurvey,
  clean: boolean,
  missingFrom: number | undefined
): Promise<void> {
  // One beyond the end tells of batches that are gone, and would be taken for true when the log gets there again.
  const beyond = snapshots.some((offset) => offset > state.endOffset)
  if (beyond) await removeSnapshotsAbove(state, snapshots, state.endOffset)
  const limit = Math.min(state.endOffset, missingFrom ?? state.endOffset)
  const { producers, snapshotOffset, broken } = await newestSnapshot(state, snapshots, limit, survey)
  state.producers = producers
  state.snapshotOffset = snapshotOffset
  await removeStraySnapshots(state, snapshots)
  // Also from below the log start, as long as it is there: a transaction that began there may still be open.
  const from = Math.max(state.segments.first.baseOffset, snapshotOffset)
  // A clean stop leaves a snapshot whenever there was anything to tell.
  if (from < state.endOffset && (!clean || broken || beyond || snapshotOffset >= 0 || missingFrom !== undefined)) {
    const onAbort: OnAbort = (segment, aborted) =>
      missingFrom !== undefined && aborted.lastOffset >= missingFrom ? segment.transactions.appendMissing(aborted) : undefined
    await replayProducers(state, producers, from, state.endOffset, onAbort)
  }
  producers.expire(state.clock.now(), state.environment.producerExpirationMs())
}

/** Of a log that begins anew: an older state would refuse producers whose last batches are gone with its end. Rejects with a StorageError. */
export async function forgetProducers(state: LogState, snapshots: readonly number[]): Promise<void> {
  await removeSnapshotsAbove(state, snapshots, -1)
  state.producers = new ProducerStates()
}

export async function removeSnapshotsAbove(state: LogState, snapshots: readonly number[], offset: number): Promise<void> {
  for (const one of snapshots) if (one > offset) await removeFile(path.join(state.folder, offsetName(one) + SNAPSHOT_SUFFIX))
}
