/**
 * The native runtime as the rest of the program sees it: frames, completions as callbacks or promises, errors by name.
 * One runtime per broker or log directory. It owns the disk threads and, once started, the I/O threads.
 */
import { strict as assert } from 'node:assert'
import os from 'node:os'
import { StorageError } from '../errors.js'
import type { NativeRuntime, RuntimeOptions } from './binding.js'
import { EVENT_STRIDE, EventKind } from './numbers.js'
import { loadAddon } from './load-addon.js'
import { openSegments } from './open-files.js'

/** Called once per job, on the JavaScript thread: status (below 0: -errno) and the job's values (see binding.ts). */
export type Completion = (status: number, value1: number, value2: number, value3: number) => void

/** What the network layer does with its events. Called on the JavaScript thread in the order of arrival. */
export interface NetworkEvents {
  frame(connection: number, frame: Frame): void
  opened(connection: number, listener: number): void
  closed(connection: number, reason: number, bytesReceived: number, bytesSent: number): void
  acceptFailed(listener: number, errno: number): void
}

/**
 * Bytes that native code knows, mostly in its memory: `buffer.subarray(start, end)`, where `buffer` is the whole slab. Valid until `release` is called the last time;
 * after that the bytes may be another frame's at any moment. Never kept by the garbage collector: who has it releases it, once.
 */
export interface Frame {
  readonly id: number
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
  /** The memory is somebody else's: never written to, and read as little as can be after the call that gave it. */
  readonly lent?: boolean
}

const ROWS_PER_POLL = 512
/** A turn of the event loop handles frames for about so long, then lets timers and other I/O in. */
const TURN_MS = 5

const DEFAULTS: Omit<RuntimeOptions, 'openSegments'> = {
  appendThreads: 1,
  readThreads: 2,
  flushThreads: 1,
  maintenanceThreads: 2,
  recoveryThreads: 2,
  laneQueueLimit: 65_536,
  frameMemoryBytes: 256 * 1024 * 1024
}

/** `EIO` for -5, and so on. */
export function errnoName(status: number): string {
  for (const [name, number] of Object.entries(os.constants.errno)) if (number === -status) return name
  return `errno ${-status}`
}

export class Runtime {
  readonly native: NativeRuntime
  #network: NetworkEvents | undefined
  readonly #rows = new Float64Array(ROWS_PER_POLL * EVENT_STRIDE)
  readonly #view = new Float64Array(3)
  readonly #slabs: Buffer[] = []
  // Tickets are indexes into `completions`; free ones are chained through `#free`.
  readonly #completions: (Completion | undefined)[] = []
  readonly #free: number[] = []
  #outstanding = 0
  #draining = false
  #closed = false
  #idle: (() => void)[] = []

  constructor(options: Partial<RuntimeOptions> = {}) {
    const { Runtime: Native } = loadAddon()
    this.native = new Native({ ...DEFAULTS, openSegments: openSegments(0), ...options }, () => this.drain())
  }

  /** Who gets the events of connections. Set before `ioStart`. */
  set network(events: NetworkEvents) {
    this.#network = events
  }

  /** Registers `done` and returns the ticket to give to a native call. */
  ticket(done: Completion): number {
    const ticket = this.#free.pop() ?? this.#completions.length
    this.#completions[ticket] = done
    this.#outstanding++
    return ticket
  }

  /** Runs a native call that takes a ticket; resolves to its values, or rejects with a StorageError that names `path`. */
  run(path: string, call: (ticket: number) => void): Promise<[status: number, value1: number, value2: number, value3: number]> {
    return new Promise((resolve, reject) => {
      const ticket = this.ticket((status, value1, value2, value3) => {
        if (status < 0) reject(new StorageError(errnoName(status), path))
        else resolve([status, value1, value2, value3])
      })
      try {
        call(ticket)
      } catch (error) {
        this.#take(ticket)
        reject(error as Error)
      }
    })
  }

  /** A frame of native memory that holds a copy of `bytes`, with one reference. */
  frameFrom(bytes: Uint8Array): Frame {
    return this.#viewed(this.native.frameFrom(bytes, this.#view))
  }

  /** A frame over `bytes` themselves, with one reference: they stay as they are until it is released, and what was done with it has ended. */
  frameOver(bytes: Buffer): Frame {
    return { id: this.native.frameOver(bytes), buffer: bytes, start: 0, end: bytes.length, lent: true }
  }

  /** The bytes behind a frame id that native code handed over. */
  frame(id: number): Frame {
    this.native.frameView(id, this.#view)
    return this.#viewed(id)
  }

  release(frame: Frame): void {
    this.native.releaseFrame(frame.id)
  }

  /**
   * Handles what has happened: frames, then completions, in order of arrival. Called by the wake-up; and by whoever must see all that has
   * arrived before it acts (a session timer that is about to expire a member). Re-entrant calls do nothing.
   */
  drain(): void {
    if (this.#draining || this.#closed) return
    this.#draining = true
    try {
      const until = performance.now() + TURN_MS
      for (;;) {
        const rows = this.native.poll(this.#rows)
        for (let row = 0; row < rows; row++) this.#handle(row * EVENT_STRIDE)
        if (rows < ROWS_PER_POLL) return
        if (performance.now() >= until) {
          setImmediate(() => this.drain())
          return
        }
      }
    } finally {
      this.#draining = false
    }
  }

  /** Resolves when no native job is outstanding. */
  whenIdle(): Promise<void> {
    if (this.#outstanding === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Waits for outstanding jobs, then joins the native threads and frees their memory. */
  async close(): Promise<void> {
    if (this.#closed) return
    await this.whenIdle()
    this.#closed = true
    this.native.close()
    this.#slabs.length = 0
  }

  #handle(at: number): void {
    const rows = this.#rows
    const kind = rows[at]!
    const a = rows[at + 1]!
    const b = rows[at + 2]!
    if (kind === EventKind.frame) {
      this.#network!.frame(a, this.#frameAt(b, rows[at + 3]!, rows[at + 4]!, rows[at + 5]!))
    } else if (kind === EventKind.completion) {
      this.#take(a)(b, rows[at + 3]!, rows[at + 4]!, rows[at + 5]!)
      if (this.#outstanding === 0 && this.#idle.length > 0) for (const resolve of this.#idle.splice(0)) resolve()
    } else if (kind === EventKind.connectionOpened) {
      this.#network!.opened(a, b)
    } else if (kind === EventKind.connectionClosed) {
      this.#network!.closed(a, b, rows[at + 3]!, rows[at + 4]!)
    } else {
      assert.equal(kind, EventKind.acceptFailed)
      this.#network!.acceptFailed(a, b)
    }
  }

  #take(ticket: number): Completion {
    const done = this.#completions[ticket]
    assert(done, `completion of an unknown ticket ${ticket}`)
    this.#completions[ticket] = undefined
    this.#free.push(ticket)
    this.#outstanding--
    return done
  }

  #viewed(id: number): Frame {
    const view = this.#view
    return this.#frameAt(id, view[0]!, view[1]!, view[2]!)
  }

  #frameAt(id: number, slab: number, offset: number, length: number): Frame {
    return { id, buffer: this.#slab(slab), start: offset, end: offset + length }
  }

  // A slab's memory may have been given back and its id taken into use anew: then the old buffer is detached (length 0).
  #slab(slab: number): Buffer {
    const known = this.#slabs[slab]
    if (known !== undefined && known.length > 0) return known
    const memory = this.native.slab(slab)
    return (this.#slabs[slab] = Buffer.from(memory, 0, memory.byteLength))
  }
}
