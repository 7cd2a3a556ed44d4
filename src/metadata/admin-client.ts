/** What a broker asks the controller for on behalf of administrators, next to topics and settings. Errors are values, as in controller-client.ts. */
import type { ControllerError } from './controller-client.js'
import type { QuotaEntityPart } from './records.js'

export interface QuotaAlteration {
  readonly entity: readonly QuotaEntityPart[]
  readonly ops: readonly { readonly key: string; readonly value: number; readonly remove: boolean }[]
}

export interface AlteredQuota extends ControllerError {
  readonly entity: readonly QuotaEntityPart[]
}

export interface ScramDeletion {
  readonly name: string
  readonly mechanism: number
}

export interface ScramUpsertion extends ScramDeletion {
  readonly iterations: number
  readonly salt: Uint8Array
  readonly saltedPassword: Uint8Array
}

export interface AlteredUser extends ControllerError {
  readonly user: string
}

/** Kafka's numbers. */
export const ElectionType = { preferred: 0, unclean: 1 } as const

export interface PartitionResult extends ControllerError {
  readonly partitionId: number
}

export interface ElectedTopic {
  readonly topic: string
  readonly partitionResult: readonly PartitionResult[]
}

export interface Elections {
  readonly errorCode: number
  readonly replicaElectionResults: readonly ElectedTopic[]
}

export interface ReassignedTopic {
  readonly name: string
  /** Replicas of null: a reassignment that is under way is given up. */
  readonly partitions: readonly { readonly partitionIndex: number; readonly replicas: readonly number[] | null }[]
}

export interface Reassignments extends ControllerError {
  readonly responses: readonly {
    readonly name: string
    readonly partitions: readonly (ControllerError & { readonly partitionIndex: number })[]
  }[]
}

/** Kafka's numbers. */
export const UpgradeType = { upgrade: 1, safeDowngrade: 2, unsafeDowngrade: 3 } as const

export interface FeatureUpdate {
  readonly feature: string
  readonly maxVersionLevel: number
  readonly upgradeType: number
}

export interface AdminClient {
  alterClientQuotas(entries: readonly QuotaAlteration[], validateOnly: boolean): Promise<readonly AlteredQuota[]>
  alterScramCredentials(deletions: readonly ScramDeletion[], upsertions: readonly ScramUpsertion[]): Promise<readonly AlteredUser[]>
  /** `topics` of null: all that need an election; those that need none are not in the answer then. */
  electLeaders(
    type: number,
    topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null
  ): Promise<Elections>
  alterPartitionReassignments(topics: readonly ReassignedTopic[], allowReplicationFactorChange: boolean): Promise<Reassignments>
  /** All or none of them. */
  updateFeatures(updates: readonly FeatureUpdate[], validateOnly: boolean): Promise<ControllerError>
  unregisterBroker(brokerId: number): Promise<ControllerError>
}
