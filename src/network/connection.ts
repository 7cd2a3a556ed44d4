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
  readonly clientPort: number
  /** Frames that wait undecoded, oldest first. Bounded by the native side: it stops reading a connection that has too many unreleased. */
  readonly #waiting: Frame[] = []
  readonly #slots: Slot[] = []
  // How many requests are running, and whether they are all pipelined ones.
  #running = 0
  #exclusive = false
  #mutes = 0
  closed = false

  constructor(id: number, listenerName: string, clientAddress: string, clientPort = 0) {
    this.id = id
    this.listenerName = listenerName
    this.clientAddress = clientAddress
    this.clientPort = clientPort
  }

  /** True while a frame that arrives must wait for earlier ones. */
  get mustWait(): boolean {
    return this.#exclusive || this.#mutes > 0 || this.#waiting.length > 0
  }

  /** Over a quota: nothing more starts until each mute was taken back. What runs goes on and is answered. True: it was not muted before. */
  mute(): boolean {
    return this.#mutes++ === 0
  }

  /** True: that was the last mute. */
  unmute(): boolean {
    return --this.#mutes === 0
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
    return this.#exclusive || this.#mutes > 0 ? undefined : this.#waiting.shift()
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
