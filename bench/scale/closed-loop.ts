/** One connection that asks again as soon as it is answered, with frames that were made before: what it costs the generator hardly counts. */
import { once } from 'node:events'
import net from 'node:net'
import { percentile } from '../lib/statistics.js'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface LoopResult {
  readonly requests: number
  /** Of whole answers, their length fields included. */
  readonly bytes: number
  readonly seconds: number
  /** In ms, from sending to the last byte of the answer. */
  readonly p50: number
  readonly p99: number
}

const RECEIVE_BYTES = 256 * 1024
const LENGTH_BYTES = 4
/** Beyond so many, further latencies are not kept: percentiles no longer change. */
const MOST_LATENCIES = 1_000_000
const PATIENCE_MS = 30_000

export class ClosedLoop {
  readonly #socket: net.Socket
  readonly #length = Buffer.alloc(LENGTH_BYTES)
  #lengthBytes = 0
  /** Bytes of the answer that are yet to come, once its length is known. */
  #missing = 0
  #answerBytes = 0
  #answered: ((bytes: number) => void) | undefined
  #failed: ((error: Error) => void) | undefined

  private constructor(address: Address) {
    const callback = (count: number, bytes: Uint8Array): boolean => {
      this.#take(bytes, count)
      return true
    }
    this.#socket = net.connect({ ...address, noDelay: true, onread: { buffer: Buffer.alloc(RECEIVE_BYTES), callback } })
    this.#socket.on('error', (error) => this.#failed?.(error))
    this.#socket.on('close', () => this.#failed?.(new Error('the broker closed the connection')))
  }

  static async connect(address: Address): Promise<ClosedLoop> {
    const loop = new ClosedLoop(address)
    await once(loop.#socket, 'connect')
    return loop
  }

  /** Sends one frame; resolves to the bytes of its answer. */
  ask(frame: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS)
      this.#failed = reject
      this.#answered = (bytes) => {
        clearTimeout(timer)
        resolve(bytes)
      }
      this.#socket.write(frame)
    })
  }

  /** Asks for so long. `next` gives the frame of each turn, which may be one buffer that it changes. Rejects when an answer has fewer bytes than `least`. */
  run(next: () => Uint8Array, milliseconds: number, least = 0): Promise<LoopResult> {
    return new Promise((resolve, reject) => {
      const latencies: number[] = []
      const started = performance.now()
      let sent = started
      let requests = 0
      let received = 0
      this.#failed = reject
      this.#answered = (bytes) => {
        const now = performance.now()
        requests++
        received += bytes
        if (latencies.length < MOST_LATENCIES) latencies.push(now - sent)
        if (bytes < least) return reject(new Error(`an answer of ${bytes} bytes, at least ${least} were expected`))
        if (now - started >= milliseconds) {
          this.#answered = undefined
          const seconds = (now - started) / 1000
          return resolve({ requests, bytes: received, seconds, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) })
        }
        sent = now
        this.#socket.write(next())
      }
      this.#socket.write(next())
    })
  }

  close(): void {
    this.#failed = undefined
    this.#socket.destroy()
  }

  #take(bytes: Uint8Array, count: number): void {
    let at = 0
    while (at < count) {
      if (this.#missing === 0) {
        this.#length[this.#lengthBytes++] = bytes[at++]!
        if (this.#lengthBytes < LENGTH_BYTES) continue
        this.#lengthBytes = 0
        this.#missing = this.#length.readInt32BE()
        this.#answerBytes = LENGTH_BYTES + this.#missing
      }
      const part = Math.min(this.#missing, count - at)
      this.#missing -= part
      at += part
      if (this.#missing === 0) this.#answered?.(this.#answerBytes)
    }
  }
}
