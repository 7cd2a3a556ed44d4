/** What a benchmark asks of any broker besides its load: topics, offsets, settings. Spoken in the newest version that both sides know. */
import { RawClient } from '../../test/support/raw-client.js'
import type { Api } from '../../src/protocol/api.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.js'
import { metadata } from '../../src/protocol/messages/03-metadata.js'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.js'
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { deleteTopics } from '../../src/protocol/messages/20-delete-topics.js'
import { describeConfigs } from '../../src/protocol/messages/32-describe-configs.js'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.js'
import type { InputOf, MessageOf } from '../../src/protocol/schema.js'

export interface NewTopic {
  readonly name: string
  /** 1 by default. */
  readonly partitions?: number
  readonly configs?: Readonly<Record<string, string>>
}

/** `name` is null for the broker itself. */
export interface Resource {
  readonly type: 'topic' | 'broker'
  readonly name: string | null
}

/** Thousands of partitions take a JVM a minute on a small machine. */
const PATIENCE_MS = 300_000
const POLL_MS = 20
const LATEST = -1
const EARLIEST = -2
const SET = 0
const DELETE = 1
const RESOURCE_TYPES = { topic: 2, broker: 4 } as const
const ERROR_NAMES = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]))
/** Versions above have nothing that is needed here, and some brokers answer them oddly. */
const NEWEST: ReadonlyMap<Api, number> = new Map<Api, number>([
  [listOffsets, 7],
  [metadata, 12],
  // By names; version 6 is by topic ids.
  [deleteTopics, 5]
])

/** host:port of an address; an IPv6 host stands in brackets. Throws Error. */
export function parseAddress(bootstrap: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(bootstrap) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(digits) > 65535) throw new Error(`not an address: '${bootstrap}' (wanted: host:port)`)
  return { host, port: Number(digits) }
}

/** One connection. Every call rejects with an Error that names what failed and the broker's error code. Close it at the end. */
export class Admin {
  readonly #client: RawClient
  readonly #newest: ReadonlyMap<number, number>

  private constructor(client: RawClient, newest: ReadonlyMap<number, number>) {
    this.#client = client
    this.#newest = newest
  }

  static async connect(bootstrap: string): Promise<Admin> {
    let client: RawClient
    try {
      client = await RawClient.connect(parseAddress(bootstrap), { patienceMs: PATIENCE_MS })
    } catch (error) {
      throw new Error(`no broker at ${bootstrap}: ${(error as Error).message}`, { cause: error })
    }
    try {
      const { errorCode, apiKeys } = await client.request(apiVersions, 0, {})
      check('ApiVersions', errorCode)
      return new Admin(client, new Map(apiKeys.map(({ apiKey, maxVersion }) => [apiKey, maxVersion])))
    } catch (error) {
      client.close()
      throw new Error(`what listens on ${bootstrap} does not answer like a Kafka broker: ${(error as Error).message}`, { cause: error })
    }
  }

  /** Does `work` with a connection of its own. */
  static async with<T>(bootstrap: string, work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = await Admin.connect(bootstrap)
    try {
      return await work(admin)
    } finally {
      admin.close()
    }
  }

  close(): void {
    this.#client.close()
  }

