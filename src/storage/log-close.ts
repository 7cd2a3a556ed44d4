/** The end of a log: in order, by itself or in the steps that thousands of logs take together, or given up. */
import { StorageError } from '../errors.js'
import type { SmallFile } from '../native/folders.js'
import type { LogFlusher } from './log-flusher.js'
import type { LogRemovals } from './log-removals.js'
import type { LogState } from './log-state.js'
import type { LogWriter } from './log-writer.js'
import { encodeSnapshot } from './producer-snapshot.js'
import { snapshotFile, writeLastSnapshot } from './segment-files.js'

export class LogClose {
  readonly #state: LogState
  readonly #flusher: LogFlusher
  readonly #writer: LogWriter
  readonly #removals: LogRemovals
  #savedEnd: number | undefined

  constructor(state: LogState, flusher: LogFlusher, writer: LogWriter, removals: LogRemovals) {
    this.#state = state
    this.#flusher = flusher
    this.#writer = writer
    this.#removals = removals
  }

  /** See Log.close. */
  async close(): Promise<void> {
    const state = this.#state
    try {
      await this.settle()
      if (!state.offline) await saveAll(state, this.#flusher)
    } finally {
      state.offline = true
      await letGo(state)
    }
  }

  /** Ends what is on its way, and the active segment: nothing may be appended any more. The first step of a close that many logs share. */
  async settle(): Promise<void> {
    await this.#settleWork()
    if (!this.#state.offline) await endFiles(this.#state, this.#flusher)
  }

  /** Closing has something to write or to flush. */
  hasUnsaved(): boolean {
    const { offline, endOffset, recoveryPoint, epochsSaved } = this.#state
    if (offline) return false
    return endOffset > recoveryPoint || this.#flusher.isBehind || snapshotIsOld(this.#state) || !epochsSaved
  }

  /** What closing writes besides the segments; the caller does. The second step. */
  filesToSave(): SmallFile[] {
    const state = this.#state
    this.#savedEnd = state.endOffset
    const files: SmallFile[] = []
    if (state.offline) return files
    if (snapshotIsOld(state)) files.push(snapshotFile(state))
    if (!state.epochsSaved) files.push(state.epochsFile())
    return files
  }

  /** The last step: all is on the disk. The log refuses everything from now on. */
  closeSaved(): void {
    if (!this.#state.offline && this.#savedEnd !== undefined) this.#state.recoveryPoint = this.#savedEnd
    this.#state.offline = true
    this.#state.release()
  }

  /** See Log.abandon. */
  async abandon(): Promise<void> {
    this.#state.offline = true
    await this.#settleWork()
    // By its name: the folder may be away next, and another log in its place.
    await this.#state.epochsWritten
    await letGo(this.#state)
  }

  async #settleWork(): Promise<void> {
    await this.#removals.close()
    await this.#writer.whenIdle()
    await this.#state.settle()
  }
}

/** Of a log of which nothing is to be saved any more. */
export async function letGo(state: LogState): Promise<void> {
  await state.snapshotsWritten
  for (const segment of state.segments.snapshot()) await segment.transactions.settle()
  state.release()
}

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
async function endFiles(state: LogState, flusher: LogFlusher): Promise<void> {
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
async function saveAll(state: LogState, flusher: LogFlusher): Promise<void> {
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
