/**
 * A region of a file to a connected socket, as a fetch is answered: `ioSend` with a file region, next to reading it into a Buffer that the
 * socket writes, and to a stream that is piped. The other end is a thread that only counts; it answers when all regions of an iteration have
 * come, so that the time includes their way through the kernel and what the receiver needs, which is the same for all.
 *
 * Over the loopback device, sendfile hands page-cache pages to the receiver, which copies them once; a network card would fetch them itself.
 */
import { once } from 'node:events'
import { closeSync, createReadStream, openSync, read, readSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { loadBrokerConfig } from '../../src/config/index.js'
import type { IoOptions } from '../../src/native/binding.js'
import { TransferMode } from '../../src/native/numbers.js'
import { Runtime } from '../../src/native/runtime.js'
import { NativeSegment, Strand } from '../../src/native/segment.js'
import { MIB } from '../lib/units.js'
import { ANSWER_BYTES, DRAIN, type DrainRequest } from './drain.js'
import { randomBytes, type Comparison, type OpenSuite, type Subject, type Suite } from './suite.js'

const SIZES = [
  [4096, '4 KiB', 64],
  [65_536, '64 KiB', 64],
  [1_048_576, '1 MiB', 16]
] as const
const FILE_BYTES = 32 * MIB
/** About what stands before the records in the response to a fetch of one partition. */
const HEADER_BYTES = 64

const IO: IoOptions = {
  threads: 1,
  inlineReceive: true,
  maxFrameBytes: 1024,
  maxIdleMs: -1,
  maxConnections: 100,
  maxConnectionsPerAddress: 100,
  sendBufferBytes: -1,
  receiveBufferBytes: -1,
  maxUnreleasedFrames: 100,
  maxUnreleasedBytes: MIB,
  maxUnsentBytes: 256 * MIB
}

/** Sends the region to the one connection of its kind. Resolves when the next may follow. */
type Send = (position: number) => Promise<void> | void

interface Path {
  readonly name: string
  /** Connects the other end; `send` belongs to that connection, `answered` resolves to the next answer's value. */
  connect(size: number, expected: number): Promise<{ send: Send; answered: () => Promise<number> }>
}

/** `checked`: iterations return the CRC-32C of what the other end received, which takes it a while. */
export async function openHandover(folder: string, { checked }: { readonly checked: boolean }): Promise<OpenSuite> {
  const base = path.join(folder, '00000000000000000000')
  const pattern = randomBytes(MIB + 1)
  const content = Buffer.alloc(FILE_BYTES)
  for (let at = 0; at < FILE_BYTES; at += pattern.length) pattern.copy(content, at)
  writeFileSync(`${base}.log`, content)
  const worker = new Worker(new URL('drain.js', import.meta.url), { workerData: DRAIN })
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  const ask = (port: number, expected: number): void => worker.postMessage({ port, expected, checked } satisfies DrainRequest)
  const ours = await sluicePath(base, ask)
  const nodes = await nodePaths(`${base}.log`, ask)
  const comparisons: Comparison[] = []
  for (const [size, name, operations] of SIZES) {
    const subjects: Subject[] = []
    for (const way of [ours, ...nodes.paths]) {
      const { send, answered } = await way.connect(size, operations * (HEADER_BYTES + size))
      let position = 0
      const run = async (): Promise<number> => {
        const answer = answered()
        for (let sent = 0; sent < operations; sent++) {
          const waits = send(position)
          if (waits !== undefined) await waits
          position = (position + size) % FILE_BYTES
        }
        return answer
      }
      subjects.push({ name: way.name, run })
    }
    comparisons.push({
      group: 'region to a socket',
      name: `${name} regions`,
      parameters: { bytes: size },
      operations,
      bytes: size,
      subjects
    })
  }
  const close = async (): Promise<void> => {
    await ours.close()
    nodes.close()
    await worker.terminate()
  }
  return { comparisons, leftOut: [], close }
}

function headerOf(size: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeInt32BE(HEADER_BYTES + size - 4)
  return header
}

/** Answers of one connection, each for one who waits. */
class Answers {
  #resolve: ((value: number) => void) | undefined
  readonly next = (): Promise<number> => new Promise((resolve) => (this.#resolve = resolve))

  give(value: number): void {
    this.#resolve?.(value)
    this.#resolve = undefined
  }
}

async function sluicePath(base: string, ask: (port: number, expected: number) => void): Promise<Path & { close(): Promise<void> }> {
  const { config } = loadBrokerConfig({})
  const runtime = new Runtime()
  const { native } = runtime
  const answers = new Map<number, Answers>()
  let opened: (connection: number) => void = () => undefined
  runtime.network = {
    frame(connection, frame) {
      const value = frame.buffer.readUInt32BE(frame.start)
      runtime.release(frame)
      answers.get(connection)?.give(value)
    },
    opened: (connection) => opened(connection),
    closed: (connection) => answers.delete(connection),
    acceptFailed: () => undefined
  }
  native.ioStart(IO)
  native.ioTransfer({
    mode: TransferMode.auto,
    copyBelowBytes: config.get('sluice.transfer.copy.below.bytes'),
    inlineBelowBytes: config.get('sluice.transfer.inline.below.bytes')
  })
  const listening = native.ioListen('127.0.0.1', 0, 16)
  if (typeof listening === 'number') throw new Error(`cannot listen on 127.0.0.1: errno ${-listening}`)
  const segment = new NativeSegment(runtime, base, { baseOffset: 0, size: FILE_BYTES, indexBytes: 4096, indexIntervalBytes: 4096 })
  const strand = new Strand(runtime)
  await segment.prepare(strand)
  const connect: Path['connect'] = async (size, expected) => {
    const accepted = new Promise<number>((resolve) => (opened = resolve))
    ask(listening[1], expected)
    const connection = await accepted
    const waiting = new Answers()
    answers.set(connection, waiting)
    const header = headerOf(size)
    const region = new Float64Array([HEADER_BYTES, segment.handle, 0, size])
    const send: Send = (position) => {
      region[2] = position
      if (native.ioSend(connection, header, HEADER_BYTES, region, 1) < 0) throw new Error('the connection is gone')
    }
    return { send, answered: waiting.next }
  }
  const close = async (): Promise<void> => {
    await runtime.run('network', (ticket) => native.ioStop(0, ticket))
    segment.close()
    strand.close()
    await runtime.close()
  }
  return { name: 'Sluice', connect, close }
}

type Prepare = (socket: net.Socket, file: number, size: number) => Send

async function nodePaths(fileName: string, ask: (port: number, expected: number) => void): Promise<{ paths: Path[]; close(): void }> {
  const file = openSync(fileName, 'r')
  const sockets = new Set<net.Socket>()
  const server = net.createServer({ noDelay: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const connect =
    (prepare: Prepare): Path['connect'] =>
    async (size, expected) => {
      const accepted = once(server, 'connection')
      ask(port, expected)
      const [socket] = (await accepted) as [net.Socket]
      sockets.add(socket)
      const answers = new Answers()
      let received = Buffer.alloc(0)
      socket.on('data', (bytes) => {
        received = Buffer.concat([received, bytes])
        for (; received.length >= ANSWER_BYTES; received = received.subarray(ANSWER_BYTES)) answers.give(received.readUInt32BE(4))
      })
      socket.on('error', () => socket.destroy())
      return { send: prepare(socket, file, size), answered: answers.next }
    }
  const close = (): void => {
    for (const socket of sockets) socket.destroy()
    server.close()
    closeSync(file)
  }
  const paths = [
    { name: 'fs.read + socket.write', connect: connect(byRead) },
    { name: 'fs.readSync + socket.write', connect: connect(byReadSync) },
    { name: 'createReadStream().pipe()', connect: connect(byPipe) }
  ]
  return { paths, close }
}

/** Writes both in one call of the system, and waits when the socket has enough. */
function writeBoth(socket: net.Socket, header: Buffer, bytes: Buffer): Promise<void> | void {
  socket.cork()
  socket.write(header)
  const more = socket.write(bytes)
  socket.uncork()
  if (!more) return once(socket, 'drain').then(() => undefined)
}

// The socket keeps a buffer until it has been written: each region has its own.
const byRead: Prepare = (socket, file, size) => {
  const header = headerOf(size)
  return async (position) => {
    const bytes = Buffer.allocUnsafe(size)
    await new Promise<void>((resolve, reject) => {
      read(file, bytes, 0, size, position, (error) => (error ? reject(error) : resolve()))
    })
    await writeBoth(socket, header, bytes)
  }
}

const byReadSync: Prepare = (socket, file, size) => {
  const header = headerOf(size)
  return (position) => {
    const bytes = Buffer.allocUnsafe(size)
    readSync(file, bytes, 0, size, position)
    return writeBoth(socket, header, bytes)
  }
}

const byPipe: Prepare = (socket, file, size) => {
  const header = headerOf(size)
  return async (position) => {
    socket.write(header)
    const stream = createReadStream('', { fd: file, autoClose: false, start: position, end: position + size - 1 })
    stream.pipe(socket, { end: false })
    await once(stream, 'end')
  }
}

export default { name: 'handover', open: (folder) => openHandover(folder, { checked: false }) } satisfies Suite
