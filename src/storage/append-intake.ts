/**
 * Appends before their turn. They are checked in any order (what is compressed, or is to be stored with another codec, off the thread) and go on
 * in the order of the calls.
 */
import { isRefusal } from '../record/index.js'
import { refusedAppend, storageFailure, type AppendInput, type AppendResult, type Resolve } from './append.js'
import { changesTimestamps, checkAppend, type Checked, type LongCheck } from './append-check.js'
import { Fifo } from './fifo.js'
import type { LogState } from './log-state.js'
import { TaskQueue } from './task-queue.js'

/** A batch that is being checked, or whose turn has not come. The log holds a reference of its frame. */
interface Waiting {
  readonly input: AppendInput
  readonly resolve: Resolve
  /** Undefined: the check is under way. */
  checked: Checked | undefined
  left: (() => void) | undefined
}

/** What the intake needs of the log's writer. */
export interface Turns {
  /** Nothing may go on now: a write failed, and the log is being put right. */
  halted(): boolean
  assign(input: AppendInput, maxTimestamp: number, resolve: Resolve): void
  /** Whoever could go on has done so. */
  pumped(): void
}

/** Batches of one log whose check is under way or done, and whose turn has not come: each may hold `max.message.bytes` in a new form. */
const CHECKED_AHEAD = 16

export class AppendIntake {
  readonly #state: LogState
  readonly #turns: Turns
  readonly #waiting = new Fifo<Waiting>()
  #checks: TaskQueue | undefined

  constructor(state: LogState, turns: Turns) {
    this.#state = state
    this.#turns = turns
  }

  get isEmpty(): boolean {
    return this.#waiting.first === undefined
  }

  add(input: AppendInput, resolve: Resolve): void {
    const state = this.#state
    if (state.offline) return resolve(this.#gone())
    const checked = checkAppend(state, input)
    if (typeof checked !== 'function' && isRefusal(checked)) return resolve(refusedAppend(checked, state.logStartOffset))
    const now = typeof checked === 'number' && !this.#turns.halted() && this.isEmpty
    // Lent bytes are read here, and by the system when it writes: never later, and never written to.
    if (input.frame.lent === true && !(now && !changesTimestamps(state.config, input, checked))) return this.#addCopy(input, resolve)
    if (typeof checked === 'function') return this.#checkLater(input, resolve, checked)
    if (now) return this.#turns.assign(input, checked, resolve)
    this.#queue(input, resolve, checked)
  }

  #addCopy(input: AppendInput, resolve: Resolve): void {
    const { runtime } = this.#state
    const { buffer, start } = input.frame
    const frame = runtime.frameFrom(buffer.subarray(start + input.offset, start + input.offset + input.length))
    this.add({ ...input, frame, offset: 0 }, resolve)
    runtime.release(frame)
  }

  /** Lets go on whoever may. */
  pump(): void {
    while (!this.#turns.halted()) {
      const head = this.#waiting.first
      if (head?.checked === undefined) break
      this.#waiting.shift()
      this.#letThrough(head, head.checked)
      this.#state.runtime.release(head.input.frame)
      head.left?.()
    }
    this.#turns.pumped()
  }

  #queue(input: AppendInput, resolve: Resolve, checked: Checked | undefined): Waiting {
    this.#state.runtime.native.retainFrame(input.frame.id)
    const waiting: Waiting = { input, resolve, checked, left: undefined }
    this.#waiting.push(waiting)
    return waiting
  }

  // Checks begin in the order of the calls. So the first that waits is always being checked, and those that hold a place are never behind one without.
  #checkLater(input: AppendInput, resolve: Resolve, check: LongCheck): void {
    const waiting = this.#queue(input, resolve, undefined)
    this.#checks ??= new TaskQueue(CHECKED_AHEAD)
    void this.#checks.run(async () => {
      waiting.checked = await check()
      const gone = new Promise<void>((left) => (waiting.left = left))
      this.pump()
      await gone
    })
  }

  #letThrough({ input, resolve }: Waiting, checked: Checked): void {
    const { offline, runtime, logStartOffset } = this.#state
    if (offline) return resolve(this.#gone())
    if (isRefusal(checked)) return resolve(refusedAppend(checked, logStartOffset))
    if (typeof checked === 'number') return this.#turns.assign(input, checked, resolve)
    const { bytes, maxTimestamp } = checked
    const frame = runtime.frameFrom(bytes)
    runtime.native.restampCrc(frame.id, 0, bytes.length)
    this.#turns.assign({ ...input, frame, offset: 0, length: bytes.length }, maxTimestamp, resolve)
    runtime.release(frame)
  }

  #gone(): AppendResult {
    const { topic, partition, logStartOffset } = this.#state
    return storageFailure(`the log directory of ${topic}-${partition} is offline`, logStartOffset)
  }
}
