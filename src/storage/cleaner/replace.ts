/** Swaps segments of an open log. Whoever reads the old ones goes on: they stay open until their files are removed. */
import { StorageError } from '../../errors.js'
import { removeFile, renameIfThere, storageError } from '../files.js'
import type { LogSegment } from '../log-segment.js'
import type { LogState } from '../log-state.js'
import { DELETED_SUFFIX, SNAPSHOT_SUFFIX } from '../names.js'
import { removeCleaned, runSwapSteps, SWAPPED_SUFFIXES, swapSteps, type SwapStep } from './swap.js'

/** The folder has no room for the last names of compacted segments: readers go on with the old ones, which are open, until `swap` could be finished. */
export class WaitsForRoom extends StorageError {
  readonly swap: UnfinishedSwap

  constructor(error: StorageError, swap: UnfinishedSwap) {
    super(error.code, error.path, `compacted segments wait for room for their names: ${error.message}`)
    this.swap = swap
  }
}

/**
 * Puts `cleaned`, whose files are complete and on the disk as `.cleaned`, in the place of the neighbours `old`. A failure in between leaves
 * names that only the next start puts right: the folder goes offline. Where there is no room all stays as it was, but for the last names: WaitsForRoom.
 */
export async function replaceSegments(state: LogState, old: readonly LogSegment[], cleaned: LogSegment): Promise<void> {
  try {
    // What is open, or in memory, stays readable under whatever name. Where it can't be opened now nothing has happened yet.
    for (const segment of old) {
      await segment.native.keepOpen()
      await segment.transactions.ready()
    }
  } catch (error) {
    cleaned.native.close()
    await removeCleaned(state.folder, cleaned.baseOffset)
    throw error
  }
  const steps = swapSteps(
    cleaned.baseOffset,
    old.map(({ baseOffset }) => baseOffset)
  )
  const swap = new UnfinishedSwap(state, old, cleaned, steps)
  const noRoom = await swap.goOn()
  if (noRoom === undefined) return
  if (swap.hasBegun) throw new WaitsForRoom(noRoom, swap)
  swap.drop()
  await removeCleaned(state.folder, cleaned.baseOffset)
  throw noRoom
}

export class UnfinishedSwap {
  readonly #state: LogState
  readonly #old: readonly LogSegment[]
  readonly #cleaned: LogSegment
  #steps: readonly SwapStep[]

  constructor(state: LogState, old: readonly LogSegment[], cleaned: LogSegment, steps: readonly SwapStep[]) {
    this.#state = state
    this.#old = old
    this.#cleaned = cleaned
    this.#steps = steps
  }

  /** The old segments have lost their names: it can only be finished, here or by the next start. */
  get hasBegun(): boolean {
    return this.#steps.length > 0
  }

  /** Resolves to undefined when the segments are in their place, to the error where there is no room. Rejects with a StorageError: the folder is offline then. */
  async goOn(): Promise<StorageError | undefined> {
    const state = this.#state
    try {
      const noRoom = await runSwapSteps(state.folder, this.#steps)
      if (noRoom !== undefined) {
        this.#steps = noRoom.left
        return noRoom.error
      }
    } catch (error) {
      this.drop()
      const failure = storageError(error, state.folder)
      state.fail(failure)
      throw new StorageError(failure.code, failure.path, `compacted segments could not be put in their place: ${failure.message}`)
    }
    this.#putInPlace()
    return undefined
  }

  /** What is left is for the next start. */
  drop(): void {
    this.#cleaned.native.close()
  }

  #putInPlace(): void {
    const state = this.#state
    const cleaned = this.#cleaned
    // The folder may have got another name meanwhile.
    cleaned.native.moved(state.segmentPath(cleaned.baseOffset))
    cleaned.sealed = true
    cleaned.timestampsKnown = cleaned.largestTimestamp >= 0
    cleaned.durableBytes = cleaned.size
    state.segments.replace(this.#old, cleaned)
    state.later(state.config.fileDeleteDelayMs, () => removeOld(state, this.#old, cleaned.baseOffset))
  }
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
