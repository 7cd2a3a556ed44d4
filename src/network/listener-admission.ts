/** `listener.name.NAME.max.connections` and `…max.connection.creation.rate`: what one listener may take, within what the broker may. */
import type { Clock } from '../clock.js'
import type { BrokerConfig } from '../config/broker-config.js'
import { ConnectionRate } from '../broker/quotas/connection-rate.js'
import type { Connection } from './connection.js'

const UNLIMITED = 2_147_483_647

export class ListenerAdmission {
  readonly #config: BrokerConfig
  readonly #clock: Clock
  readonly #rates = new Map<string, ConnectionRate>()
  /** By listener. */
  readonly #served = new Map<string, Set<Connection>>()
  /** Accepted, and served in their turn when others have gone. */
  readonly #waiting = new Map<string, Set<Connection>>()

  constructor(config: BrokerConfig, clock: Clock) {
    this.#config = config
    this.#clock = clock
  }

  /** A connection was accepted. Returns for how many milliseconds it is not to be served; infinite: until `closed` or `followed` gives it. */
  opened(connection: Connection): number {
    const { listenerName: listener } = connection
    const delayMs = this.#rateOf(listener).opened(this.#config.ofListener(listener, 'max.connection.creation.rate') ?? UNLIMITED)
    if (this.#hasPlace(listener)) {
      setOf(this.#served, listener).add(connection)
      return delayMs
    }
    setOf(this.#waiting, listener).add(connection)
    return Number.POSITIVE_INFINITY
  }

  /** A connection is gone. Returns those that have their turn now. */
  closed(connection: Connection): Connection[] {
    const { listenerName: listener } = connection
    if (this.#waiting.get(listener)?.delete(connection) === true) return []
    return this.#served.get(listener)?.delete(connection) === true ? this.#next(listener) : []
  }

  /** The settings have changed. Returns those that have their turn now. */
  followed(): Connection[] {
    return [...this.#waiting.keys()].flatMap((listener) => this.#next(listener))
  }

  #next(listener: string): Connection[] {
    const turns: Connection[] = []
    const waiting = this.#waiting.get(listener)
    if (waiting === undefined) return turns
    for (const connection of waiting) {
      if (!this.#hasPlace(listener)) break
      waiting.delete(connection)
      setOf(this.#served, listener).add(connection)
      turns.push(connection)
    }
    if (waiting.size === 0) this.#waiting.delete(listener)
    return turns
  }

  #hasPlace(listener: string): boolean {
    return (this.#served.get(listener)?.size ?? 0) < (this.#config.ofListener(listener, 'max.connections') ?? UNLIMITED)
  }

  #rateOf(listener: string): ConnectionRate {
    let rate = this.#rates.get(listener)
    if (rate === undefined) this.#rates.set(listener, (rate = new ConnectionRate(this.#clock)))
    return rate
  }
}

function setOf(sets: Map<string, Set<Connection>>, listener: string): Set<Connection> {
  let set = sets.get(listener)
  if (set === undefined) sets.set(listener, (set = new Set()))
  return set
}
