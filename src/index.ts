/** What a program imports: a broker that starts and stops in this process. */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { BrokerStatus } from './broker/status.js'
import type { ClientMetricsSnapshot } from './broker/telemetry/client-metrics.js'
import { Composition } from './composition.js'
import { formatHostPort } from './config/listeners.js'
import { loadBrokerConfig } from './config/load.js'
import { programLogger, type ProgramLog } from './log.js'
import type { BoundListener } from './network/server.js'
import { planReadOnly, type ReadOnlyOptions, type ReadOnlyPlan } from './read-only.js'

export { ConfigError, StorageError } from './errors.js'
export type { ProgramLog } from './log.js'
export { ListenError, type BoundListener } from './network/server.js'
export type { ReadOnlyOptions } from './read-only.js'
export type { ClientMetricsSnapshot } from './broker/telemetry/client-metrics.js'
export type { BrokerStatus, FileTraffic, ListenerStatus, ListenerTraffic, TopicStatus, TopicTraffic } from './broker/status.js'

export interface BrokerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: a free one; see `broker.port`. */
  readonly port?: number
  /** The data folder. Default: a temporary one, removed by `stop`. */
  readonly dir?: string
  /** Topics to have at the start: name to number of partitions. Existing ones are left as they are. */
  readonly topics?: Readonly<Record<string, number>>
  /** Kafka's settings by name, as in server.properties. `listeners` and `log.dirs` win over host, port and dir. */
  readonly settings?: Readonly<Record<string, string>>
  /** Serves these folders to readers and changes nothing in them; `dir` is not used then, and `node.id` is theirs. */
  readonly readOnly?: ReadOnlyOptions
  /** Default: silent. */
  readonly log?: ProgramLog
}

/** Names in the settings of what `BrokerOptions` says. */
function settingsOf(options: BrokerOptions, dir: string | undefined): Record<string, string> {
  const given = options.settings ?? {}
  const settings: Record<string, string> = { ...given }
  if (options.port !== undefined || options.host !== undefined || given['listeners'] === undefined) {
    settings['listeners'] ??= `PLAINTEXT://${formatHostPort(options.host ?? '127.0.0.1', options.port ?? 0)}`
  }
  if (dir !== undefined) settings['log.dirs'] ??= dir
  return settings
}

function hasDir(options: BrokerOptions): boolean {
  return options.dir !== undefined || options.settings?.['log.dirs'] !== undefined || options.settings?.['log.dir'] !== undefined
}

/** A broker in this process. `await using broker = await Broker.start()` stops it at the end of the block. */
export class Broker {
  readonly #parts: Composition
  readonly #first: BoundListener
  readonly #temporaryDir: string | undefined
  readonly #readOnly: ReadOnlyPlan | undefined
  #stopped: Promise<void> | undefined
  /** Resolves, with the reason, when the broker stops by itself: its last log directory has failed, or the one of the metadata log. */
  readonly failure: Promise<string>

  private constructor(parts: Composition, temporaryDir: string | undefined, readOnly: ReadOnlyPlan | undefined) {
    this.#parts = parts
    this.#first = parts.listeners[0]!
    this.#temporaryDir = temporaryDir
    this.#readOnly = readOnly
    this.failure = parts.failure
    void this.failure.then(() => this.stop())
  }

  /**
   * Resolved: it serves. Rejects with ConfigError, ListenError (a port in use) or StorageError (a data folder that is in use, foreign, or not
   * accessible); then nothing is left running and nothing was changed in a folder that is not ours.
   */
  static async start(options: BrokerOptions = {}): Promise<Broker> {
    const log = programLogger(options.log)
    const readOnly = options.readOnly && (await planReadOnly(options.readOnly, log))
    const temporaryDir = readOnly !== undefined || hasDir(options) ? undefined : await mkdtemp(path.join(os.tmpdir(), 'sluice-'))
    let parts: Composition | undefined
    try {
      const loaded = loadBrokerConfig({ ...settingsOf(options, options.dir ?? temporaryDir), ...readOnly?.settings })
      for (const warning of loaded.warnings) log.warn(warning)
      for (const note of loaded.notes) log.info(note)
      parts = new Composition(loaded, log, readOnly)
      await parts.start(loaded)
      await parts.createTopics(options.topics ?? {})
      return new Broker(parts, temporaryDir, readOnly)
    } catch (error) {
      await parts?.stop()
      await readOnly?.remove()
      if (temporaryDir !== undefined) await rm(temporaryDir, { recursive: true, force: true })
      throw error
    }
  }

  /** `host:port` of the first listener, as clients take it. */
  get bootstrap(): string {
    return formatHostPort(this.host, this.port)
  }

  /** Where this process reaches the first listener: a wildcard address becomes that of the loopback. */
  get host(): string {
    const { host } = this.#first
    return host === '' || host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  }

  get port(): number {
    return this.#first.port
  }

  /** Every listener that is open now, with the port that was bound. */
  get listeners(): readonly BoundListener[] {
    return this.#parts.listeners
  }

  get clusterId(): string {
    return this.#parts.services!.clusterId
  }

  /**
   * What was sent since the start: bytes by path, page-cache hits and cold stalls, per listener and topic. A snapshot that costs
   * some microseconds per partition; nothing is reset. Throws once the broker is being stopped.
   */
  status(): BrokerStatus {
    if (this.#stopped !== undefined) throw new Error('the broker is stopped')
    return this.#parts.status()
  }

  /** Clients that push metrics of their own (KIP-714), with the newest value of each: subscriptions of type client-metrics say what they push. */
  clientMetrics(): ClientMetricsSnapshot[] {
    return this.#parts.services!.clientMetrics.snapshot()
  }

  /** Answers what is under way, closes connections, writes checkpoints, frees everything. Calling it again waits for the same stop. */
  stop(): Promise<void> {
    this.#stopped ??= this.#parts.stop().then(async () => {
      await this.#readOnly?.remove()
      if (this.#temporaryDir !== undefined) await rm(this.#temporaryDir, { recursive: true, force: true })
    })
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
