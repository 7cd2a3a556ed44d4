/** Many connections that do nothing: idle, or each waiting for a fetch that nothing answers. They live in this process and cost it nothing. */
import { once } from 'node:events'
import net from 'node:net'
import type { Address } from './closed-loop.js'

/** Below the listen backlog of a broker by default (50). */
const OPENED_AT_A_TIME = 32
/**
 * One source address has 28,232 ports by default; other 127.x.x.x addresses have their own. The first is left to the system: choosing a port
 * for a given address takes it some milliseconds when thousands are taken.
 */
const CONNECTIONS_PER_ADDRESS = 20_000

export class Crowd {
  readonly #address: Address
  /** What each sends once, by its number; undefined: nothing. */
  readonly #first: ((number: number) => Uint8Array) | undefined
  readonly #sockets: net.Socket[] = []
  #disturbed = 0

  constructor(address: Address, first?: (number: number) => Uint8Array) {
    this.#address = address
    this.#first = first
  }

  /** Connections that were answered or closed, though nobody should have. */
  get disturbed(): number {
    return this.#disturbed
  }

  /** Opens or closes connections until there are so many. */
  async become(count: number): Promise<void> {
    for (const socket of this.#sockets.splice(count)) {
      socket.removeAllListeners('close')
      // A reset leaves no port behind that is waiting for its time.
      socket.resetAndDestroy()
    }
    while (this.#sockets.length < count) {
      const from = this.#sockets.length
      const more = Math.min(OPENED_AT_A_TIME, count - from)
      this.#sockets.push(...(await Promise.all(Array.from({ length: more }, (_, index) => this.#open(from + index)))))
    }
  }

  async #open(number: number): Promise<net.Socket> {
    const source = Math.floor(number / CONNECTIONS_PER_ADDRESS)
    const from = source === 0 ? {} : { localAddress: `127.0.0.${1 + source}` }
    const socket = net.connect({ ...this.#address, ...from, noDelay: true })
    await once(socket, 'connect')
    socket.on('error', () => {})
    socket.on('data', () => this.#disturbed++)
    socket.on('close', () => this.#disturbed++)
    const first = this.#first?.(number)
    if (first !== undefined) socket.write(first)
    return socket
  }
}
