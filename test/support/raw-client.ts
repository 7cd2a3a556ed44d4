/** One connection that sends what it is told: any API in any version, or any bytes. Answers are decoded with the project's own schemas. */
import { once } from 'node:events'
import net from 'node:net'
import type { Api } from '../../src/protocol/api.js'
import { decode, encode } from '../../src/protocol/compile.js'
import { requestHeader, requestHeaderVersion, responseHeader, responseHeaderVersion } from '../../src/protocol/header.js'
import { Reader } from '../../src/protocol/reader.js'
import type { InputOf, MessageOf } from '../../src/protocol/schema.js'
import { Writer } from '../../src/protocol/writer.js'

const PATIENCE_MS = 15_000

/** The broker has not answered in time. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/** The broker closed the connection before it answered. */
export class Closed extends Error {
  override readonly name = 'Closed'
}

export class RawClient {
  readonly socket: net.Socket
  readonly #patienceMs: number
  #correlationId = 0
  #received: Buffer = Buffer.alloc(0)
  #waiting: { resolve: (frame: Buffer) => void; reject: (error: Error) => void }[] = []
  #frames: Buffer[] = []
  #ended = false

  private constructor(socket: net.Socket, patienceMs: number) {
    this.socket = socket
    this.#patienceMs = patienceMs
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#ended = true
      for (const { reject } of this.#waiting.splice(0)) reject(new Closed('the broker closed the connection'))
    })
  }

  /** `patienceMs`: an answer that takes longer is an error. */
  static async connect(
    { host, port }: { readonly host: string; readonly port: number },
    { patienceMs = PATIENCE_MS }: { readonly patienceMs?: number } = {}
  ): Promise<RawClient> {
    const socket = net.connect({ host, port, noDelay: true })
    await once(socket, 'connect')
    return new RawClient(socket, patienceMs)
  }

  get closed(): boolean {
    return this.#ended
  }

  /** Sends a request and decodes its answer (`answerVersion`: an answer in another version, as to an unknown one of ApiVersions). */
  async request<A extends Api>(
    api: A,
    version: number,
    body: InputOf<A['request']>,
    answerVersion = version
  ): Promise<MessageOf<A['response']>> {
    const correlationId = this.post(api, version, body)
    const reader = new Reader(await this.frame())
    const header = decode(responseHeader, responseHeaderVersion(api, answerVersion), reader)
    if (header.correlationId !== correlationId) throw new Error(`answer ${header.correlationId} to request ${correlationId}`)
    const answer = decode(api.response, answerVersion, reader)
    if (reader.remaining !== 0) throw new Error(`${reader.remaining} bytes follow the answer to ${api.name} v${version}`)
    return answer as MessageOf<A['response']>
  }

  /** Sends a request and does not wait. Returns its correlation id. */
  post<A extends Api>(api: A, version: number, body: InputOf<A['request']>): number {
    this.#correlationId++
    this.socket.write(requestFrame(api, version, body, this.#correlationId))
    return this.#correlationId
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** The next whole answer, without its length. Rejects with Closed. */
  frame(): Promise<Buffer> {
    const frame = this.#frames.shift()
    if (frame) return Promise.resolve(frame)
    if (this.#ended) return Promise.reject(new Closed('the broker closed the connection'))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new NoAnswer(`no answer within ${this.#patienceMs} ms`)), this.#patienceMs)
      const settled = () => clearTimeout(timer)
      this.#waiting.push({
        resolve: (value) => (settled(), resolve(value)),
        reject: (error) => (settled(), reject(error))
      })
    })
  }

  /** Resolves when the broker has closed the connection; rejects if it does not, or answers. */
  async closing(): Promise<void> {
    try {
      await this.frame()
    } catch (error) {
      if (error instanceof Closed) return
      throw error
    }
    throw new Error('the broker answered instead of closing the connection')
  }

  close(): void {
    this.socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    while (this.#received.length >= 4 && this.#received.length >= 4 + this.#received.readInt32BE(0)) {
      const end = 4 + this.#received.readInt32BE(0)
      const frame = this.#received.subarray(4, end)
      this.#received = this.#received.subarray(end)
      const waiting = this.#waiting.shift()
      if (waiting) waiting.resolve(frame)
      else this.#frames.push(frame)
    }
  }
}

/** A whole request, with its length. */
export function requestFrame<A extends Api>(api: A, version: number, body: InputOf<A['request']>, correlationId = 1): Buffer {
  const writer = new Writer()
  encode(requestHeader, requestHeaderVersion(api, version), writer, {
    requestApiKey: api.key,
    requestApiVersion: version,
    correlationId,
    clientId: 'raw'
  })
  encode(api.request, version, writer, body)
  return framed(writer.toBuffer())
}

export function framed(payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(4 + payload.length)
  frame.writeInt32BE(payload.length)
  frame.set(payload, 4)
  return frame
}
