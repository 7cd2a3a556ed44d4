/**
 * One client connection: order on it is order of execution, not only of answers. While a request waits (long poll, join, throttle) the
 * connection's later frames wait undecoded; only pipelined requests (Produce) run several deep, and their answers leave in order.
 */
import type { Frame } from '../native/runtime.js'

/** An answer in the order of its request; `send` is set once it is known. */
interface Slot {
  send: (() => void) | undefined
  settled: boolean
}

export class Connection {
  readonly id: number
  readonly listenerName: string
  readonly clientAddress: string
  /** Frames that wait undecoded, oldest first. Bounded by the native side: it stops reading a connection that has too many unreleased. */
  readonly #waiting: Frame[] = []
  readonly #slots: Slot[] = []
  // How many requests are running, and whether they are all pipelined ones.
  #running = 0
  #exclusive = false
  closed = false

  constructor(id: number, listenerName: string, clientAddress: string) {
    this.id = id
    this.listenerName = listenerName
    this.clientAddress = clientAddress
  }

  /** True while a frame that arrives must wait for earlier ones. */
  get mustWait(): boolean {
    return this.#exclusive || this.#waiting.length > 0
  }

  /** Whether a request may start now: a pipelined one beside other pipelined ones, any other only alone. */
  mayRun(pipelined: boolean): boolean {
    return this.#running === 0 || (pipelined && !this.#exclusive)
  }

  park(frame: Frame): void {
    this.#waiting.push(frame)
  }

  unpark(frame: Frame): void {
    this.#waiting.unshift(frame)
  }

  nextParked(): Frame | undefined {
    return this.#exclusive ? undefined : this.#waiting.shift()
  }

  /** A request has started and will be answered later. Returns the way to answer it: `send` runs when all earlier answers have left. */
  begin(pipelined: boolean): (send: (() => void) | undefined) => void {
    const slot: Slot = { send: undefined, settled: false }
    this.#slots.push(slot)
    this.#running++
    this.#exclusive = !pipelined
    return (send) => {
      slot.send = send
      slot.settled = true
      this.#running--
      if (this.#running === 0) this.#exclusive = false
      while (this.#slots[0]?.settled) this.#slots.shift()!.send?.()
    }
  }

  /** The peer is gone: gives back the frames that were never decoded. */
  drop(): Frame[] {
    this.closed = true
    return this.#waiting.splice(0)
  }
}
