/** Putting another log, a copy, in the place of one that is written to: what comes meanwhile waits and goes to whichever of the two it is then. */
import type { Runtime } from '../native/runtime.js'
import type { AppendInput, Resolve } from './append.js'
import type { LogFlusher } from './log-flusher.js'
import type { LogState } from './log-state.js'
import type { LogWriter } from './log-writer.js'
import { encodeSnapshot } from './producer-snapshot.js'
import type { ProducerEntry } from './producer-state.js'
import { writeLastSnapshot } from './segment-files.js'

interface Heir {
  appendThen(input: AppendInput, done: Resolve): void
}

export class Handover<L extends Heir> {
  readonly #runtime: Runtime
  readonly #held: { readonly input: AppendInput; readonly resolve: Resolve }[] = []
  #heir: L | undefined
  #decide: ((heir: L) => void) | undefined
  /** Who has the log's place, when that is known. */
  readonly decided = new Promise<L>((resolve) => (this.#decide = resolve))

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** As Log.appendThen, a little later. */
  append(input: AppendInput, resolve: Resolve): void {
    if (this.#heir !== undefined) return this.#heir.appendThen(input, resolve)
    this.#runtime.native.retainFrame(input.frame.id)
    this.#held.push({ input, resolve })
  }

  /** What was held goes to `heir`, in its order, and so does all that still comes. */
  end(heir: L): void {
    this.#heir = heir
    for (const { input, resolve } of this.#held.splice(0)) {
      heir.appendThen(input, resolve)
      this.#runtime.release(input.frame)
    }
    this.#decide!(heir)
  }
}

/** Makes a log that holds all batches of another ready to be that: what is known of producers (also of batches that are gone), all on the disk. */
export async function settleHeir(state: LogState, flusher: LogFlusher, producers: Iterable<ProducerEntry>): Promise<void> {
  state.producers.load(producers)
  // Not only a shortcut: of a producer whose batches retention has deleted nothing else tells.
  if (state.endOffset > 0) await writeLastSnapshot(state, state.endOffset, encodeSnapshot(state.producers.values()))
  // Of the leader epochs and all names, too.
  await flusher.flush()
}

/**
 * Lets a log end at `offset` with nothing in between: the log that it copies has no batches there any more. On the disk when it is settled as heir. Rejects with
 * a StorageError.
 */
export async function skipTo(state: LogState, writer: LogWriter, offset: number): Promise<void> {
  // One that holds nothing stays as a file: its name tells a start where the log begins.
  await state.segments.active.native.prepare(state.strand)
  state.nextOffset = offset
  state.endOffset = offset
  writer.roll(true)
  // And this one's, where it ends.
  await state.segments.active.native.prepare(state.strand)
  state.folderChanged = true
}
