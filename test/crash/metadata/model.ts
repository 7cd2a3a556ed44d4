/** What the metadata must be, by what a run said: changes in the order in which they were asked for, each whole or not at all. */
import { isDeepStrictEqual } from 'node:util'
import { ErrorCode } from '../../../src/protocol/error-codes.js'
import { ZERO_UUID } from '../../../src/protocol/reader.js'
import { ConfigOperation, type ControllerError } from '../../../src/metadata/controller-client.js'
import { ResourceType } from '../../../src/metadata/config-image.js'
import { PRODUCER_IDS_PER_BLOCK } from '../../../src/metadata/controller/producer-ids.js'
import { UpgradeType } from '../../../src/metadata/admin-client.js'
import type { MetadataImage } from '../../../src/metadata/image.js'
import type { LocalController } from '../../../src/metadata/local-controller.js'
import { RecordType } from '../../../src/metadata/records.js'

export type Change =
  | { readonly kind: 'create'; readonly names: readonly string[]; readonly partitions: number; readonly retention: string }
  | { readonly kind: 'delete'; readonly name: string }
  | { readonly kind: 'grow'; readonly name: string; readonly count: number }
  | { readonly kind: 'set'; readonly type: number; readonly resource: string; readonly name: string; readonly value: string | null }
  | { readonly kind: 'quota'; readonly user: string; readonly rate: number }
  | { readonly kind: 'user'; readonly name: string; readonly iterations: number }
  | { readonly kind: 'ids' }
  | { readonly kind: 'feature'; readonly name: string; readonly level: number }

export type Line =
  /** A controller serves, and this is what it knows. */
  | readonly ['serving', State]
  | readonly ['sending', number: number, Change]
  /** `errorCode` 0: done. `start`: of a block of producer ids. `ids`: of topics that were created. */
  | readonly ['answer', number: number, errorCode: number, start: number, ids: readonly string[]]
  | readonly ['offline', error: string]
  | readonly ['closed']

/** All of the metadata that changes here, and nothing that every start writes anew. */
export interface State {
  /** By name: its id, the number of its partitions. */
  readonly topics: Readonly<Record<string, readonly [id: string, partitions: number]>>
  /** By `TYPE RESOURCE NAME`. */
  readonly settings: Readonly<Record<string, string>>
  readonly quotas: Readonly<Record<string, number>>
  readonly users: Readonly<Record<string, number>>
  readonly features: Readonly<Record<string, number>>
  readonly nextProducerId: number
}

/** Of a topic whose creation was not answered. */
const UNKNOWN_ID = '?'
const RETENTION = 'retention.ms'
const RATE = 'producer_byte_rate'
const SHA_256 = 1

export function stateOf(image: MetadataImage): State {
  const topics = Array.from(image.topics(), ({ name, id, partitions }) => [name, [id, partitions.length]] as const)
  const settings = Array.from(
    image.configs.records(),
    ({ data }) => [`${data.resourceType} ${data.resourceName} ${data.name}`, data.value ?? ''] as const
  )
  const quotas = Array.from(image.clientQuotas.all(), ({ parts, limits }) => [parts.get('user') ?? '', limits.get(RATE) ?? -1] as const)
  const users = Array.from(image.scram.records(), ({ type, data }) =>
    type === RecordType.userScramCredential ? ([data.name, data.iterations] as const) : (['', 0] as const)
  )
  return {
    topics: Object.fromEntries(topics),
    settings: Object.fromEntries(settings),
    quotas: Object.fromEntries(quotas),
    users: Object.fromEntries(users),
    features: Object.fromEntries(image.features.all()),
    nextProducerId: image.nextProducerId
  }
}

interface Answer {
  readonly errorCode: number
  readonly start: number
  readonly ids: readonly string[]
}

