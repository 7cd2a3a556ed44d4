/** Settings that were changed at run time, by resource. */
import { RecordType, type ConfigRecord } from './records.js'

/** Kafka's numbers of what settings belong to. */
export const ResourceType = { unknown: 0, topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const

const NOTHING: ReadonlyMap<string, string> = new Map()

export class ConfigImage {
  // By type, then name of the resource.
  readonly #resources = new Map<number, Map<string, Map<string, string>>>()

  of(resourceType: number, resourceName: string): ReadonlyMap<string, string> {
    return this.#resources.get(resourceType)?.get(resourceName) ?? NOTHING
  }

  /** Of the resources of a type that have settings of their own. */
  names(resourceType: number): Iterable<string> {
    return this.#resources.get(resourceType)?.keys() ?? []
  }

  /** A value of null removes. */
  set({ resourceType, resourceName, name, value }: ConfigRecord['data']): void {
    if (value === null) return this.#unset(resourceType, resourceName, name)
    let ofType = this.#resources.get(resourceType)
    if (!ofType) this.#resources.set(resourceType, (ofType = new Map()))
    let ofResource = ofType.get(resourceName)
    if (!ofResource) ofType.set(resourceName, (ofResource = new Map()))
    ofResource.set(name, value)
  }

  removeResource(resourceType: number, resourceName: string): void {
    this.#resources.get(resourceType)?.delete(resourceName)
  }

  *records(): Generator<ConfigRecord> {
    for (const [resourceType, ofType] of this.#resources) {
      for (const [resourceName, settings] of ofType) {
        for (const [name, value] of settings) {
          yield { type: RecordType.config, version: 0, data: { resourceType, resourceName, name, value } }
        }
      }
    }
  }

  #unset(resourceType: number, resourceName: string, name: string): void {
    const settings = this.#resources.get(resourceType)?.get(resourceName)
    if (settings?.delete(name) && settings.size === 0) this.removeResource(resourceType, resourceName)
  }
}
