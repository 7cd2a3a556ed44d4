/**
 * The listeners of a broker: binds them, keeps the connections, and joins the native I/O threads to the dispatcher.
 */
import net from 'node:net'
import { lookup } from 'node:dns/promises'
import type { BrokerServices } from '../broker/services.js'
import { ConnectionRate } from '../broker/quotas/connection-rate.js'
import { listenerTraffic, noIoCounters, type ListenerStatus, type ListenerTraffic } from '../broker/status.js'
import type { Standing } from '../coordinator/standing-answers.js'
import type { Handler } from '../handlers/handler.js'
import type { IoOptions, TransferOptions } from '../native/binding.js'
import { CloseReason, IoCounter } from '../native/numbers.js'
import { errnoName, type Frame, type NetworkEvents, type Runtime } from '../native/runtime.js'
import type { Api } from '../protocol/api.js'
import type { Writer } from '../protocol/writer.js'
import { Connection } from './connection.js'
import { ListenerAdmission } from './listener-admission.js'
import { Dispatcher, type ResponseSink } from './dispatcher.js'

/** A listener's address could not be bound. `code` is the errno's name. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
  readonly code: string

  constructor(code: string, listener: string, host: string, port: number) {
    super(
      code === 'EADDRINUSE'
        ? `listener ${listener}: port ${port} of ${host} is in use by another process`
        : `listener ${listener}: cannot listen on ${host}:${port}: ${code}`
    )
    this.code = code
  }
}

export interface BoundListener {
  readonly name: string
  readonly host: string
  readonly port: number
}

const NOTHING = new Uint8Array(0)
const NO_REGIONS = new Float64Array(0)
/** Why the peer is cut off, for the log; reasons that are everyday are not logged. */
const LOGGED_REASONS = new Map<number, string>([
  [CloseReason.badFrameLength, 'its length prefix is negative or above socket.request.max.bytes'],
  [CloseReason.memoryPressure, 'its unfinished request stalled while request memory was used up (sluice.request.memory.bytes)'],
  [CloseReason.transferFailed, 'a file region could not be sent whole'],
  [CloseReason.tooManyFromAddress, 'max.connections.per.ip is reached']
])

export class Server implements NetworkEvents, ResponseSink {
  readonly #runtime: Runtime
  readonly #services: BrokerServices
  #dispatcher: Dispatcher | undefined
  readonly #connections = new Map<number, Connection>()
  readonly #listeners = new Map<number, BoundListener>()
  readonly #connectionRate: ConnectionRate
  readonly #admission: ListenerAdmission
  // Ports are bound before the broker can serve: its registration names them. The native side bounds what may wait here.
  readonly #early: { connection: Connection; frame: Frame }[] = []

  constructor(runtime: Runtime, services: BrokerServices) {
    this.#runtime = runtime
    this.#services = services
    this.#connectionRate = new ConnectionRate(services.clock)
    this.#admission = new ListenerAdmission(services.config, services.clock)
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /** Requests that came before `serve`. */
  get waitingRequests(): number {
    return this.#early.length
  }

  /** What every listener has sent and received, and all together. */
  traffic(): { total: ListenerTraffic; listeners: ListenerStatus[]; requestBytes: number } {
    const counters = noIoCounters()
    const { native } = this.#runtime
    const listeners = [...this.#listeners].map(([handle, { name, host, port }]) => {
      native.ioCounters(counters, handle)
      return { name, host, port, ...listenerTraffic(counters) }
    })
    native.ioCounters(counters)
    return { total: listenerTraffic(counters), listeners, requestBytes: counters[IoCounter.frameMemoryBytes]! }
  }

  /** Binds a listener; connections wait in the backlog until `start`. `port` 0: the system chooses. Host names are looked up. */
  async listen(name: string, host: string, port: number): Promise<BoundListener> {
    const address = await numericAddress(host, name, port)
    const bound = this.#runtime.native.ioListen(address, port, this.#services.config.get('socket.listen.backlog.size'))
    if (typeof bound === 'number') throw new ListenError(errnoName(bound), name, host, port)
    const listener = { name, host, port: bound[1] }
    this.#listeners.set(bound[0], listener)
    return listener
  }

