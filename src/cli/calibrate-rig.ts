/**
 * What `sluice calibrate` measures with: the native I/O threads and one log segment as a broker has them, without a protocol above, and a
 * client process. Every answer is a header and a region of the file.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { IoOptions } from '../native/binding.js'
import { IO_COUNTERS, IoCounter, TransferMode } from '../native/numbers.js'
import { Runtime, type Frame } from '../native/runtime.js'
import { NativeSegment, Strand } from '../native/segment.js'
import { makeTemporary } from '../storage/files.js'

/** More than the caches of most processors: what is sent comes from memory, as it does in a broker. */
const FILE_BYTES = 64 * 1024 * 1024
const CHUNK_BYTES = 1024 * 1024
const CONNECTIONS = 4
const HEADER_BYTES = 70
const SETTLE_MS = 4
/** A busy machine may give the client no turn for a while: fewer answers tell nothing. */
const FEWEST_ANSWERS = 20
const PATIENCE_MS = 10_000
/** Long enough for the kernel to account the thread's time, which it does when the thread sleeps. */
const ACCOUNT_MS = 0.05
const NS_PER_US = 1000
const US_PER_MS = 1000

/** As a broker with default settings. */
const IO: Omit<IoOptions, 'inlineReceive'> = {
  threads: 3,
  maxFrameBytes: 1024,
  maxIdleMs: -1,
  maxConnections: Number.MAX_SAFE_INTEGER,
  maxConnectionsPerAddress: Number.MAX_SAFE_INTEGER,
  sendBufferBytes: 256 * 1024,
  receiveBufferBytes: -1,
  maxUnreleasedFrames: 128,
  maxUnreleasedBytes: 64 * 1024 * 1024,
  maxUnsentBytes: 128 * 1024 * 1024
}

export interface Way {
  /** Of one answer, without its header. */
  readonly bytes: number
  readonly copyBelowBytes: number
  readonly inlineBelowBytes: number
}

/** Microseconds of CPU time for one answer: of all threads, and of the event loop's among them. */
export interface Cost {
  readonly cpu: number
  readonly loop: number
  /** The share of the bytes that went by sendfile. */
  readonly bySendfile: number
}

export class CalibrationRig {
  readonly #runtime: Runtime
  readonly #folder: string
  readonly #regions = new Float64Array(4)
  readonly #header = new Uint8Array(HEADER_BYTES)
  readonly #counters = new Float64Array(IO_COUNTERS)
  readonly #sleep = new Int32Array(new SharedArrayBuffer(4))
  #client: ChildProcess | undefined
  #clientEnded = false
  #bytes = 4096
  #position = 0
  #answers = 0
  /** Connections whose requests wait: nothing is measured here now. Undefined while it is. */
  #held: number[] | undefined

  private constructor(runtime: Runtime, folder: string) {
    this.#runtime = runtime
    this.#folder = folder
  }

  /**
   * Makes a file of 64 MiB in a new folder below `temp`. `inlineReceive`: connections live on the event loop's thread as long as their answers
   * leave inline; else on the I/O threads. Rejects with the system's error when it can't.
   */
  static async open(temp: string, inlineReceive: boolean): Promise<CalibrationRig> {
    const folder = await makeTemporary(temp, 'sluice-calibrate-')
    const rig = new CalibrationRig(new Runtime({ appendThreads: 1, readThreads: 1, flushThreads: 1, maintenanceThreads: 1 }), folder)
    try {
      await rig.#start(inlineReceive)
      return rig
    } catch (error) {
      await rig.close()
      throw error
    }
  }

