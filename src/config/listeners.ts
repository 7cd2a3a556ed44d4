/** Listeners: where the broker binds, and which addresses clients are told. */
import { hostname } from 'node:os'
import { ConfigError } from '../errors.js'
import type { BrokerConfig } from './broker-config.js'

export interface Endpoint {
  /** The listener name in capitals. */
  readonly name: string
  /** Empty: every address. IPv6 without brackets. */
  readonly host: string
  readonly port: number
}

export interface Listener extends Endpoint {
  /** Told to clients. */
  readonly advertisedHost: string
  /** 0: the port that gets bound. */
  readonly advertisedPort: number
  /** False: nobody is told of it, as `advertised.listeners` leaves it out. */
  readonly advertised: boolean
}

export interface ListenerPlan {
  readonly listeners: readonly Listener[]
  /** The one that other brokers connect to. */
  readonly interBroker: string
  /** What a user should know of how the settings were taken. */
  readonly notes: readonly string[]
}

const ENDPOINT = /^([A-Za-z0-9_.-]+):\/\/(?:\[([0-9a-zA-Z:.%_-]*)\]|([0-9a-zA-Z._%-]*)):(\d{1,5})$/
export const LISTENER_SETTINGS = ['listeners', 'listener.security.protocol.map'] as const
const WILDCARDS = new Set(['', '0.0.0.0', '::'])

/** Takes `PLAINTEXT://127.0.0.1:9092`, `INTERNAL://[::1]:0`, `PLAINTEXT://:9092`. Throws ConfigError. */
export function parseEndpoint(setting: string, text: string): Endpoint {
  const match = ENDPOINT.exec(text.trim())
  const port = Number(match?.[4])
  if (!match || port > 65535) {
    throw new ConfigError(
      setting,
      `Invalid value ${JSON.stringify(text)} in ${setting}: it must be NAME://host:port with a port from 0 to 65535 (IPv6 in brackets, an empty host for every address)`
    )
  }
  return { name: (match[1] as string).toUpperCase(), host: match[2] ?? match[3] ?? '', port }
}

/** `127.0.0.1:9092`, `[::1]:9092`. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Reads all settings about listeners together. Throws ConfigError where they contradict each other or want what is not implemented. */
export function planListeners(config: BrokerConfig): ListenerPlan {
  const controllerNames = new Set(config.get('controller.listener.names').map((name) => name.toUpperCase()))
  const all = config.get('listeners').map((text) => parseEndpoint('listeners', text))
  checkDistinct(all)
  const bound = all.filter(({ name }) => !controllerNames.has(name))
  if (bound.length === 0) throw new ConfigError('listeners', `listeners=${config.text('listeners')}: no listener for clients`)
  const protocols = protocolMap(config)
  for (const { name } of bound) checkProtocol(name, protocols)
  const advertised = advertisedEndpoints(config, bound, controllerNames)
  const listeners = bound.map((endpoint) => {
    const told = advertised.get(endpoint.name)
    return {
      ...endpoint,
      advertised: told !== undefined || advertised.size === 0,
      advertisedHost: told?.host ?? (WILDCARDS.has(endpoint.host) ? hostname() : endpoint.host),
      advertisedPort: told?.port ?? endpoint.port
    }
  })
  const notes = all.length > bound.length ? ['The controller runs inside this process: its listener is not opened'] : []
  return { listeners, interBroker: interBrokerName(config, listeners), notes }
}

/**
 * Whether the listeners of a running broker may be changed so: as in Kafka they may come and go, but what the metadata tells of them stays until the
 * next start. Throws ConfigError.
 */
export function checkListenerChange(before: BrokerConfig, after: BrokerConfig): void {
  if (LISTENER_SETTINGS.every((name) => before.text(name) === after.text(name))) return
  const told = (config: BrokerConfig): string =>
    planListeners(config)
      .listeners.filter(({ advertised }) => advertised)
      .map(({ name, advertisedHost, advertisedPort }) => `${name}://${formatHostPort(advertisedHost, advertisedPort)}`)
      .toSorted()
      .join(',')
  if (told(after) === told(before)) return
  throw new ConfigError('listeners', 'Advertised listeners cannot be altered when using a Raft-based metadata quorum.')
}

