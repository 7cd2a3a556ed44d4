/** Sends parts of segment files to sockets: by the native path where there is a descriptor, through this process elsewhere. */
import { strict as assert } from 'node:assert'
import { Socket } from 'node:net'
import { createReadStream } from 'node:fs'
import type { Writable } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { StorageError } from '../../errors.js'
import type { TransferOptions } from '../../native/binding.js'
import type { Runtime } from '../../native/runtime.js'

export interface NativeRegion {
  readonly segment: number
  readonly file: string
  readonly position: number
  readonly length: number
}

const IO = {
  threads: 1,
  inlineReceive: false,
  maxFrameBytes: 0,
  // How long a peer may take is for whoever owns the socket.
  maxIdleMs: -1,
  maxConnections: Number.MAX_SAFE_INTEGER,
  maxConnectionsPerAddress: Number.MAX_SAFE_INTEGER,
  sendBufferBytes: -1,
  receiveBufferBytes: -1,
  maxUnreleasedFrames: 1,
  maxUnreleasedBytes: 1,
  maxUnsentBytes: Number.MAX_SAFE_INTEGER
}

/** Of all directories: the last that was begun for a stream. */
const turns = new WeakMap<Writable, Promise<void>>()

/** Sends to one stream go in the order of the calls; what was called while one was under way that fails, fails with it. */
export async function inTurn(to: Writable, send: () => Promise<void>): Promise<void> {
  const before = turns.get(to)
  const sending = before === undefined ? send() : before.then(send)
  turns.set(to, sending)
  try {
    await sending
  } finally {
    if (turns.get(to) === sending) turns.delete(to)
  }
}

export class RegionSender {
  readonly #runtime: Runtime
  readonly #transfer: TransferOptions
  // By connection: what is under way.
  readonly #sending = new Map<number, Promise<void>>()
  readonly #ending = new AbortController()
  #started = false
  #closed = false

  constructor(runtime: Runtime, transfer: TransferOptions) {
    this.#runtime = runtime
    this.#transfer = transfer
  }

  /** Resolved: the bytes are with the socket's own buffers. Rejects with a StorageError (ECONNRESET: the peer went; ECANCELED: this side ended). */
  async send(to: Writable, region: NativeRegion): Promise<void> {
    if (this.#closed || to.destroyed || to.writableEnded) throw canceled(region)
    if (to.writableNeedDrain || to.writableLength > 0) {
      await flushed(to, region, this.#ending.signal)
      if (this.#closed || to.destroyed) throw canceled(region)
    }
    const fd = descriptorOf(to)
    if (fd === undefined) await copy(to, region, this.#ending.signal)
    else {
      // What is written meanwhile goes behind it.
      to.cork()
      try {
        await this.#sendNative(to, fd, region)
      } finally {
        to.uncork()
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#ending.abort()
    for (const connection of this.#sending.keys()) this.#runtime.native.ioClose(connection, false)
    await Promise.allSettled(this.#sending.values())
    if (this.#started) await this.#runtime.run('', (ticket) => this.#runtime.native.ioStop(0, ticket))
  }

  async #sendNative(to: Writable, fd: number, { segment, file, position, length }: NativeRegion): Promise<void> {
    const { native } = this.#runtime
    if (!this.#started) {
      native.ioStart(IO)
      native.ioTransfer(this.#transfer)
      this.#started = true
    }
    let connection = 0
    const done = this.#runtime
      .run(file, (ticket) => (connection = native.ioLend(fd, segment, position, length, ticket)))
      .then(([, bytes]) => assert.equal(bytes, length))
      .catch((error: unknown) => {
        // A reset that came between two regions leaves a socket without a peer.
        const reset = error instanceof StorageError && error.code === 'ENOTCONN' && !(to as Socket).connecting
        throw reset ? new StorageError('ECONNRESET', file) : error
      })
    // The descriptor was duplicated: a socket that its owner destroys lives on until the duplicate is closed.
    const ended = (): void => void (connection > 0 && native.ioClose(connection, false))
    if (connection > 0) this.#sending.set(connection, done)
    to.once('close', ended)
    try {
      await done
    } finally {
      this.#sending.delete(connection)
      to.off('close', ended)
    }
  }
}

/** Of a plain socket; an encrypted one, or another stream, has none that file pages may be moved to. */
function descriptorOf(to: Writable): number | undefined {
  if (!(to instanceof Socket) || to instanceof TLSSocket) return undefined
  // Node keeps it to itself, and has had it there since it is built on libuv.
  const { _handle: handle } = to as unknown as { _handle?: { fd?: number } }
  const fd = handle?.fd
  return fd !== undefined && fd >= 0 ? fd : undefined
}

async function flushed(to: Writable, region: NativeRegion, ending: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const canceling = (): void => reject(canceled(region))
    ending.addEventListener('abort', canceling)
    to.write('', (error) => {
      ending.removeEventListener('abort', canceling)
      if (error) canceling()
      else resolve()
    })
  })
}

// `pipeline` leaves listeners behind for each region, and takes a stream that was ended for one that has got all.
async function copy(to: Writable, region: NativeRegion, ending: AbortSignal): Promise<void> {
  const { file, position, length } = region
  if (length === 0) return
  let left = length
  let failed = (_error?: Error | null): void => undefined
  const failure = (error?: Error | null): void => failed(error)
  const canceling = (): void => failed()
  to.on('error', failure).on('close', canceling)
  ending.addEventListener('abort', canceling)
  try {
    for await (const bytes of createReadStream(file, { start: position, end: position + length - 1, signal: ending })) {
      await new Promise<void>((resolve, reject) => {
        failed = (error) => reject(broken(region, error))
        to.write(bytes, (error) => (error ? failed(error) : resolve()))
      })
      left -= (bytes as Buffer).length
    }
    if (left > 0) throw new StorageError('EIO', file, `${file} has become shorter while it was sent`)
  } catch (error) {
    throw ending.aborted ? canceled(region) : error
  } finally {
    to.off('close', canceling)
    ending.removeEventListener('abort', canceling)
    // The error of a write that failed comes as an event, too, after it.
    if (to.errored === null) to.off('error', failure)
  }
}

// What is no matter of the system is passed on: the stream's own error.
function broken(region: NativeRegion, error?: Error | null): Error {
  const { code = '' } = (error ?? {}) as NodeJS.ErrnoException
  if (code === 'ECONNRESET' || code === 'EPIPE') return new StorageError('ECONNRESET', region.file)
  return error && !code.startsWith('ERR_STREAM_') ? error : canceled(region)
}

function canceled({ file }: NativeRegion): StorageError {
  return new StorageError('ECANCELED', file, `${file} was not sent: the socket was closed`)
}