/** Asks the controller for a change. */
export async function ask(controller: LocalController, change: Change): Promise<Answer> {
  const plain = ({ errorCode }: Pick<ControllerError, 'errorCode'>): Answer => ({ errorCode, start: -1, ids: [] })
  switch (change.kind) {
    case 'create': {
      const { names, partitions: numPartitions, retention } = change
      const configs = [{ name: RETENTION, value: retention }]
      const wanted = names.map((name) => ({ name, numPartitions, replicationFactor: 1, assignments: [], configs }))
      const made = await controller.createTopics(wanted, false)
      // Those that exist stay as they are.
      return { ...plain(made.find(({ errorCode }) => errorCode === 0) ?? made[0]!), ids: made.map(({ topicId }) => topicId) }
    }
    case 'delete':
      return plain((await controller.deleteTopics([{ name: change.name, topicId: ZERO_UUID }]))[0]!)
    case 'grow':
      return plain((await controller.createPartitions([{ ...change, assignments: null }], false))[0]!)
    case 'set': {
      const { type: resourceType, resource: resourceName, name, value } = change
      const configOperation = value === null ? ConfigOperation.delete : ConfigOperation.set
      const changes = [{ resourceType, resourceName, configs: [{ name, configOperation, value }] }]
      return plain((await controller.incrementalAlterConfigs(changes, false))[0]!)
    }
    case 'quota': {
      const entity = [{ entityType: 'user', entityName: change.user }]
      const ops = [{ key: RATE, value: change.rate, remove: change.rate === 0 }]
      return plain((await controller.admin.alterClientQuotas([{ entity, ops }], false))[0]!)
    }
    case 'user': {
      const user = { name: change.name, mechanism: SHA_256 }
      const more = { iterations: change.iterations, salt: Buffer.from('salt'), saltedPassword: Buffer.alloc(32, 7) }
      const result = await (change.iterations === 0
        ? controller.admin.alterScramCredentials([user], [])
        : controller.admin.alterScramCredentials([], [{ ...user, ...more }]))
      return plain(result[0]!)
    }
    case 'ids': {
      const { errorCode, start } = await controller.allocateProducerIds()
      return { ...plain({ errorCode }), start }
    }
    case 'feature': {
      const { name: feature, level: maxVersionLevel } = change
      const upgradeType = maxVersionLevel === 0 ? UpgradeType.unsafeDowngrade : UpgradeType.upgrade
      return plain(await controller.admin.updateFeatures([{ feature, maxVersionLevel, upgradeType }], false))
    }
  }
}

/** Without the entries whose values are `nothing`. */
function changed<T>(all: Readonly<Record<string, T>>, key: string, value: T, nothing: T): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries({ ...all, [key]: value }).filter(([, each]) => each !== nothing))
}

/** What a change makes of a state; a change that is refused there makes nothing. */
export function applied(state: State, change: Change, ids: readonly string[] = []): State {
  switch (change.kind) {
    case 'create': {
      const news = change.names.map((name, at) => [name, ids[at] ?? UNKNOWN_ID] as const).filter(([name]) => !(name in state.topics))
      const topics = news.map(([name, id]) => [name, [id, change.partitions]] as const)
      const settings = news.map(([name]) => [`${ResourceType.topic} ${name} ${RETENTION}`, change.retention] as const)
      return {
        ...state,
        topics: { ...state.topics, ...Object.fromEntries(topics) },
        settings: { ...state.settings, ...Object.fromEntries(settings) }
      }
    }
    case 'delete': {
      const { [change.name]: _gone, ...topics } = state.topics
      const own = `${ResourceType.topic} ${change.name} `
      return { ...state, topics, settings: Object.fromEntries(Object.entries(state.settings).filter(([key]) => !key.startsWith(own))) }
    }
    case 'grow': {
      const [id, partitions] = state.topics[change.name] ?? [UNKNOWN_ID, Infinity]
      return change.count > partitions ? { ...state, topics: { ...state.topics, [change.name]: [id, change.count] } } : state
    }
    case 'set':
      if (change.type === ResourceType.topic && !(change.resource in state.topics)) return state
      return { ...state, settings: changed(state.settings, `${change.type} ${change.resource} ${change.name}`, change.value ?? '', '') }
    case 'quota':
      return { ...state, quotas: changed(state.quotas, change.user, change.rate, 0) }
    case 'user':
      return { ...state, users: changed(state.users, change.name, change.iterations, 0) }
    case 'ids':
      return { ...state, nextProducerId: state.nextProducerId + PRODUCER_IDS_PER_BLOCK }
    case 'feature':
      return { ...state, features: changed(state.features, change.name, change.level, 0) }
  }
}