function checkDistinct(endpoints: readonly Endpoint[]): void {
  const names = new Set<string>()
  const ports = new Map<number, Endpoint[]>()
  for (const endpoint of endpoints) {
    if (names.has(endpoint.name)) throw new ConfigError('listeners', `listeners: the name ${endpoint.name} stands twice`)
    names.add(endpoint.name)
    if (endpoint.port === 0) continue
    const others = ports.get(endpoint.port) ?? []
    // One address of each family may share a port (KIP-797); so may different addresses of this machine.
    if (others.some(({ host }) => host === endpoint.host || WILDCARDS.has(host) || WILDCARDS.has(endpoint.host))) {
      throw new ConfigError('listeners', `listeners: the port ${endpoint.port} stands twice`)
    }
    ports.set(endpoint.port, [...others, endpoint])
  }
}

function protocolMap(config: BrokerConfig): Map<string, string> {
  const map = new Map<string, string>()
  for (const pair of (config.text('listener.security.protocol.map') ?? '').split(',')) {
    const [name = '', protocol = '', ...rest] = pair.split(':').map((part) => part.trim())
    if (name === '' || protocol === '' || rest.length > 0) {
      throw new ConfigError(
        'listener.security.protocol.map',
        `Invalid value ${JSON.stringify(pair)} in listener.security.protocol.map: it must be NAME:PROTOCOL`
      )
    }
    map.set(name.toUpperCase(), protocol.toUpperCase())
  }
  return map
}

function checkProtocol(name: string, protocols: ReadonlyMap<string, string>): void {
  const protocol = protocols.get(name)
  if (protocol === undefined) {
    throw new ConfigError(
      'listener.security.protocol.map',
      `listeners: no security protocol is given for ${name}; add ${name}:PLAINTEXT to listener.security.protocol.map`
    )
  }
  if (protocol !== 'PLAINTEXT') {
    throw new ConfigError('listeners', `listeners: ${name} wants ${protocol}, which is not implemented yet; only PLAINTEXT is allowed`)
  }
}

function advertisedEndpoints(
  config: BrokerConfig,
  bound: readonly Endpoint[],
  controllerNames: ReadonlySet<string>
): Map<string, Endpoint> {
  const advertised = new Map<string, Endpoint>()
  for (const text of config.get('advertised.listeners') ?? []) {
    const endpoint = parseEndpoint('advertised.listeners', text)
    if (controllerNames.has(endpoint.name)) continue
    if (!bound.some(({ name }) => name === endpoint.name)) {
      throw new ConfigError('advertised.listeners', `advertised.listeners: ${endpoint.name} is none of listeners`)
    }
    if (WILDCARDS.has(endpoint.host)) {
      const why = 'clients can not connect to every address; name a host'
      throw new ConfigError('advertised.listeners', `advertised.listeners=${text}: ${why}`)
    }
    if (advertised.has(endpoint.name)) {
      throw new ConfigError('advertised.listeners', `advertised.listeners: the name ${endpoint.name} stands twice`)
    }
    advertised.set(endpoint.name, endpoint)
  }
  return advertised
}

function interBrokerName(config: BrokerConfig, listeners: readonly Listener[]): string {
  const wanted = config.get('inter.broker.listener.name')?.toUpperCase()
  if (wanted === undefined) return (listeners.find(({ name }) => name === 'PLAINTEXT') ?? listeners[0])?.name as string
  if (!listeners.some(({ name }) => name === wanted)) {
    throw new ConfigError('inter.broker.listener.name', `inter.broker.listener.name=${wanted}: it must be one of listeners`)
  }
  return wanted
}
