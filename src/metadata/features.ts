/** Features of the cluster: the levels that are in force, and the ones that this broker knows. */
import { RecordType, type MetadataRecord, type SupportedVersions } from './records.js'

export const METADATA_VERSION = 'metadata.version'
export const TRANSACTION_VERSION = 'transaction.version'
export const ELR_VERSION = 'eligible.leader.replicas.version'

/** Apache Kafka 4.3: 4.3-IV0. */
export const LATEST_METADATA_VERSION = 30
const OLDEST_METADATA_VERSION = 7

/** What a broker of Apache Kafka 4.3.1 registers with; `kraft.version` is a matter of the quorum and is no record here. */
export const SUPPORTED_FEATURES: readonly SupportedVersions[] = [
  { name: METADATA_VERSION, minSupportedVersion: OLDEST_METADATA_VERSION, maxSupportedVersion: LATEST_METADATA_VERSION },
  { name: 'kraft.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
  { name: TRANSACTION_VERSION, minSupportedVersion: 0, maxSupportedVersion: 2 },
  { name: 'group.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
  { name: ELR_VERSION, minSupportedVersion: 0, maxSupportedVersion: 1 },
  { name: 'share.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
  { name: 'streams.version', minSupportedVersion: 0, maxSupportedVersion: 1 }
]

/** The levels of a newly formatted node of Kafka 4.3.1, `metadata.version` first: it says how all later records are written. */
export const BOOTSTRAP_LEVELS: readonly (readonly [name: string, level: number])[] = [
  [METADATA_VERSION, LATEST_METADATA_VERSION],
  [ELR_VERSION, 1],
  ['group.version', 1],
  ['share.version', 1],
  ['streams.version', 1],
  [TRANSACTION_VERSION, 2]
]

/** Versions of records by `metadata.version`: 3.4-IV0 knows 8, directories of replicas came with 17, eligible leader replicas with 23. */
export const recordVersions = {
  partition: (metadataVersion: number): number => (metadataVersion >= 23 ? 2 : metadataVersion >= 17 ? 1 : 0),
  registerBroker: (metadataVersion: number): number => {
    if (metadataVersion >= 30) return 4
    if (metadataVersion >= 17) return 3
    return metadataVersion >= 8 ? 2 : 1
  }
}

/** Levels of metadata.version that brought records or fields that the level before did not know. */
const CHANGING_LEVELS: readonly number[] = [7, 8, 11, 13, 14, 15, 17, 23, 30]

/** Whether metadata that was written at level `to` may hold what level `from` can't. */
export function changesMetadata(from: number, to: number): boolean {
  return CHANGING_LEVELS.some((level) => level > from && level <= to)
}

export class FeatureImage {
  readonly #levels = new Map<string, number>()

  /** 0: the feature is off. */
  level(name: string): number {
    return this.#levels.get(name) ?? 0
  }

  get metadataVersion(): number {
    return this.level(METADATA_VERSION)
  }

  all(): IterableIterator<[name: string, level: number]> {
    return this.#levels.entries()
  }

  set(name: string, level: number): void {
    if (level === 0) this.#levels.delete(name)
    else this.#levels.set(name, level)
  }

  *records(): Generator<MetadataRecord> {
    const rest = [...this.#levels].filter(([name]) => name !== METADATA_VERSION)
    const first = this.#levels.has(METADATA_VERSION) ? [[METADATA_VERSION, this.metadataVersion] as const] : []
    for (const [name, featureLevel] of [...first, ...rest]) {
      yield { type: RecordType.featureLevel, version: 0, data: { name, featureLevel } }
    }
  }
}
