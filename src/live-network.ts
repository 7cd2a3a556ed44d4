/** The listeners and limits of a broker, as its settings say at the start and whenever they change. */
import { lookup } from 'node:dns/promises'
import net from 'node:net'
import type { BrokerConfig } from './config/broker-config.js'
import { addressLimits } from './config/broker-rules.js'
import { formatHostPort, LISTENER_SETTINGS, planListeners, type ListenerPlan } from './config/listeners.js'
import { listenerSetting } from './config/listener-settings.js'
import { ConfigError } from './errors.js'
import type { Logger } from './log.js'
import type { IoOptions, TransferOptions } from './native/binding.js'
import { TransferMode } from './native/numbers.js'
import { ListenError, type BoundListener, type Server } from './network/server.js'

/** Where socket.send.buffer.bytes is not set: see docs/decisions/socket-buffers.md. */
const SEND_BUFFER_BYTES = 256 * 1024

interface Open {
  /** As the settings name it: the port may be 0. */
  readonly host: string
  readonly port: number
  readonly bound: BoundListener
}

export class LiveNetwork {
  readonly #server: Server
  readonly #config: BrokerConfig
  readonly #log: Logger
  readonly #open = new Map<string, Open>()
  // One change at a time: binding and looking names up take a while.
  #turn: Promise<void> = Promise.resolve()

  constructor(server: Server, config: BrokerConfig, log: Logger) {
    this.#server = server
    this.#config = config
    this.#log = log
  }

  /** Starts the I/O threads and binds all listeners. Rejects with a ListenError. */
  async start(plan: ListenerPlan): Promise<readonly BoundListener[]> {
    this.#server.open(ioOptions(this.#config), transferOptions(this.#config))
    await this.#limitAddresses()
    for (const { name, host, port } of plan.listeners) await this.#bind(name, host, port)
    return this.listeners
  }

  get listeners(): readonly BoundListener[] {
    return [...this.#open.values()].map(({ bound }) => bound)
  }

  /** Settings have other values now. What can't be done is told in the log, and stays as it was. */
  follow(changed: ReadonlySet<string>): void {
    const config = this.#config
    if (changed.has('max.connections') || changed.has('max.connections.per.ip')) {
      this.#server.setLimits(config.get('max.connections'), config.get('max.connections.per.ip'))
    }
    if ([...changed].some((name) => listenerSetting(name))) this.#server.followListenerLimits()
    if (changed.has('num.network.threads')) this.#server.setThreads(config.get('num.network.threads'))
    if ([...changed].some((name) => name.startsWith('sluice.transfer.'))) this.#server.setTransfer(transferOptions(config))
    if (changed.has('max.connections.per.ip.overrides')) this.#later(() => this.#limitAddresses())
    if (LISTENER_SETTINGS.some((name) => changed.has(name))) this.#later(() => this.#relisten())
  }

  /** Resolved when all changes so far are in force. */
  settled(): Promise<void> {
    return this.#turn
  }

  #later(work: () => Promise<void>): void {
    this.#turn = this.#turn.then(work).catch((error: unknown) => {
      if (!(error instanceof ConfigError) && !(error instanceof ListenError)) throw error
      this.#log.error(`a changed setting is not in force: ${error.message}`)
    })
  }

  async #bind(name: string, host: string, port: number): Promise<void> {
    this.#open.set(name, { host, port, bound: await this.#server.listen(name, host, port) })
  }

  async #relisten(): Promise<void> {
    const wanted = new Map(planListeners(this.#config).listeners.map((listener) => [listener.name, listener]))
    for (const [name, { bound }] of this.#open) {
      if (wanted.has(name)) continue
      this.#open.delete(name)
      this.#server.unlisten(bound)
      this.#log.info(`listener ${name} is closed`)
    }
    for (const { name, host, port } of wanted.values()) {
      const before = this.#open.get(name)
      if (before?.host === host && before.port === port) continue
      // Those who are connected stay: nobody told them to come another way.
      if (before !== undefined) this.#server.unlisten(before.bound, true)
      try {
        await this.#bind(name, host, port)
        this.#log.info(`listener ${name} is at ${formatHostPort(host, this.#open.get(name)!.bound.port)}`)
      } catch (error) {
        if (!(error instanceof ListenError)) throw error
        this.#log.error(`a changed setting is not in force: ${error.message}`)
        if (before !== undefined) await this.#bind(name, before.host, before.bound.port)
      }
    }
  }

  async #limitAddresses(): Promise<void> {
    const numeric = new Map<string, number>()
    for (const [host, most] of addressLimits(this.#config)) {
      const found = net.isIP(host) === 0 ? await addressesOf(host) : [host]
      if (found.length === 0) this.#log.warn(`max.connections.per.ip.overrides: ${host} has no address`)
      for (const address of found) numeric.set(address, most)
    }
    this.#server.setAddressLimits(numeric)
  }
}

async function addressesOf(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch {
    return []
  }
}

function ioOptions(config: BrokerConfig): IoOptions {
  return {
    threads: config.get('num.network.threads'),
    inlineReceive: config.get('sluice.network.inline.receive'),
    maxFrameBytes: config.get('socket.request.max.bytes'),
    maxIdleMs: config.get('connections.max.idle.ms'),
    maxConnections: config.get('max.connections'),
    maxConnectionsPerAddress: config.get('max.connections.per.ip'),
    sendBufferBytes: config.isSet('socket.send.buffer.bytes') ? config.get('socket.send.buffer.bytes') : SEND_BUFFER_BYTES,
    receiveBufferBytes: config.isSet('socket.receive.buffer.bytes') ? config.get('socket.receive.buffer.bytes') : -1,
    maxUnreleasedFrames: config.get('sluice.connection.max.pending.requests'),
    maxUnreleasedBytes: config.get('sluice.connection.max.pending.bytes'),
    maxUnsentBytes: config.get('sluice.connection.max.unsent.bytes')
  }
}

/** The transfer path, in the numbers of the native side. */
export function transferOptions(config: BrokerConfig): TransferOptions {
  return {
    mode: TransferMode[config.get('sluice.transfer.mode') as keyof typeof TransferMode],
    copyBelowBytes: config.get('sluice.transfer.copy.below.bytes'),
    inlineBelowBytes: config.get('sluice.transfer.inline.below.bytes')
  }
}
