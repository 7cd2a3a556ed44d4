/** Client quotas: limits by entity (user, client id, both, or IP address). Values are what AlterClientQuotas last set. */
import { RecordType, type ClientQuotaRecord, type QuotaEntityPart } from './records.js'

export interface QuotaEntity {
  /** By type of the part; a name of null is the default of that type. */
  readonly parts: ReadonlyMap<string, string | null>
  /** Limits by name of the quota. */
  readonly limits: ReadonlyMap<string, number>
}

interface MutableEntity extends QuotaEntity {
  readonly limits: Map<string, number>
}

/** The same for the same parts in any order. */
export function quotaEntityKey(parts: ReadonlyMap<string, string | null>): string {
  return JSON.stringify([...parts].toSorted(([left], [right]) => (left < right ? -1 : 1)))
}

/** Of a type that is named twice, the last name counts, as in Kafka. */
export function quotaEntityParts(entity: readonly QuotaEntityPart[]): Map<string, string | null> {
  return new Map(entity.map(({ entityType, entityName }) => [entityType, entityName]))
}

export class ClientQuotaImage {
  readonly #entities = new Map<string, MutableEntity>()

  get size(): number {
    return this.#entities.size
  }

  all(): IterableIterator<QuotaEntity> {
    return this.#entities.values()
  }

  of(parts: ReadonlyMap<string, string | null>): QuotaEntity | undefined {
    return this.#entities.get(quotaEntityKey(parts))
  }

  replay({ entity, key, value, remove }: ClientQuotaRecord['data']): void {
    const parts = quotaEntityParts(entity)
    const id = quotaEntityKey(parts)
    let known = this.#entities.get(id)
    if (remove) {
      if (known?.limits.delete(key) && known.limits.size === 0) this.#entities.delete(id)
      return
    }
    if (!known) this.#entities.set(id, (known = { parts, limits: new Map() }))
    known.limits.set(key, value)
  }

  *records(): Generator<ClientQuotaRecord> {
    for (const { parts, limits } of this.#entities.values()) {
      const entity = [...parts].map(([entityType, entityName]) => ({ entityType, entityName }))
      for (const [key, value] of limits) yield { type: RecordType.clientQuota, version: 0, data: { entity, key, value, remove: false } }
    }
  }
}
