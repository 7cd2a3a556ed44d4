/** One connection that asks and waits for the answer, one request at a time. It costs so little that thousands of them fit into this program. */
import { once } from 'node:events'
import net from 'node:net'
import type { Api } from '../../src/protocol/api.js'
import { decode } from '../../src/protocol/compile.js'
import { responseHeader, responseHeaderVersion } from '../../src/protocol/header.js'
import { Reader } from '../../src/protocol/reader.js'
import type { InputOf, MessageOf } from '../../src/protocol/schema.js'
import { requestFrame } from '../../test/support/raw-client.js'

export interface Address {
  readonly host: string
  readonly port: number
}

/** Below the listen backlog of a broker by default (50). */
const OPENED_AT_A_TIME = 32
const LENGTH_BYTES = 4
/** All connections read into the same memory: what is there is taken before the next one reads. */
const RECEIVED = Buffer.allocUnsafeSlow(256 * 1024)

interface Asked {
  resolve(answer: Buffer): void
  reject(error: Error): void
}

export class Line {
  readonly #socket: net.Socket
  #asked: Asked | undefined
  /** Of an answer that came in pieces. */
  #begun: Buffer = Buffer.alloc(0)
  #ended: Error | undefined

  private constructor(address: Address) {
    const callback = (count: number): boolean => {
      this.#take(RECEIVED.subarray(0, count))
      return true
    }
    this.#socket = net.connect({ ...address, noDelay: true, onread: { buffer: RECEIVED, callback } })
    this.#socket.on('error', (error) => this.#end(error))
    this.#socket.on('close', () => this.#end(new Error('the broker closed a connection')))
  }

  static async connect(address: Address): Promise<Line> {
    const line = new Line(address)
    await once(line.#socket, 'connect')
    return line
  }

  /** So many of them. */
  static async connectAll(address: Address, count: number): Promise<Line[]> {
    const lines: Line[] = []
    while (lines.length < count) {
      const more = Math.min(OPENED_AT_A_TIME, count - lines.length)
      lines.push(...(await Promise.all(Array.from({ length: more }, () => Line.connect(address)))))
    }
    return lines
  }

  /** Sends a whole request; resolves to its answer without the length. */
  ask(frame: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended)
      if (this.#asked !== undefined) return reject(new Error('a connection was asked twice at once'))
      this.#asked = { resolve, reject }
      this.#socket.write(frame)
    })
  }

  async request<A extends Api>(api: A, version: number, body: InputOf<A['request']>): Promise<MessageOf<A['response']>> {
    return answerOf(api, version, await this.ask(requestFrame(api, version, body)))
  }

  /** A reset: no port is left behind that is waiting for its time. */
  close(): void {
    this.#ended ??= new Error('the connection is closed')
    this.#socket.resetAndDestroy()
  }

  #take(bytes: Buffer): void {
    const all = this.#begun.length === 0 ? bytes : Buffer.concat([this.#begun, bytes])
    const whole = all.length < LENGTH_BYTES ? Infinity : LENGTH_BYTES + all.readInt32BE()
    if (all.length < whole) {
      this.#begun = Buffer.from(all)
      return
    }
    this.#begun = Buffer.alloc(0)
    const asked = this.#asked
    this.#asked = undefined
    if (asked === undefined || all.length > whole) this.#end(new Error('the broker answered what was not asked'))
    else asked.resolve(Buffer.from(all.subarray(LENGTH_BYTES)))
  }

  #end(error: Error): void {
    this.#ended ??= error
    this.#asked?.reject(error)
    this.#asked = undefined
  }
}

export function answerOf<A extends Api>(api: A, version: number, bytes: Buffer): MessageOf<A['response']> {
  const reader = new Reader(bytes)
  decode(responseHeader, responseHeaderVersion(api, version), reader)
  return decode(api.response, version, reader) as MessageOf<A['response']>
}

/** Throws Error for another code than 0. */
export function expectNone(what: string, errorCode: number | undefined, message?: string | null): void {
  if (errorCode !== 0) throw new Error(`${what} was answered with error ${errorCode}${message ? ` (${message})` : ''}`)
}
