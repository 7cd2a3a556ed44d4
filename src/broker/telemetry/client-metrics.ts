/**
 * Metrics that clients push (KIP-714): which client is to push what and when, and the newest value of each metric, for monitoring. All of it is
 * bounded: the number of clients, of metrics of a client, and the length of names.
 */
import type { Clock } from '../../clock.js'
import { WireError } from '../../errors.js'
import { ErrorCode } from '../../protocol/error-codes.js'
import { ZERO_UUID } from '../../protocol/reader.js'
import { Compression, decompress } from '../../record/compression.js'
import { decodeMetrics, type MetricPoint } from './otlp.js'
import { Subscriptions, type ClientTraits, type Subscription } from './subscriptions.js'

export interface TelemetryOptions {
  readonly clock: Clock
  /** `telemetry.max.bytes` */
  readonly maxBytes: () => number
  readonly newUuid: () => string
}

/** Of the connection that a request came on. */
export interface TelemetryClient {
  readonly connection: number
  readonly clientId: string | null
  readonly clientAddress: string
  readonly clientPort?: number
}

export interface Push {
  readonly clientInstanceId: string
  readonly subscriptionId: number
  readonly terminating: boolean
  readonly compressionType: number
  readonly metrics: Buffer
}

export interface GrantedSubscription extends Subscription {
  readonly clientInstanceId: string
}

/** One client as monitoring sees it. */
export interface ClientMetricsSnapshot {
  readonly clientInstanceId: string
  readonly clientId: string
  readonly softwareName: string
  readonly softwareVersion: string
  readonly address: string
  /** Milliseconds since the epoch; 0: it has not pushed yet. */
  readonly pushedAt: number
  readonly pushes: number
  readonly metrics: readonly {
    readonly name: string
    /** `name=value`, parted by commas. */
    readonly attributes: string
    /** The newest value; of a sum that is pushed by what was added, all of it since the first push. */
    readonly value: number
  }[]
}

interface Instance {
  readonly traits: ClientTraits
  readonly metrics: Map<string, { point: MetricPoint; value: number }>
  subscription: Subscription
  subscriptions: Subscriptions
  lastGetMs: number
  lastPushMs: number
  lastError: number
  terminating: boolean
  pushedAt: number
  pushes: number
}

/** In the order in which clients should prefer them. */
export const ACCEPTED_COMPRESSION: readonly number[] = [Compression.zstd, Compression.lz4, Compression.gzip, Compression.snappy]
const MOST_CLIENTS = 2000
const MOST_METRICS = 500
/** Names come from clients; what is longer is cut. */
const LONGEST_TRAIT = 256
/** How much larger than `telemetry.max.bytes` the metrics may be once they are decompressed. */
const MOST_EXPANSION = 8
/** One that has missed so many pushes is shown no longer; one that has ended is for a while. */
const FORGOTTEN_AFTER_INTERVALS = 3
const SHOWN_AT_LEAST_MS = 60_000
const RESERVED_UUIDS: ReadonlySet<string> = new Set([ZERO_UUID, 'AAAAAAAAAAAAAAAAAAAAAQ'])

export class ClientMetrics {
  readonly #options: TelemetryOptions
  #subscriptions = new Subscriptions([], () => undefined)
  // Least recently heard of first.
  readonly #instances = new Map<string, Instance>()
  // Name and version of the client's software, by connection.
  readonly #software = new Map<number, readonly [name: string, version: string]>()

  constructor(options: TelemetryOptions) {
    this.#options = options
  }

  /** The subscriptions that hold from now on. Clients learn of them when they push the next time. */
  subscribe(subscriptions: Subscriptions): void {
    this.#subscriptions = subscriptions
  }

  /** What a client says of itself in ApiVersions. */
  introduced(connection: number, name: string, version: string): void {
    this.#software.set(connection, [name.slice(0, LONGEST_TRAIT), version.slice(0, LONGEST_TRAIT)])
  }

  connectionClosed(connection: number): void {
    this.#software.delete(connection)
  }

  /** What a client is to push, or an error code. The zero id asks for a new one. */
  subscriptionOf(client: TelemetryClient, clientInstanceId: string): GrantedSubscription | number {
    const id = clientInstanceId === ZERO_UUID ? this.#options.newUuid() : clientInstanceId
    const instance = this.#instance(client, id)
    const now = this.#options.clock.monotonic()
    const last = Math.max(instance.lastGetMs, instance.lastPushMs)
    if (now - last >= instance.subscription.intervalMs) instance.lastGetMs = now
    // Errors after which a client has to ask again at once.
    else if (instance.lastError !== ErrorCode.UNKNOWN_SUBSCRIPTION_ID && instance.lastError !== ErrorCode.UNSUPPORTED_COMPRESSION_TYPE) {
      return (instance.lastError = ErrorCode.THROTTLING_QUOTA_EXCEEDED)
    }
    instance.lastError = ErrorCode.NONE
    return { ...instance.subscription, clientInstanceId: id }
  }