interface Sent {
  readonly change: Change
  answer: Answer | undefined
}

export class MetadataTruth {
  /** What the last controller began with; undefined: none has served yet. */
  #base: State | undefined
  #sent = new Map<number, Sent>()
  #offline = false
  /** Blocks of producer ids that were given out. */
  readonly #blocks = new Set<number>()
  readonly #problems: string[] = []

  apply(line: Line): void {
    switch (line[0]) {
      case 'serving':
        this.#problems.push(...this.compare(line[1], 'kill'))
        this.adopt(line[1])
        return
      case 'sending':
        this.#sent.set(line[1], { change: line[2], answer: undefined })
        return
      case 'answer': {
        const [, number, errorCode, start, ids] = line
        this.#sent.get(number)!.answer = { errorCode, start, ids }
        if (errorCode !== 0 || start < 0) return
        if (this.#blocks.has(start)) this.#problems.push(`producer ids from ${start} on are given out a second time`)
        this.#blocks.add(start)
        return
      }
      case 'offline':
        this.#offline = true
        return
      case 'closed':
    }
  }

  /** What was wrong while the controllers ran. */
  get problems(): readonly string[] {
    return this.#problems
  }

  /** What was found is the truth from now on. */
  adopt(found: State): void {
    this.#base = found
    this.#sent = new Map()
    this.#offline = false
  }

  /** Everything that is wrong with what a start has found. `power`: the cut that takes back a refused change may be lost. */
  compare(found: State, ending: 'kill' | 'power'): string[] {
    const base = this.#base
    if (base === undefined) return []
    const all = [...this.#sent.values()]
    let done = base
    // What changes nothing is answered without a word in the log.
    let lastDone = -1
    for (const [at, one] of all.entries()) {
      const after = one.answer?.errorCode === 0 ? afterOne(done, one) : done
      if (isDeepStrictEqual(after, done)) continue
      done = after
      lastDone = at
    }
    const candidates = [done]
    // Answered or not, they are written in their order. What could not be written, or not be flushed, may be there only with nothing behind it.
    let state = done
    for (const one of all.slice(lastDone + 1)) {
      if (one.answer === undefined) candidates.push((state = afterOne(state, one)))
      else if (one.answer.errorCode === ErrorCode.KAFKA_STORAGE_ERROR && (this.#offline || ending === 'power'))
        candidates.push(afterOne(done, one))
    }
    if (candidates.some((each) => isSame(each, found))) return []
    return [`of ${all.length} changes, the last of which was done as number ${lastDone}: ${difference(done, found)}`]
  }
}

function afterOne(state: State, { change, answer }: Sent): State {
  return applied(state, change, answer?.errorCode === 0 ? answer.ids : [])
}

function isSame(expected: State, found: State): boolean {
  const topics = Object.entries(expected.topics).map(([name, [id, partitions]]) => {
    return [name, [id === UNKNOWN_ID ? (found.topics[name]?.[0] ?? id) : id, partitions]] as const
  })
  return isDeepStrictEqual({ ...expected, topics: Object.fromEntries(topics) }, found)
}

function difference(expected: State, found: State): string {
  const parts = Object.keys(expected) as (keyof State)[]
  const different = parts.filter((part) => !isDeepStrictEqual(expected[part], found[part]))
  return different.map((part) => `${part} ${JSON.stringify(found[part])}, should be ${JSON.stringify(expected[part])}`).join('; ')
}
