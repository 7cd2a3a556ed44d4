/**
 * A broker without a protocol, for the tests of the native network half: a frame 'E…' is sent back, 'F position length' is answered with 4 bytes
 * and a region of the test's segment, 'H' is held: not released, not answered. And clients that send raw bytes.
 */
import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { IoOptions, RuntimeOptions } from '../../src/native/binding.js'
import { IO_COUNTERS } from '../../src/native/numbers.js'
import { type Frame, Runtime } from '../../src/native/runtime.js'
import { NativeSegment, Strand } from '../../src/native/segment.js'

export const IO: IoOptions = {
  threads: 2,
  inlineReceive: true,
  maxFrameBytes: 100 * 1024 * 1024,
  maxIdleMs: 600_000,
  maxConnections: Number.MAX_SAFE_INTEGER,
  maxConnectionsPerAddress: Number.MAX_SAFE_INTEGER,
  sendBufferBytes: -1,
  receiveBufferBytes: -1,
  maxUnreleasedFrames: 100,
  maxUnreleasedBytes: 64 * 1024 * 1024,
  maxUnsentBytes: 64 * 1024 * 1024
}

const NO_REGIONS = new Float64Array(0)

export class TestBroker {
  readonly runtime: Runtime
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-io-'))
  port = 0
  listener = 0
  segment = 0
  opened = 0
  readonly closed: { connection: number; reason: number; received: number; sent: number }[] = []
  readonly held: Frame[] = []
  /** Connections in the order of their frames. */
  readonly seen: number[] = []
  framesHandled = 0
  #changed: (() => void)[] = []

  constructor(io: Partial<IoOptions> = {}, options: Partial<RuntimeOptions> = {}) {
    this.runtime = new Runtime(options)
    this.runtime.network = {
      frame: (connection, frame) => this.#frame(connection, frame),
      opened: () => this.#note(() => this.opened++),
      closed: (connection, reason, received, sent) => this.#note(() => this.closed.push({ connection, reason, received, sent })),
      acceptFailed: () => {}
    }
    this.runtime.native.ioStart({ ...IO, ...io })
    const listening = this.runtime.native.ioListen('127.0.0.1', 0, 1024)
    assert(Array.isArray(listening))
    ;[this.listener, this.port] = listening
  }

  /** Makes the segment that 'F' reads: these bytes, or so many zero bytes (a sparse file). */
  async useSegment(content: Buffer | number): Promise<void> {
    const base = path.join(this.folder, '00000000000000000000')
    writeFileSync(`${base}.log`, typeof content === 'number' ? '' : content)
    if (typeof content === 'number') truncateSync(`${base}.log`, content)
    const size = typeof content === 'number' ? content : content.length
    const segment = new NativeSegment(this.runtime, base, { baseOffset: 0, size, indexBytes: 4096, indexIntervalBytes: 4096 })
    await segment.prepare(new Strand(this.runtime))
    this.segment = segment.handle
  }

  /** Resolves when `condition` holds, looked at after every event. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#changed.push(resolve))
  }

  counters(): Float64Array {
    const counters = new Float64Array(IO_COUNTERS)
    this.runtime.native.ioCounters(counters)
    return counters
  }

  async stop(graceMs = 0): Promise<void> {
    await new Promise<void>((resolve) =>
      this.runtime.native.ioStop(
        graceMs,
        this.runtime.ticket(() => resolve())
      )
    )
    await this.close()
  }

  async close(): Promise<void> {
    await this.runtime.close()
    rmSync(this.folder, { recursive: true })
  }

  echo(connection: number, body: Uint8Array): void {
    const response = Buffer.allocUnsafe(4 + body.length)
    response.writeInt32BE(body.length)
    response.set(body, 4)
    this.runtime.native.ioSend(connection, response, response.length, NO_REGIONS, 0)
  }

  #frame(connection: number, frame: Frame): void {
    this.seen.push(connection)
    const body = frame.buffer.subarray(frame.start, frame.end)
    const command = body.length === 0 ? 'E' : String.fromCharCode(body[0]!)
    if (command === 'H') {
      this.held.push(frame)
    } else {
      if (command === 'F') this.#fetch(connection, body.toString('latin1'))
      else this.echo(connection, body)
      this.runtime.release(frame)
    }
    this.#note(() => this.framesHandled++)
  }

  #fetch(connection: number, command: string): void {
    const [, position = 0, length = 0] = command.split(' ').map(Number)
    const header = Buffer.alloc(4)
    header.writeInt32BE(length)
    this.runtime.native.ioSend(connection, header, 4, new Float64Array([4, this.segment, position, length]), 1)
  }

  #note(change: () => void): void {
    change()
    for (const resolve of this.#changed.splice(0)) resolve()
  }
}

export function frameOf(body: string | Buffer): Buffer {
  const bytes = Buffer.from(body)
  const frame = Buffer.alloc(4 + bytes.length)
  frame.writeInt32BE(bytes.length)
  bytes.copy(frame, 4)
  return frame
}

/** A client of raw bytes. */
export class Client {
  readonly socket: net.Socket
  #chunks: Buffer[] = []
  #length = 0
  ended = false
  #changed: (() => void)[] = []

  private constructor(socket: net.Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    const wake = (): void => {
      for (const resolve of this.#changed.splice(0)) resolve()
    }
    socket.on('data', (data) => {
      this.#chunks.push(data)
      this.#length += data.length
      wake()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.ended = true
      wake()
    })
  }

  static async connect(port: number): Promise<Client> {
    const socket = net.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Client(socket)
  }

  /** The next `length` bytes, or fewer when the connection ended. */
  async read(length: number): Promise<Buffer> {
    while (this.#length < length && !this.ended) await new Promise<void>((resolve) => this.#changed.push(resolve))
    const all = Buffer.concat(this.#chunks)
    this.#chunks = [all.subarray(length)]
    this.#length = Math.max(0, all.length - length)
    return all.subarray(0, length)
  }

  /** The body of the next response. */
  async response(): Promise<Buffer> {
    const prefix = await this.read(4)
    return prefix.length < 4 ? prefix : this.read(prefix.readInt32BE())
  }

  async request(body: string | Buffer): Promise<Buffer> {
    this.socket.write(frameOf(body))
    return this.response()
  }

  async closed(): Promise<void> {
    while (!this.ended) await new Promise<void>((resolve) => this.#changed.push(resolve))
  }
}

export const descriptors = (): number => readdirSync('/proc/self/fd').length
export const threads = (): number => readdirSync('/proc/self/task').length
