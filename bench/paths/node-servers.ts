/**
 * A program: serves Fetch answers from a segment file by one of Node's own idioms. Each is written as a program would that cares: one `write`
 * call a chunk is spared by cork, and the next request of a connection waits until its answer is on its way.
 *
 *   node node-servers.js read|read-sync|pipe SEGMENT       prints {"port":N}; ends when standard input does
 */
import { createReadStream, read, readSync } from 'node:fs'
import net from 'node:net'
import { answerOther, FETCH_TAIL, fetchHead, readFetch, UniformSegment } from './canned-fetch.js'
import { IDIOMS, type Idiom } from './idioms.js'

/** Sends `head`, the range of the file and FETCH_TAIL; `sent` is called when the next answer may be begun. */
type Send = (socket: net.Socket, segment: UniformSegment, range: Range, head: Buffer, sent: (error?: Error | null) => void) => void

interface Range {
  readonly position: number
  readonly length: number
}

const MOST_FRAME_BYTES = 64 * 1024

const SENDERS: Readonly<Record<Idiom, Send>> = {
  read(socket, { fd }, { position, length }, head, sent) {
    read(fd, Buffer.allocUnsafe(length), 0, length, position, (error, _bytes, buffer) => {
      if (error) sent(error)
      else writeAll(socket, [head, buffer, FETCH_TAIL], sent)
    })
  },
  'read-sync'(socket, { fd }, { position, length }, head, sent) {
    const buffer = Buffer.allocUnsafe(length)
    readSync(fd, buffer, 0, length, position)
    writeAll(socket, [head, buffer, FETCH_TAIL], sent)
  },
  pipe(socket, { path, fd }, { position, length }, head, sent) {
    socket.write(head)
    const stream = createReadStream(path, { fd, autoClose: false, start: position, end: position + length - 1 })
    stream.on('error', sent)
    stream.on('end', () => socket.write(FETCH_TAIL, sent))
    stream.pipe(socket, { end: false })
  }
}

function writeAll(socket: net.Socket, parts: readonly Buffer[], sent: (error?: Error | null) => void): void {
  socket.cork()
  parts.forEach((part, index) => socket.write(part, index === parts.length - 1 ? sent : undefined))
  socket.uncork()
}

/** The answers of one connection, in order. */
class Peer {
  readonly #socket: net.Socket
  readonly #segment: UniformSegment
  readonly #send: Send
  #received: Buffer = Buffer.alloc(0)
  #busy = false

  constructor(socket: net.Socket, segment: UniformSegment, send: Send) {
    this.#socket = socket
    this.#segment = segment
    this.#send = send
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
      this.#next()
    })
  }

  #next(): void {
    while (!this.#busy && !this.#socket.destroyed && this.#received.length >= 4) {
      const end = 4 + this.#received.readUInt32BE(0)
      if (end > MOST_FRAME_BYTES) this.#socket.destroy()
      if (this.#received.length < end) return
      const frame = this.#received.subarray(4, end)
      this.#received = this.#received.subarray(end)
      this.#answer(frame)
    }
  }

  #answer(frame: Buffer): void {
    const fetch = readFetch(frame)
    if (fetch === undefined) {
      this.#socket.write(answerOther(frame, this.#segment, this.#socket.localPort ?? 0))
      return
    }
    const range = this.#segment.locate(fetch.offset, fetch.maxBytes)
    const head = fetchHead(fetch, range.length, this.#segment.endOffset)
    if (range.length === 0) {
      this.#socket.write(Buffer.concat([head, FETCH_TAIL]))
      return
    }
    this.#busy = true
    this.#send(this.#socket, this.#segment, range, head, (error) => {
      if (error) this.#socket.destroy()
      this.#busy = false
      this.#next()
    })
  }
}

function main([idiom = '', file = '']: readonly string[]): void {
  if (!(idiom in IDIOMS)) throw new Error(`no such idiom: '${idiom}' (there are ${Object.keys(IDIOMS).join(', ')})`)
  const segment = new UniformSegment(file)
  const server = net.createServer((socket) => void new Peer(socket, segment, SENDERS[idiom as Idiom]))
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => {
    const { port } = server.address() as net.AddressInfo
    process.stdout.write(`${JSON.stringify({ port })}\n`)
  })
  // Whoever started this program holds the other end: its death ends it.
  process.stdin.on('end', () => process.exit()).resume()
}

try {
  main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
