/** Which metrics a client is to push, by the subscriptions that match it (KIP-714). */
import { clientMetricsConfig, type ClientMatcher, type ClientMetricsConfig } from '../../config/client-metrics-config.js'
import { ConfigError } from '../../errors.js'
import { crc32c } from '../../record/crc32c.js'

/** What a client is matched by. */
export type ClientTraits = Readonly<Record<ClientMatcher, string>>

export interface Subscription {
  /** Changes with what is to be pushed, and differs between clients. */
  readonly id: number
  readonly intervalMs: number
  /** Beginnings of names; `*` alone for all; empty: nothing is to be pushed. */
  readonly metrics: readonly string[]
}

const ALL_METRICS = '*'
/** Where no subscription matches, a client asks again after so long. */
const DEFAULT_INTERVAL_MS = 300_000

export class Subscriptions {
  readonly #configs: readonly ClientMetricsConfig[]

  /** Stored settings that can not be read (of another version, say) are given to `onProblem` and count for nothing. */
  constructor(resources: Iterable<readonly [name: string, settings: ReadonlyMap<string, string>]>, onProblem: (message: string) => void) {
    const configs: ClientMetricsConfig[] = []
    for (const [name, settings] of resources) {
      try {
        configs.push(clientMetricsConfig(settings))
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        onProblem(`client metrics subscription ${name} is left out: ${error.message}`)
      }
    }
    this.#configs = configs
  }

  /** All subscriptions that match, as one: all their metrics, at the shortest of their intervals. */
  of(traits: ClientTraits): Subscription {
    const matching = this.#configs.filter(({ match }) => [...match].every(([name, matches]) => matches(traits[name])))
    const wanted = new Set(matching.flatMap(({ metrics }) => metrics))
    const metrics = wanted.has(ALL_METRICS) ? [ALL_METRICS] : [...wanted].toSorted()
    const intervalMs = matching.reduce((least, config) => Math.min(least, config.intervalMs), DEFAULT_INTERVAL_MS)
    const content = Buffer.from(JSON.stringify([traits.client_instance_id, intervalMs, metrics]))
    return { id: crc32c(content) | 0, intervalMs, metrics }
  }
}
