/**
 * The records of `__cluster_metadata`, as the image and the controller see them: a type, the version they are written in, and the fields
 * of the newest version (older versions lack some; those carry their defaults).
 */

/** Kafka's numbers of the record types. */
export const RecordType = {
  registerBroker: 0,
  unregisterBroker: 1,
  topic: 2,
  partition: 3,
  config: 4,
  partitionChange: 5,
  fenceBroker: 7,
  unfenceBroker: 8,
  removeTopic: 9,
  delegationToken: 10,
  userScramCredential: 11,
  featureLevel: 12,
  clientQuota: 14,
  producerIds: 15,
  brokerRegistrationChange: 17,
  accessControlEntry: 18,
  removeAccessControlEntry: 19,
  noOp: 20,
  zkMigrationState: 21,
  removeUserScramCredential: 22,
  beginTransaction: 23,
  endTransaction: 24,
  abortTransaction: 25,
  removeDelegationToken: 26,
  registerController: 27,
  clearElr: 28,
  unregisterController: 29
} as const

export interface Endpoint {
  readonly name: string
  readonly host: string
  readonly port: number
  /** Kafka's number: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol: number
}

export interface SupportedVersions {
  readonly name: string
  readonly minSupportedVersion: number
  readonly maxSupportedVersion: number
}

export interface RegisterBroker {
  readonly brokerId: number
  readonly isMigratingZkBroker: boolean
  readonly incarnationId: string
  /** The offset of the registration's record. */
  readonly brokerEpoch: number
  readonly endPoints: readonly Endpoint[]
  readonly features: readonly SupportedVersions[]
  readonly rack: string | null
  readonly fenced: boolean
  readonly inControlledShutdown: boolean
  readonly logDirs: readonly string[]
  readonly cordonedLogDirs: readonly string[] | null
}

export interface PartitionFields {
  readonly partitionId: number
  readonly topicId: string
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly removingReplicas: readonly number[]
  readonly addingReplicas: readonly number[]
  readonly leader: number
  readonly leaderRecoveryState: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly directories: readonly string[]
  readonly eligibleLeaderReplicas: readonly number[] | null
  readonly lastKnownElr: readonly number[] | null
}

/** A leader of -2, a recovery state of -1 and null lists leave what was. */
export interface PartitionChange {
  readonly partitionId: number
  readonly topicId: string
  readonly isr: readonly number[] | null
  readonly leader: number
  readonly replicas: readonly number[] | null
  readonly removingReplicas: readonly number[] | null
  readonly addingReplicas: readonly number[] | null
  readonly leaderRecoveryState: number
  readonly directories: readonly string[] | null
  readonly eligibleLeaderReplicas: readonly number[] | null
  readonly lastKnownElr: readonly number[] | null
}

export interface BrokerRegistrationChange {
  readonly brokerId: number
  readonly brokerEpoch: number
  /** 1 fences, -1 unfences, 0 leaves. */
  readonly fenced: number
  readonly inControlledShutdown: number
  readonly logDirs: readonly string[]
  readonly cordonedLogDirs: readonly string[] | null
}

interface Typed<T extends number, D> {
  readonly type: T
  readonly version: number
  readonly data: D
}
type Types = typeof RecordType

export type TopicRecord = Typed<Types['topic'], { readonly name: string; readonly topicId: string }>
export type PartitionRecord = Typed<Types['partition'], PartitionFields>
export type PartitionChangeRecord = Typed<Types['partitionChange'], PartitionChange>
export type RegisterBrokerRecord = Typed<Types['registerBroker'], RegisterBroker>
export type BrokerRegistrationChangeRecord = Typed<Types['brokerRegistrationChange'], BrokerRegistrationChange>
export type ConfigRecord = Typed<
  Types['config'],
  { readonly resourceType: number; readonly resourceName: string; readonly name: string; readonly value: string | null }
>
export type ProducerIdsRecord = Typed<
  Types['producerIds'],
  { readonly brokerId: number; readonly brokerEpoch: number; readonly nextProducerId: number }
>

/** Who a quota is for: `user`, `client-id`, both, or `ip`. A name of null stands for all that have no quota of their own. */
export interface QuotaEntityPart {
  readonly entityType: string
  readonly entityName: string | null
}

export type ClientQuotaRecord = Typed<
  Types['clientQuota'],
  { readonly entity: readonly QuotaEntityPart[]; readonly key: string; readonly value: number; readonly remove: boolean }
>

export interface ScramCredential {
  readonly name: string
  /** Kafka's number: 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
  readonly mechanism: number
  readonly salt: Uint8Array
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
  readonly iterations: number
}

export type ScramRecord =
  | Typed<Types['userScramCredential'], ScramCredential>
  | Typed<Types['removeUserScramCredential'], { readonly name: string; readonly mechanism: number }>

/** Types that the image acts on. */
export type ActiveRecord =
  | RegisterBrokerRecord
  | Typed<Types['unregisterBroker'], { readonly brokerId: number; readonly brokerEpoch: number }>
  | TopicRecord
  | PartitionRecord
  | ConfigRecord
  | PartitionChangeRecord
  | Typed<Types['fenceBroker'], { readonly id: number; readonly epoch: number }>
  | Typed<Types['unfenceBroker'], { readonly id: number; readonly epoch: number }>
  | Typed<Types['removeTopic'], { readonly topicId: string }>
  | Typed<Types['featureLevel'], { readonly name: string; readonly featureLevel: number }>
  | ProducerIdsRecord
  | BrokerRegistrationChangeRecord
  | ClientQuotaRecord
  | ScramRecord
  | Typed<Types['noOp'], object>
  | Typed<Types['beginTransaction'], { readonly name: string | null }>
  | Typed<Types['endTransaction'], object>
  | Typed<Types['abortTransaction'], { readonly reason: string | null }>
  | Typed<Types['clearElr'], { readonly topicName: string }>

/** Types that are only kept, so that a snapshot holds them: ACLs, tokens, controllers. `data` has the schema's fields. */
export type KeptRecord = Typed<
  | Types['delegationToken']
  | Types['accessControlEntry']
  | Types['removeAccessControlEntry']
  | Types['zkMigrationState']
  | Types['removeDelegationToken']
  | Types['registerController']
  | Types['unregisterController'],
  Readonly<Record<string, unknown>>
>

/** A type or version of a later Kafka: its bytes, with the framing. */
export interface UnknownRecord {
  readonly type: -1
  readonly bytes: Buffer
}

export type MetadataRecord = ActiveRecord | KeptRecord | UnknownRecord

export const NO_LEADER = -1
export const NO_LEADER_CHANGE = -2

/** A change of nothing, to be overridden where something changes. */
export function partitionChange(
  partition: { readonly topicId: string; readonly partitionId: number },
  version: number,
  changes: Partial<PartitionChange>
): PartitionChangeRecord {
  const nothing = {
    isr: null,
    leader: NO_LEADER_CHANGE,
    replicas: null,
    removingReplicas: null,
    addingReplicas: null,
    leaderRecoveryState: -1,
    directories: null,
    eligibleLeaderReplicas: null,
    lastKnownElr: null
  }
  return { type: RecordType.partitionChange, version, data: { ...nothing, ...partition, ...changes } }
}
