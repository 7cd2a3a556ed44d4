/** What every operation of the controller gives back, and what it may look at. */
import type { BrokerConfig } from '../../config/broker-config.js'
import type { MetadataImage } from '../image.js'
import type { MetadataRecord } from '../records.js'

/** The records are written as one batch; the response goes out when they are committed. No records: nothing changes. */
export interface Step<R> {
  readonly records: readonly MetadataRecord[]
  readonly response: R
}

export interface ControllerState {
  readonly image: MetadataImage
  /** Defaults of new topics, and the rules of settings. */
  readonly config: BrokerConfig
  /** A random topic id. */
  readonly newUuid: () => string
}

/** Partitions that one request may create, as in Kafka: beyond it, POLICY_VIOLATION. */
export const MAX_PARTITIONS_PER_REQUEST = 10_000

/** Those that `key` gives for more than one of `items`. */
export function repeated<T>(items: readonly T[], key: (item: T) => string): Set<string> {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const item of items) {
    const name = key(item)
    if (seen.has(name)) twice.add(name)
    seen.add(name)
  }
  return twice
}
