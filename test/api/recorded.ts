/** Replays exchanges that were recorded against another broker: its ids in the requests become ours, and answers are compared apart from them. */
import type { Api } from '../../src/protocol/api.js'
import { decode, encode } from '../../src/protocol/compile.js'
import { requestHeader, requestHeaderVersion, responseHeader, responseHeaderVersion } from '../../src/protocol/header.js'
import { Reader } from '../../src/protocol/reader.js'
import type { MessageSchema } from '../../src/protocol/schema.js'
import { Writer } from '../../src/protocol/writer.js'

export interface Exchange {
  readonly step: number
  readonly note: string
  readonly api: string
  readonly version: number
  /** 1: the listener of a broker, 2: of a controller. */
  readonly port: number
  /** Whole frames, with their length, in hex. */
  readonly request: string
  readonly response?: string
  readonly responseVersion?: number
  readonly closed?: boolean
  readonly noResponse?: boolean
}

type Json = null | boolean | number | string | Uint8Array | readonly Json[] | { readonly [name: string]: Json }

/** Fields whose value each broker chooses. What one answer gave must come back in later ones. */
const CHOSEN = new Set(['topicId', 'memberId', 'leader', 'clusterId', 'sessionId', 'port', 'logDir'])
/** Sizes of disks and of batches that are no part of the replay; how far the metadata log is; when a transaction began or ended. */
const UNLIKE = new Set(['totalBytes', 'usableBytes', 'partitionSize', 'finalizedFeaturesEpoch', 'transactionStartTimeMs', 'lastTimestamp'])
/** Lists in the order of a Java map: an item is found by the first of these fields that is set. */
const UNORDERED: Readonly<Record<string, readonly string[]>> = {
  topics: ['name', 'topicId', 'topic'],
  groups: ['groupId'],
  configs: ['name'],
  configResources: ['resourceName'],
  responses: ['name', 'topicId', 'topic', 'resourceName'],
  supportedFeatures: ['name'],
  finalizedFeatures: ['name'],
  apiKeys: ['apiKey'],
  activeProducers: ['producerId']
}

export class Replay {
  /** What the recorded broker chose, and what ours did, by field. */
  readonly #ours = new Map<string, Json>()

  /** The recorded request with our ids in place of the recorded ones, and the recorded correlation id. Undecodable ones are sent as they are. */
  request(api: Api, { version, request }: Exchange): Buffer {
    const recorded = Buffer.from(request, 'hex')
    if (version > api.request.versions[1] || version < api.request.versions[0]) return recorded
    const reader = new Reader(recorded, 4)
    const writer = new Writer()
    writer.int32(0)
    const headerVersion = requestHeaderVersion(api, version)
    encode(requestHeader, headerVersion, writer, decode(requestHeader, headerVersion, reader))
    encode(api.request, version, writer, this.#translate('', decode(api.request, version, reader) as Json) as never)
    writer.patchInt32(0, writer.totalLength - 4)
    return writer.toBuffer()
  }

  /** Where the two answers (with their correlation ids, without lengths) differ: empty if they say the same. */
  differences(api: Api, { version, response = '', responseVersion = version }: Exchange, ours: Buffer): string[] {
    const recorded = this.#answer(api, responseVersion, Buffer.from(response, 'hex').subarray(4))
    const found: string[] = []
    this.#compare('', recorded, this.#answer(api, responseVersion, ours), found)
    return found
  }

  #answer(api: Api, version: number, payload: Buffer): Json {
    const reader = new Reader(payload)
    const header = decode(responseHeader, responseHeaderVersion(api, version), reader)
    const body = decode(api.response as MessageSchema, version, reader)
    return { ...header, ...body, bytesBehind: reader.remaining } as Json
  }

  #translate(field: string, value: Json): Json {
    if (value instanceof Uint8Array || value === null) return value
    if (Array.isArray(value)) return value.map((each: Json) => this.#translate(field, each))
    if (typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([name, each]: [string, Json]) => [name, this.#translate(name, each)]))
    if (!CHOSEN.has(field)) return value
    const key = keyOf(field, value)
    // What no answer gave is the client's own word, and must come back as it is.
    if (!this.#ours.has(key)) this.#ours.set(key, value)
    return this.#ours.get(key) ?? null
  }

  #compare(path: string, theirs: Json, ours: Json, found: string[], field = ''): void {
    if (Array.isArray(theirs) && Array.isArray(ours)) return this.#compareLists(path, field, theirs, ours, found)
    if (isStruct(theirs) && isStruct(ours)) {
      for (const name of new Set([...Object.keys(theirs), ...Object.keys(ours)]))
        this.#compare(`${path}.${name}`, theirs[name] ?? null, ours[name] ?? null, found, name)
      return
    }
    if (!this.#alike(field, theirs, ours)) found.push(`${path}: ${show(theirs)}, ours ${show(ours)}`)
  }

  #compareLists(path: string, field: string, theirs: readonly Json[], ours: readonly Json[], found: string[]): void {
    const by = UNORDERED[field]
    if (by === undefined || !isStruct(theirs[0] ?? ours[0] ?? null)) {
      if (theirs.length !== ours.length) found.push(`${path}: ${theirs.length} items, ours ${ours.length}`)
      for (let i = 0; i < Math.min(theirs.length, ours.length); i++) this.#compare(path, theirs[i] ?? null, ours[i] ?? null, found)
      return
    }
    const rest = new Map(ours.map((item) => [this.#identity(item, by, false), item]))
    for (const item of theirs) {
      const identity = this.#identity(item, by, true)
      const counterpart = rest.get(identity)
      rest.delete(identity)
      if (counterpart === undefined) found.push(`${path}[${identity}]: only recorded`)
      else this.#compare(`${path}[${identity}]`, item, counterpart, found)
    }
    for (const identity of rest.keys()) found.push(`${path}[${identity}]: only ours`)
  }

  /** The first of the fields that says something. An id in our terms, because an item without a name is known by its id alone. */
  #identity(item: Json, by: readonly string[], recorded: boolean): string {
    for (const name of by) {
      const value = isStruct(item) ? (item[name] ?? null) : null
      if (value === null || value === '') continue
      return show(recorded && CHOSEN.has(name) ? (this.#ours.get(keyOf(name, value)) ?? value) : value)
    }
    return ''
  }

  #alike(field: string, theirs: Json, ours: Json): boolean {
    if (field.endsWith('rrorMessage')) return (theirs === null) === (ours === null) && (theirs === '') === (ours === '')
    if (UNLIKE.has(field)) return Number(theirs) >= 0 === Number(ours) >= 0
    if (!CHOSEN.has(field)) return show(theirs) === show(ours)
    const key = keyOf(field, theirs)
    if (!this.#ours.has(key)) this.#ours.set(key, isUnset(theirs) ? theirs : ours)
    return this.#ours.get(key) === ours
  }
}

/** What stands for `nothing` is nobody's choice: an empty text, the zero uuid, no session, no port. */
const isUnset = (value: Json) => value === '' || value === null || value === 'AAAAAAAAAAAAAAAAAAAAAA' || value === 0 || value === -1

// The leader of a group is one of its members.
const keyOf = (field: string, value: Json) => `${field === 'leader' ? 'memberId' : field} ${show(value)}`

const isStruct = (value: Json): value is { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

const show = (value: Json): string => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : JSON.stringify(value))
