/** Swaps segments of an open log. Whoever reads the old ones goes on: they stay open until their files are removed. */
import { sleep } from '../../clock.js'
import { StorageError } from '../../errors.js'
import { removeFile, renameIfThere, storageError } from '../files.js'
import type { LogSegment } from '../log-segment.js'
import type { LogState } from '../log-state.js'
import { DELETED_SUFFIX, SNAPSHOT_SUFFIX } from '../names.js'
import { removeCleaned, runSwapSteps, SWAPPED_SUFFIXES, swapSteps } from './swap.js'

/** From one attempt to the next at giving the last names, where the folder has no room for them. */
const ROOM_MS = 1000

/**
 * Puts `cleaned`, whose files are complete and on the disk as `.cleaned`, in the place of the neighbours `old`. A failure in between leaves
 * names that only the next start puts right: the folder goes offline. Where it is only that there is no room, readers go on with the old segments until there
 * is, or until the compaction is to end.
 */
export async function replaceSegments(
  state: LogState,
  old: readonly LogSegment[],
  cleaned: LogSegment,
  signal: AbortSignal
): Promise<void> {
  try {
    // What is open stays readable under whatever name. Where it can't be opened now nothing has happened yet.
    for (const segment of old) await segment.native.keepOpen()
  } catch (error) {
    cleaned.native.close()
    await removeCleaned(state.folder, cleaned.baseOffset)
    throw error
  }
  const steps = swapSteps(
    cleaned.baseOffset,
    old.map(({ baseOffset }) => baseOffset)
  )
  const waitForRoom = async (error: StorageError): Promise<boolean> => {
    if (signal.aborted || state.offline) return false
    state.environment.warn(`compacted segments of ${state.topic}-${state.partition} wait for room for their names`, error)
    await sleep(state.clock, ROOM_MS, signal)
    return true
  }
  let noRoom: StorageError | undefined
  try {
    noRoom = await runSwapSteps(state.folder, steps, waitForRoom)
  } catch (error) {
    cleaned.native.close()
    const failure = storageError(error, state.folder)
    state.fail(failure)
    throw new StorageError(failure.code, failure.path, `compacted segments could not be put in their place: ${failure.message}`)
  }
  if (noRoom !== undefined) {
    cleaned.native.close()
    await removeCleaned(state.folder, cleaned.baseOffset)
    throw noRoom
  }
  cleaned.sealed = true
  cleaned.timestampsKnown = cleaned.largestTimestamp >= 0
  cleaned.durableBytes = cleaned.size
  state.segments.replace(old, cleaned)
  state.later(state.config.fileDeleteDelayMs, () => removeOld(state, old, cleaned.baseOffset))
}

async function removeOld(state: LogState, old: readonly LogSegment[], kept: number): Promise<void> {
  for (const segment of old) segment.native.close()
  for (const segment of old) {
    for (const suffix of SWAPPED_SUFFIXES) await removeFile(segment.path + suffix + DELETED_SUFFIX)
    // Where no segment begins any more no start looks for producer states, except for the newest.
    if (segment.baseOffset === kept || segment.baseOffset === state.snapshotOffset) continue
    const snapshot = segment.path + SNAPSHOT_SUFFIX
    if (await renameIfThere(snapshot, snapshot + DELETED_SUFFIX)) await removeFile(snapshot + DELETED_SUFFIX)
  }
}
