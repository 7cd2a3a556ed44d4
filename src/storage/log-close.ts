/** What closing a log has to write, for `Log.close` and for whoever closes thousands together. */
import { StorageError } from '../errors.js'
import type { SmallFile } from '../native/folders.js'
import type { LogFlusher } from './log-flusher.js'
import type { LogState } from './log-state.js'
import { encodeSnapshot } from './producer-snapshot.js'
import { snapshotFile, writeLastSnapshot } from './segment-files.js'

/**
 * As Kafka does on closing: the time index ends in the largest timestamp, which whoever opens the log next takes from there, and what was
 * reserved of the disk is given back.
 */
async function endTimeIndex({ segments, strand, config }: LogState): Promise<void> {
  const { active } = segments
  if (active.sealed || active.size === 0 || (active.largestTimestamp < 0 && !config.preallocate)) return
  active.sealed = true
  await active.native.seal(strand, active.largestTimestamp, active.offsetOfLargestTimestamp)
  active.indexesChanged()
}

/** Nothing is on its way into the files when it resolves, and the active segment is ended. Rejects with a StorageError. */
export async function endFiles(state: LogState, flusher: LogFlusher): Promise<void> {
  state.closing = true
  await endTimeIndex(state)
  for (const segment of state.segments.snapshot()) {
    if (!segment.transactions.dirty || !(await segment.transactions.write())) continue
    // Its name is to be flushed, too.
    state.folderChanged = true
    segment.indexesChanged()
  }
  await flusher.whenIdle()
  await state.epochsWritten
  await state.snapshotsWritten
}

/** Whoever finds the folder closed cleanly takes these for what they say: they are flushed with it, or it is not closed cleanly. */
export async function saveAll(state: LogState, flusher: LogFlusher): Promise<void> {
  if (snapshotIsOld(state)) await writeLastSnapshot(state, state.endOffset, encodeSnapshot(state.producers.values()))
  await flusher.flush()
  if (!state.epochsSaved) throw new StorageError('EIO', state.folder, 'the leader epochs could not be written')
}

/**
 * With no producer and no older snapshot there is nothing to tell. One that a roll left at the end is not flushed: without it a start after a power cut
 * would take all producers for new.
 */
function snapshotIsOld({ endOffset, snapshotOffset, snapshotFlushed, producers }: LogState): boolean {
  if (endOffset === 0) return false
  return snapshotOffset < 0 ? producers.size > 0 : endOffset > snapshotOffset || !snapshotFlushed
}

export function hasUnsaved(state: LogState, flusher: LogFlusher): boolean {
  if (state.offline) return false
  return state.endOffset > state.recoveryPoint || flusher.isBehind || snapshotIsOld(state) || !state.epochsSaved
}

/** Whoever calls it writes them. */
export function filesToSave(state: LogState): SmallFile[] {
  const files: SmallFile[] = []
  if (state.offline) return files
  if (snapshotIsOld(state)) files.push(snapshotFile(state))
  if (!state.epochsSaved) files.push(state.epochsFile())
  return files
}
