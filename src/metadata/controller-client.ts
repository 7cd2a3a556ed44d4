/**
 * Requests out: what a broker asks the controller for, wherever it runs. Errors are values. A resolved change is durable and in force
 * here: the image has it, and listeners of the metadata have acted on it.
 */
import type { ConfigEntry } from '../config/broker-config.js'
import type { AdminClient } from './admin-client.js'
import type { NextProducerId } from './producer-ids.js'

/** `errorCode` 0: it went well. */
export interface ControllerError {
  readonly errorCode: number
  readonly errorMessage: string | null
}

export interface PartitionAssignment {
  readonly partitionIndex: number
  readonly brokerIds: readonly number[]
}

export interface CreatableTopic {
  readonly name: string
  /** -1: the default of the broker, or as `assignments` say. */
  readonly numPartitions: number
  readonly replicationFactor: number
  /** Empty: the controller assigns. */
  readonly assignments: readonly PartitionAssignment[]
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

export interface CreatedTopic extends ControllerError {
  readonly name: string
  /** The zero uuid on error. */
  readonly topicId: string
  /** -1 on error. */
  readonly numPartitions: number
  readonly replicationFactor: number
  readonly configs: readonly ConfigEntry[]
}

/** By name, or by id: the other is null or the zero uuid. */
export interface DeletableTopic {
  readonly name: string | null
  readonly topicId: string
}

export interface DeletedTopic extends ControllerError {
  readonly name: string | null
  readonly topicId: string
}

export interface GrowingTopic {
  readonly name: string
  /** The number of partitions to have in all. */
  readonly count: number
  /** One for each new partition; null: the controller assigns. */
  readonly assignments: readonly { readonly brokerIds: readonly number[] }[] | null
}

export interface GrownTopic extends ControllerError {
  readonly name: string
}

export interface ConfigResource {
  readonly resourceType: number
  readonly resourceName: string
}

/** Kafka's numbers. */
export const ConfigOperation = { set: 0, delete: 1, append: 2, subtract: 3 } as const

export interface IncrementalChanges extends ConfigResource {
  readonly configs: readonly { readonly name: string; readonly configOperation: number; readonly value: string | null }[]
}

/** The whole of what is set: what is not named is removed. */
export interface WholeConfig extends ConfigResource {
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

export interface AlteredResource extends ConfigResource, ControllerError {}

/** Producer ids from `start` to `start + length - 1`, never given out before. */
export interface ProducerIdBlock {
  readonly errorCode: number
  readonly start: number
  readonly length: number
}

/** In which of this broker's log directories a replica is. */
export interface ReplicaDirectory {
  readonly topicId: string
  readonly partitionId: number
  readonly directoryId: string
}

/** How much a client may change (KIP-599): counts partitions that are created or deleted. False: too many, leave it. Absent: no limit. */
export type MutationQuota = (partitions: number) => boolean

export interface ControllerClient {
  readonly admin: AdminClient
  createTopics(topics: readonly CreatableTopic[], validateOnly: boolean, quota?: MutationQuota): Promise<readonly CreatedTopic[]>
  deleteTopics(topics: readonly DeletableTopic[], quota?: MutationQuota): Promise<readonly DeletedTopic[]>
  createPartitions(topics: readonly GrowingTopic[], validateOnly: boolean, quota?: MutationQuota): Promise<readonly GrownTopic[]>
  incrementalAlterConfigs(resources: readonly IncrementalChanges[], validateOnly: boolean): Promise<readonly AlteredResource[]>
  alterConfigs(resources: readonly WholeConfig[], validateOnly: boolean): Promise<readonly AlteredResource[]>
  assignReplicas(assignments: readonly ReplicaDirectory[]): Promise<ControllerError>
  allocateProducerIds(): Promise<ProducerIdBlock>
  /** One of a block that was allocated before, or of a new one. */
  nextProducerId(): Promise<NextProducerId>
}