  /** Closes a listener that `listen` gave, and the connections that came by it unless they `stay`. */
  unlisten(listener: BoundListener, stay = false): void {
    const [handle] = [...this.#listeners].find(([, each]) => each === listener) ?? []
    if (handle === undefined) return
    this.#listeners.delete(handle)
    this.#runtime.native.ioUnlisten(handle)
    if (stay) return
    for (const connection of this.#connections.values()) if (connection.listenerName === listener.name) this.close(connection, true)
  }

  /** Starts the I/O threads. Before `listen`. */
  open(io: IoOptions, transfer: TransferOptions): void {
    this.#runtime.network = this
    this.#runtime.native.ioStart(io)
    this.#runtime.native.ioTransfer(transfer)
  }

  /** Serves: requests that had arrived before waited until here. */
  serve(handlers: readonly Handler<Api>[]): void {
    this.#dispatcher = new Dispatcher(handlers, this.#services, this)
    for (const { connection, frame } of this.#early.splice(0)) this.#dispatcher.receive(connection, frame)
  }

  /** Connections at a time, of all and of one address; those that are open stay. */
  setLimits(connections: number, perAddress: number): void {
    this.#runtime.native.ioLimit(connections, perAddress)
  }

  /** Connections of single addresses, numeric ones, at a time; replaces those of before. */
  setAddressLimits(limits: ReadonlyMap<string, number>): void {
    this.#runtime.native.ioLimitAddresses([...limits.keys()].join('\0'), Float64Array.from(limits.values()))
  }

  /** Settings of single listeners have other values now. */
  followListenerLimits(): void {
    this.#serveThose(this.#admission.followed())
  }

  #serveThose(connections: readonly Connection[]): void {
    for (const connection of connections) {
      if (this.#dispatcher) this.#dispatcher.unmute(connection)
      else if (connection.unmute() && !connection.closed) this.pause(connection, false)
    }
  }

  setThreads(threads: number): void {
    this.#runtime.native.ioThreads(threads)
  }

  setTransfer(transfer: TransferOptions): void {
    this.#runtime.native.ioTransfer(transfer)
  }

  /** Stops accepting, lets what is queued be sent for `graceMs`, ends the I/O threads. */
  async stop(graceMs: number): Promise<void> {
    for (const { frame } of this.#early.splice(0)) this.release(frame)
    for (const connection of this.#connections.values()) for (const frame of connection.drop()) this.release(frame)
    await this.#runtime.run('network', (ticket) => this.#runtime.native.ioStop(graceMs, ticket))
    this.#connections.clear()
  }

  opened(id: number, listenerHandle: number): void {
    const peer = this.#runtime.native.ioPeer(id)
    const listener = this.#listeners.get(listenerHandle)
    if (peer === undefined) return
    if (listener === undefined) {
      // Accepted just before its listener was closed.
      this.#runtime.native.ioClose(id, false)
      return
    }
    const colon = peer.remote.lastIndexOf(':')
    const address = peer.remote.slice(0, colon).replace(/^\[(?:::ffff:)?(.*)\]$/, '$1')
    const connection = new Connection(id, listener.name, address, Number(peer.remote.slice(colon + 1)))
    this.#connections.set(id, connection)
    const { quotas } = this.#services
    // One connection too many from its address (KIP-612): it is accepted, not served, and closed after a while, so that its client waits.
    const closeAfterMs = quotas.addressesActive ? quotas.connected(address) : 0
    if (closeAfterMs > 0) this.#unserved(connection, closeAfterMs, () => this.close(connection, false))
    const rateMs = this.#connectionRate.opened(this.#services.config.get('max.connection.creation.rate'))
    if (closeAfterMs > 0) return
    const delayMs = Math.max(rateMs, this.#admission.opened(connection))
    if (delayMs > 0) this.#unserved(connection, delayMs, () => this.#serveThose([connection]))
  }

  #unserved(connection: Connection, forMs: number, then: () => void): void {
    connection.mute()
    this.pause(connection, true)
    if (forMs === Number.POSITIVE_INFINITY) return
    this.#services.clock.schedule(forMs, () => {
      if (!connection.closed) then()
    })
  }

  closed(id: number, reason: number): void {
    const connection = this.#connections.get(id)
    const logged = LOGGED_REASONS.get(reason)
    if (logged !== undefined) {
      const peer = connection === undefined ? 'a client' : connection.clientAddress
      this.#services.log.limited(`closed-${reason}`, 1000).warn(`closed the connection from ${peer}: ${logged}`)
    }
    if (connection === undefined) return
    this.#connections.delete(id)
    for (const frame of connection.drop()) this.release(frame)
    this.#services.connectionClosed(id)
    this.#serveThose(this.#admission.closed(connection))
  }

  acceptFailed(_listener: number, errno: number): void {
    this.#services.log.limited('accept', 1000).error(`cannot accept a connection: ${errnoName(-errno)}; trying again`)
  }

  frame(id: number, frame: Frame): void {
    const connection = this.#connections.get(id)
    if (connection === undefined) this.release(frame)
    else if (this.#dispatcher === undefined) this.#early.push({ connection, frame })
    else this.#dispatcher.receive(connection, frame)
  }

  send(connection: Connection, response: Writer): void {
    this.#runtime.native.ioSend(connection.id, response.buffer, response.length, response.regions, response.regionCount)
  }

  stand(connection: Connection, request: Frame, response: Writer, { place, stamp }: Standing): void {
    const { native } = this.#runtime
    native.ioStand(connection.id, request.buffer, request.start, request.end, response.buffer, response.length, place, stamp)
  }

  sendNothing(connection: Connection): void {
    this.#runtime.native.ioSend(connection.id, NOTHING, 0, NO_REGIONS, 0)
  }

  close(connection: Connection, afterSend: boolean): void {
    for (const frame of connection.drop()) this.release(frame)
    this.#runtime.native.ioClose(connection.id, afterSend)
  }

  pause(connection: Connection, paused: boolean): void {
    if (paused) this.#runtime.native.ioPause(connection.id)
    else this.#runtime.native.ioResume(connection.id)
  }

  release(frame: Frame): void {
    this.#runtime.release(frame)
  }
}

async function numericAddress(host: string, listener: string, port: number): Promise<string> {
  if (host === '') return '::'
  if (net.isIP(host) !== 0) return host
  try {
    return (await lookup(host)).address
  } catch {
    throw new ListenError('ENOTFOUND', listener, host, port)
  }
}
