/**
 * AlterPartitionReassignments (KIP-455). A target that needs no replica to be added is reached at once; one that does begins a reassignment,
 * which waits for the added brokers to catch up, and can be given up.
 */
import { ErrorCode } from '../../protocol/error-codes.js'
import { ZERO_UUID } from '../../protocol/reader.js'
import type { ReassignedTopic, Reassignments } from '../admin-client.js'
import type { ControllerError } from '../controller-client.js'
import { recordVersions } from '../features.js'
import type { MetadataImage, PartitionImage } from '../image.js'
import { partitionChange, type MetadataRecord, type PartitionChange } from '../records.js'
import { assignmentProblem, failed } from './placement.js'
import type { ControllerState, Step } from './step.js'

const NOTHING: readonly number[] = []

/** What becomes of one partition; no changes: it is there already. */
type Outcome = ControllerError | { readonly changes: Partial<PartitionChange> | undefined }

export function alterPartitionReassignments(
  { image }: ControllerState,
  topics: readonly ReassignedTopic[],
  allowReplicationFactorChange: boolean
): Step<Reassignments> {
  const records: MetadataRecord[] = []
  const version = recordVersions.partition(image.features.metadataVersion)
  const responses = topics.map(({ name, partitions }) => {
    const topic = image.topicByName(name)
    const results = partitions.map(({ partitionIndex, replicas }) => {
      const partition = topic?.partitions[partitionIndex]
      const outcome: Outcome = !topic
        ? failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find a topic named ${name}.`)
        : !partition
          ? failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find partition ${name}:${partitionIndex}.`)
          : replicas === null
            ? giveUp(partition)
            : reassign(image, partition, replicas, allowReplicationFactorChange)
      if ('errorCode' in outcome) return { partitionIndex, ...outcome }
      if (outcome.changes) {
        records.push(partitionChange({ topicId: topic!.id, partitionId: partitionIndex }, version, outcome.changes))
      }
      return { partitionIndex, errorCode: ErrorCode.NONE, errorMessage: null }
    })
    return { name, partitions: results }
  })
  return { records, response: { errorCode: ErrorCode.NONE, errorMessage: null, responses } }
}

/** What a partition had before the reassignment began. */
export function replicasBefore({ replicas, addingReplicas }: PartitionImage): readonly number[] {
  return addingReplicas.length === 0 ? replicas : replicas.filter((id) => !addingReplicas.includes(id))
}

function isReassigning({ addingReplicas, removingReplicas }: PartitionImage): boolean {
  return addingReplicas.length + removingReplicas.length > 0
}

function giveUp(partition: PartitionImage): Outcome {
  if (!isReassigning(partition)) return { errorCode: ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, errorMessage: null }
  const changes = placed(partition, replicasBefore(partition))
  return changes
    ? { changes }
    : failed(ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'None of the replicas from before the reassignment is in sync')
}

function reassign(
  image: MetadataImage,
  partition: PartitionImage,
  target: readonly number[],
  allowReplicationFactorChange: boolean
): Outcome {
  const problem = assignmentProblem(image, target)
  if (problem) return problem
  const before = replicasBefore(partition)
  if (!allowReplicationFactorChange && target.length !== before.length) {
    return failed(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `The replication factor is changed from ${before.length} to ${target.length}, which the request does not allow`
    )
  }
  if (!isReassigning(partition) && sameOrder(target, partition.replicas)) return { changes: undefined }
  const adding = target.filter((id) => !before.includes(id))
  const removing = before.filter((id) => !target.includes(id))
  const done = adding.length === 0 ? placed(partition, target) : undefined
  if (done) return { changes: done }
  const replicas = [...target, ...removing]
  return {
    changes: {
      replicas,
      directories: directoriesFor(partition, replicas),
      addingReplicas: adding,
      removingReplicas: removing
    }
  }
}

/** The change that makes exactly `target` the replicas; undefined: none of them is in sync, so that it has to wait. */
function placed(partition: PartitionImage, target: readonly number[]): Partial<PartitionChange> | undefined {
  const isr = partition.isr.filter((id) => target.includes(id))
  const leader = target.includes(partition.leader) ? undefined : isr[0]
  // Of a partition without a leader nothing is in sync, and nothing is lost.
  if (leader === undefined && !target.includes(partition.leader) && partition.leader >= 0) return undefined
  return {
    replicas: target,
    directories: directoriesFor(partition, target),
    addingReplicas: NOTHING,
    removingReplicas: NOTHING,
    isr,
    ...(leader === undefined ? {} : { leader })
  }
}

function directoriesFor({ replicas, directories }: PartitionImage, wanted: readonly number[]): readonly string[] | null {
  if (directories.length === 0) return null
  return wanted.map((id) => directories[replicas.indexOf(id)] ?? ZERO_UUID)
}

function sameOrder(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((id, at) => id === right[at])
}