  /** Takes in what a client pushes. Returns an error code. */
  async push(client: TelemetryClient, push: Push): Promise<number> {
    if (RESERVED_UUIDS.has(push.clientInstanceId)) return ErrorCode.INVALID_REQUEST
    const instance = this.#instance(client, push.clientInstanceId)
    instance.lastError = this.#pushProblem(instance, push)
    if (instance.lastError !== ErrorCode.NONE) return instance.lastError
    if (push.terminating) instance.terminating = true
    const points = await this.#decode(push)
    if (typeof points === 'number') return (instance.lastError = points)
    this.#keep(instance, points)
    return ErrorCode.NONE
  }

  /** The clients that push, with their newest metrics. */
  snapshot(): ClientMetricsSnapshot[] {
    const now = this.#options.clock.monotonic()
    for (const [id, instance] of this.#instances) if (isGone(instance, now)) this.#instances.delete(id)
    return [...this.#instances.values()]
      .filter(({ pushes }) => pushes > 0)
      .map(({ traits, pushedAt, pushes, metrics }) => ({
        clientInstanceId: traits.client_instance_id,
        clientId: traits.client_id,
        softwareName: traits.client_software_name,
        softwareVersion: traits.client_software_version,
        address: traits.client_source_address,
        pushedAt,
        pushes,
        metrics: [...metrics.values()].map(({ point, value }) => ({ name: point.name, attributes: point.attributes, value }))
      }))
  }

  #pushProblem(instance: Instance, push: Push): number {
    if (instance.terminating) return ErrorCode.INVALID_REQUEST
    const now = this.#options.clock.monotonic()
    const due = instance.lastGetMs > instance.lastPushMs || now - instance.lastPushMs >= instance.subscription.intervalMs
    // The last push of a client that ends comes when it ends.
    if (!due && !push.terminating) return ErrorCode.THROTTLING_QUOTA_EXCEEDED
    if (due) instance.lastPushMs = now
    if (push.subscriptionId !== instance.subscription.id) return ErrorCode.UNKNOWN_SUBSCRIPTION_ID
    if (push.compressionType !== Compression.none && !ACCEPTED_COMPRESSION.includes(push.compressionType)) {
      return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
    }
    return push.metrics.length > this.#options.maxBytes() ? ErrorCode.TELEMETRY_TOO_LARGE : ErrorCode.NONE
  }

  async #decode({ metrics, compressionType }: Push): Promise<MetricPoint[] | number> {
    if (metrics.length === 0) return []
    const plain = await decompress(compressionType, metrics, this.#options.maxBytes() * MOST_EXPANSION)
    if ('flaw' in plain) return plain.flaw === 'too-large' ? ErrorCode.TELEMETRY_TOO_LARGE : ErrorCode.INVALID_RECORD
    try {
      return decodeMetrics(plain, MOST_METRICS)
    } catch (error) {
      // Bytes that end inside of a number of fixed length.
      if (error instanceof WireError || error instanceof RangeError) return ErrorCode.INVALID_RECORD
      throw error
    }
  }

  #keep(instance: Instance, points: readonly MetricPoint[]): void {
    instance.pushes++
    instance.pushedAt = this.#options.clock.now()
    for (const point of points) {
      const key = `${point.name} ${point.attributes}`
      const known = instance.metrics.get(key)
      if (known) known.value = point.delta ? known.value + point.value : point.value
      else if (instance.metrics.size < MOST_METRICS) instance.metrics.set(key, { point, value: point.value })
    }
  }

  #instance(client: TelemetryClient, id: string): Instance {
    const known = this.#instances.get(id)
    if (known) {
      this.#instances.delete(id)
      this.#instances.set(id, known)
      if (known.subscriptions !== this.#subscriptions) this.#renew(known)
      return known
    }
    const [softwareName, softwareVersion] = this.#software.get(client.connection) ?? ['', '']
    const traits: ClientTraits = {
      client_instance_id: id,
      client_id: (client.clientId ?? '').slice(0, LONGEST_TRAIT),
      client_software_name: softwareName,
      client_software_version: softwareVersion,
      client_source_address: client.clientAddress,
      client_source_port: String(client.clientPort ?? 0)
    }
    const made: Instance = {
      traits,
      metrics: new Map(),
      subscription: this.#subscriptions.of(traits),
      subscriptions: this.#subscriptions,
      lastGetMs: -Infinity,
      lastPushMs: -Infinity,
      lastError: ErrorCode.NONE,
      terminating: false,
      pushedAt: 0,
      pushes: 0
    }
    if (this.#instances.size >= MOST_CLIENTS) this.#instances.delete(this.#instances.keys().next().value!)
    this.#instances.set(id, made)
    return made
  }

  // There may be something else to push: whoever has asked before may ask at once.
  #renew(instance: Instance): void {
    instance.subscription = this.#subscriptions.of(instance.traits)
    instance.subscriptions = this.#subscriptions
    instance.lastGetMs = instance.lastPushMs = -Infinity
  }
}

function isGone({ terminating, subscription, lastGetMs, lastPushMs }: Instance, nowMs: number): boolean {
  const silentMs = nowMs - Math.max(lastGetMs, lastPushMs)
  return silentMs > Math.max(SHOWN_AT_LEAST_MS, terminating ? 0 : subscription.intervalMs * FORGOTTEN_AFTER_INTERVALS)
}
