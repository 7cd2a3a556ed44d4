/** Files around a segment: producer snapshots, and what goes when a segment goes. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { StorageError } from '../errors.js'
import { isFull, removeFile, renameIfThere, writeFlushed } from './files.js'
import type { SmallFile } from '../native/folders.js'
import type { LogSegment } from './log-segment.js'
import type { LogState } from './log-state.js'
import { DELETED_SUFFIX, INDEX_SUFFIX, LOG_SUFFIX, offsetName, SNAPSHOT_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX } from './names.js'
import { encodeSnapshot } from './producer-snapshot.js'

/** Of the files of a segment. */
export const SEGMENT_SUFFIXES = [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX]

/**
 * Writes the producer states as of `offset`. Not flushed: the CRC tells a torn one, and an older one with more of the log replayed gives the
 * same. A failure costs only that.
 */
export async function writeSnapshot(state: LogState, offset: number, bytes: Buffer): Promise<void> {
  try {
    await writeFile(path.join(state.folder, offsetName(offset) + SNAPSHOT_SUFFIX), bytes)
    if (offset >= state.snapshotOffset) state.snapshotFlushed = false
    state.snapshotOffset = Math.max(state.snapshotOffset, offset)
  } catch (error) {
    state.environment.warn(`a producer snapshot of ${state.topic}-${state.partition} could not be written`, error)
  }
}

/** As writeSnapshot, flushed: its name with the next flush of the log. Rejects with a StorageError. */
export async function writeLastSnapshot(state: LogState, offset: number, bytes: Buffer): Promise<void> {
  const file = path.join(state.folder, offsetName(offset) + SNAPSHOT_SUFFIX)
  await writeFlushed(file, bytes)
  state.snapshotOffset = Math.max(state.snapshotOffset, offset)
  state.snapshotFlushed = true
  state.folderChanged = true
}

/** The producer states as of the end of the log, as a file for whoever writes many at once. */
export function snapshotFile(state: LogState): SmallFile {
  const file = path.join(state.folder, offsetName(state.endOffset) + SNAPSHOT_SUFFIX)
  return { path: file, contents: encodeSnapshot(state.producers.values()), replaces: false }
}

/** Renames a segment's files so that no start finds them again; `unlinkDeleted` removes them later. */
export async function markDeleted(segment: LogSegment): Promise<void> {
  await segment.transactions.settle()
  for (const suffix of [...SEGMENT_SUFFIXES, SNAPSHOT_SUFFIX]) await markFileDeleted(segment.path + suffix)
}

async function markFileDeleted(file: string): Promise<void> {
  try {
    await renameIfThere(file, file + DELETED_SUFFIX)
  } catch (error) {
    // A longer name may need room in the folder.
    if (!(error instanceof StorageError) || !isFull(error.code)) throw error
    await removeFile(file)
  }
}

export async function unlinkDeleted(segment: LogSegment): Promise<void> {
  for (const suffix of [...SEGMENT_SUFFIXES, SNAPSHOT_SUFFIX]) await removeFile(segment.path + suffix + DELETED_SUFFIX)
}

/** Removes, of the producer snapshots that were found, those that no start needs: not the newest, and not where a segment begins. */
export async function removeStraySnapshots(state: LogState, found: readonly number[]): Promise<void> {
  if (found.length < 2) return
  const bases = new Set(state.segments.all().map((segment) => segment.baseOffset))
  for (const offset of found) {
    if (offset === state.snapshotOffset || bases.has(offset)) continue
    await removeFile(path.join(state.folder, offsetName(offset) + SNAPSHOT_SUFFIX))
  }
}
