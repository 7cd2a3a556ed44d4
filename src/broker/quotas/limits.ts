/**
 * Which limit holds for a client: the most specific quota that is set, by user and client id, and who shares it. The order of Apache Kafka:
 *
 * | quota of | shared by |
 * | --- | --- |
 * | user and client id; user and default client id | that user with that client id |
 * | user | all clients of the user |
 * | default user and client id; default user and default client id | that user with that client id |
 * | default user | all clients of the user |
 * | client id; default client id | all clients with that id, whoever they are |
 */
import type { QuotaEntity } from '../../metadata/client-quota-image.js'

export const QuotaType = {
  produce: 'producer_byte_rate',
  consume: 'consumer_byte_rate',
  request: 'request_percentage',
  mutation: 'controller_mutation_rate'
} as const
export type QuotaType = (typeof QuotaType)[keyof typeof QuotaType]

const CONNECTIONS = 'connection_creation_rate'
/** Stands for the default of a type; no name has it. */
const DEFAULT = null

export interface Limit {
  readonly value: number
  /** The same for all who share it. */
  readonly sharedBy: string
}

type Name = string | null | undefined

function keyOf(user: Name, clientId: Name): string {
  return JSON.stringify([user === undefined ? 0 : [user], clientId === undefined ? 0 : [clientId]])
}

/** All quotas that are set, ready to be looked up. A new one is made whenever a quota changes. */
export class QuotaLimits {
  readonly #clients = new Map<string, ReadonlyMap<string, number>>()
  readonly #addresses = new Map<string | null, number>()
  readonly #types = new Set<string>()

  constructor(entities: Iterable<QuotaEntity>) {
    for (const { parts, limits } of entities) {
      const connections = limits.get(CONNECTIONS)
      if (parts.has('ip')) {
        if (connections !== undefined) this.#addresses.set(parts.get('ip')!, connections)
        continue
      }
      this.#clients.set(keyOf(parts.get('user'), parts.get('client-id')), limits)
      for (const type of limits.keys()) this.#types.add(type)
    }
  }

  /** True if there is any quota of users or clients. */
  get any(): boolean {
    return this.#types.size > 0
  }

  get anyAddress(): boolean {
    return this.#addresses.size > 0
  }

  /** Undefined: no limit. */
  of(type: QuotaType, user: string, clientId: string): Limit | undefined {
    if (!this.#types.has(type)) return undefined
    const both = JSON.stringify([user, clientId])
    const ofUser = JSON.stringify([user, 0])
    const ofClient = JSON.stringify([0, clientId])
    return (
      this.#find(type, user, clientId, both) ??
      this.#find(type, user, DEFAULT, both) ??
      this.#find(type, user, undefined, ofUser) ??
      this.#find(type, DEFAULT, clientId, both) ??
      this.#find(type, DEFAULT, DEFAULT, both) ??
      this.#find(type, DEFAULT, undefined, ofUser) ??
      this.#find(type, undefined, clientId, ofClient) ??
      this.#find(type, undefined, DEFAULT, ofClient)
    )
  }

  /** Connections a second that may come from an address; undefined: no limit. */
  connectionsFrom(address: string): number | undefined {
    return this.#addresses.get(address) ?? this.#addresses.get(DEFAULT)
  }

  #find(type: QuotaType, user: Name, clientId: Name, sharedBy: string): Limit | undefined {
    const value = this.#clients.get(keyOf(user, clientId))?.get(type)
    return value === undefined ? undefined : { value, sharedBy }
  }
}
