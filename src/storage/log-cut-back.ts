/** What a failed write leaves goes: files and state of a log are again as its readers were shown them. */
import { StorageError } from '../errors.js'
import { isPassing, removeFile, storageError } from './files.js'
import type { LogState } from './log-state.js'
import type { Undo } from './producer-state.js'
import { SEGMENT_SUFFIXES } from './segment-files.js'

/**
 * Everything that was on its way has completed, with `code` as the first error. The native segment has cut off what a failed write left; here go the
 * segments that were begun for nothing, and the state of what was assigned (`undone`, in that order).
 */
export async function cutBack(state: LogState, undone: readonly Undo[], code: string): Promise<void> {
  for (const undo of undone.toReversed()) state.producers.undo(undo)
  state.nextOffset = state.endOffset
  state.writtenOffset = state.endOffset
  // What a flush has learned of batches that were on their way no longer holds.
  state.cuts += 2
  state.epochs.truncateFromEnd(state.endOffset + 1)
  if (!isPassing(code)) state.fail(new StorageError(code, state.folder))
  else {
    state.environment.warnSometimes?.(
      `a write to ${state.topic}-${state.partition} failed with ${code}; the log goes on when there is room`
    )
    await dropEmptySegments(state)
    state.segments.active.unassign()
  }
  if (!state.offline) state.strand.reset()
}

/** Takes the segments out at the end in which nothing was written. The last one that is left may be sealed. */
async function dropEmptySegments(state: LogState): Promise<void> {
  while (state.segments.count > 1 && state.segments.active.size === 0) {
    const segment = state.segments.removeLast()
    segment.native.close()
    await segment.transactions.settle()
    try {
      for (const suffix of SEGMENT_SUFFIXES) await removeFile(segment.path + suffix)
    } catch (error) {
      state.fail(storageError(error, segment.path))
    }
  }
}