  /** All in one request; resolves with the broker's answer, which may come before the partitions serve (`waitServing`). */
  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    const answer = await this.#ask(createTopics, {
      topics: topics.map(({ name, partitions = 1, configs = {} }) => ({
        name,
        numPartitions: partitions,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value }))
      })),
      timeoutMs: PATIENCE_MS
    })
    for (const { name, errorCode, errorMessage } of answer.topics) check(`creating topic ${name}`, errorCode, errorMessage)
  }

  /** Creates one topic and waits until every partition serves. */
  async createTopic(name: string, partitions = 1, configs: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.createTopics([{ name, partitions, configs }])
    await this.waitServing([name])
  }

  /** The files go later. */
  async deleteTopics(names: readonly string[]): Promise<void> {
    const answer = await this.#ask(deleteTopics, { topicNames: names, timeoutMs: PATIENCE_MS })
    for (const { name, errorCode, errorMessage } of answer.responses) check(`deleting topic ${name}`, errorCode, errorMessage)
  }

  /** Partitions by topic, internal topics included. */
  async topics(): Promise<Map<string, number>> {
    const { topics } = await this.#metadata(null)
    return new Map(topics.map(({ name, partitions }) => [name ?? '', partitions.length]))
  }

  /** Waits until every partition of the topics has a leader that answers ListOffsets: Metadata names leaders before they serve. */
  async waitServing(names: readonly string[], timeoutMs = PATIENCE_MS): Promise<void> {
    const until = performance.now() + timeoutMs
    while (!(await this.#allServe(names))) {
      if (performance.now() > until) throw new Error(`not every partition of ${names[0]} … served within ${timeoutMs} ms`)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  /** The first or the next offset of each partition. */
  async offsets(topic: string, partitions: number, at: 'earliest' | 'latest'): Promise<number[]> {
    const answer = await this.#listOffsets([{ name: topic, partitions }], at === 'earliest' ? EARLIEST : LATEST)
    const found: number[] = Array.from({ length: partitions }, () => 0)
    for (const { partitionIndex, errorCode, offset } of answer.topics[0]?.partitions ?? []) {
      check(`ListOffsets of ${topic}-${partitionIndex}`, errorCode)
      found[partitionIndex] = offset
    }
    return found
  }

  /** All settings of a topic or of the broker, or those named. */
  async configs({ type, name }: Resource, names: readonly string[] | null = null): Promise<Map<string, string | null>> {
    const resourceName = name ?? (await this.nodeId())
    const answer = await this.#ask(describeConfigs, {
      resources: [{ resourceType: RESOURCE_TYPES[type], resourceName, configurationKeys: names }]
    })
    const [result] = answer.results
    check(`settings of ${type} ${resourceName}`, result?.errorCode ?? -1, result?.errorMessage)
    return new Map(result?.configs.map((config) => [config.name, config.value]))
  }

  /** Sets settings of a topic or of the broker while it runs; null removes one. */
  async alterConfigs({ type, name }: Resource, settings: Readonly<Record<string, string | null>>): Promise<void> {
    const resourceName = name ?? (await this.nodeId())
    const configs = Object.entries(settings).map(([key, value]) => ({
      name: key,
      configOperation: value === null ? DELETE : SET,
      value
    }))
    const answer = await this.#ask(incrementalAlterConfigs, {
      resources: [{ resourceType: RESOURCE_TYPES[type], resourceName, configs }],
      validateOnly: false
    })
    for (const { errorCode, errorMessage } of answer.responses) check(`settings of ${type} ${resourceName}`, errorCode, errorMessage)
  }

  /** The id of a live broker, as text. Rejects while there is none. */
  async nodeId(): Promise<string> {
    const [broker] = (await this.#metadata([])).brokers
    if (broker === undefined) throw new Error('no live broker')
    return String(broker.nodeId)
  }

  async #allServe(names: readonly string[]): Promise<boolean> {
    const { topics } = await this.#metadata(names)
    const led = topics.every(
      ({ errorCode, partitions }) => errorCode === 0 && partitions.length > 0 && partitions.every(({ leaderId }) => leaderId >= 0)
    )
    if (!led) return false
    const answer = await this.#listOffsets(
      topics.map(({ name, partitions }) => ({ name: name ?? '', partitions: partitions.length })),
      LATEST
    )
    return answer.topics.every(({ partitions }) => partitions.every(({ errorCode }) => errorCode === 0))
  }

  #metadata(names: readonly string[] | null): Promise<MessageOf<(typeof metadata)['response']>> {
    return this.#ask(metadata, { topics: names === null ? null : names.map((name) => ({ name })), allowAutoTopicCreation: false })
  }

  #listOffsets(
    topics: readonly { readonly name: string; readonly partitions: number }[],
    timestamp: number
  ): Promise<MessageOf<(typeof listOffsets)['response']>> {
    return this.#ask(listOffsets, {
      replicaId: -1,
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp }))
      }))
    })
  }

  #ask<A extends Api>(api: A, body: InputOf<A['request']>): Promise<MessageOf<A['response']>> {
    const theirs = this.#newest.get(api.key)
    if (theirs === undefined) throw new Error(`the broker does not know ${api.name}`)
    return this.#client.request(api, Math.min(theirs, NEWEST.get(api) ?? api.request.versions[1]), body)
  }
}

function check(what: string, errorCode: number, message?: string | null): void {
  if (errorCode === 0) return
  const name = ERROR_NAMES.get(errorCode) ?? `error ${errorCode}`
  throw new Error(`${what}: ${name}${message === undefined || message === null || message === '' ? '' : ` (${message})`}`)
}