  /** Sends in one way for about `ms` and tells what an answer cost. */
  async measure(way: Way, ms: number): Promise<Cost> {
    this.#use(way)
    const held = this.#held ?? []
    this.#held = undefined
    for (const connection of held) this.#send(connection)
    await delay(SETTLE_MS)
    const before = this.#sample()
    const late = performance.now() + PATIENCE_MS
    do {
      await delay(ms)
      if (this.#clientEnded || performance.now() > late) throw new Error('the client process of the calibration has ended or is stuck')
    } while (this.#answers - before.answers < FEWEST_ANSWERS)
    const after = this.#sample()
    this.#held = []
    const answers = after.answers - before.answers
    const moved = (index: number): number => after.counters[index]! - before.counters[index]!
    const sendfile = moved(IoCounter.sendfileBytes)
    return {
      cpu: (after.cpu - before.cpu) / answers,
      loop: (after.loop - before.loop) / answers,
      bySendfile: sendfile / Math.max(1, sendfile + moved(IoCounter.readwriteBytes))
    }
  }

  async close(): Promise<void> {
    this.#client?.kill('SIGKILL')
    if (this.#client !== undefined && !this.#clientEnded) await once(this.#client, 'close')
    await this.#runtime.run('network', (ticket) => this.#runtime.native.ioStop(0, ticket))
    await this.#runtime.close()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #start(inlineReceive: boolean): Promise<void> {
    const { native } = this.#runtime
    const base = path.join(this.#folder, '0'.repeat(20))
    const file = await open(`${base}.log`, 'w')
    for (let at = 0; at < FILE_BYTES; at += CHUNK_BYTES) await file.write(Buffer.alloc(CHUNK_BYTES, at / CHUNK_BYTES))
    await file.close()
    const options = { baseOffset: 0, size: FILE_BYTES, indexBytes: 4096, indexIntervalBytes: 4096 }
    const segment = new NativeSegment(this.#runtime, base, options)
    await segment.prepare(new Strand(this.#runtime))
    this.#regions[0] = HEADER_BYTES
    this.#regions[1] = segment.handle
    this.#runtime.network = {
      frame: (connection, frame) => this.#answer(connection, frame),
      opened: () => undefined,
      closed: () => undefined,
      acceptFailed: () => undefined
    }
    native.ioStart({ ...IO, inlineReceive })
    const bound = native.ioListen('127.0.0.1', 0, CONNECTIONS)
    if (typeof bound === 'number') throw new Error(`cannot listen on 127.0.0.1: errno ${-bound}`)
    this.#use({ bytes: 4096, copyBelowBytes: 0, inlineBelowBytes: 0 })
    const program = fileURLToPath(new URL('./calibrate-client.js', import.meta.url))
    this.#client = spawn(process.execPath, [program, String(bound[1]), String(CONNECTIONS)], { stdio: ['ignore', 'ignore', 'inherit'] })
    this.#client.once('close', () => (this.#clientEnded = true))
    await once(this.#client, 'spawn')
    while (this.#answers < CONNECTIONS) {
      if (this.#clientEnded) throw new Error('the client process of the calibration does not start')
      await delay(SETTLE_MS)
    }
    this.#held = []
  }

  #use({ bytes, copyBelowBytes, inlineBelowBytes }: Way): void {
    this.#runtime.native.ioTransfer({ mode: TransferMode.auto, copyBelowBytes, inlineBelowBytes })
    this.#bytes = bytes
    this.#regions[3] = bytes
    new DataView(this.#header.buffer).setUint32(0, HEADER_BYTES - 4 + bytes)
  }

  #answer(connection: number, frame: Frame): void {
    this.#runtime.release(frame)
    if (this.#held === undefined) this.#send(connection)
    else this.#held.push(connection)
  }

  #send(connection: number): void {
    if (this.#position + this.#bytes > FILE_BYTES) this.#position = 0
    this.#regions[2] = this.#position
    this.#position += this.#bytes
    this.#answers++
    this.#runtime.native.ioSend(connection, this.#header, HEADER_BYTES, this.#regions, 1)
  }

  #sample(): { answers: number; cpu: number; loop: number; counters: Float64Array } {
    Atomics.wait(this.#sleep, 0, 0, ACCOUNT_MS)
    const { user, system } = process.cpuUsage()
    this.#runtime.native.ioCounters(this.#counters)
    return { answers: this.#answers, cpu: user + system, loop: eventLoopTime(), counters: this.#counters.slice() }
  }
}

/** Microseconds of CPU time of this thread, the first of the process; where the kernel does not tell, the time that its event loop was not idle. */
function eventLoopTime(): number {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / NS_PER_US
  } catch {
    return performance.eventLoopUtilization().active * US_PER_MS
  }
}
