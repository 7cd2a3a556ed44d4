/** Where the replicas of a broker are: in which of its log directories (KIP-858). */
import { ErrorCode } from '../../protocol/error-codes.js'
import { ZERO_UUID } from '../../protocol/reader.js'
import type { ControllerError, ReplicaDirectory } from '../controller-client.js'
import { recordVersions } from '../features.js'
import type { MetadataImage } from '../image.js'
import type { PartitionImage } from '../partition-image.js'
import { partitionChange, type MetadataRecord } from '../records.js'
import type { ControllerState, Step } from './step.js'

/** The directory of a broker's replica; the zero id when it is not known, undefined when the broker has none. */
export function directoryOf({ replicas, directories }: PartitionImage, brokerId: number): string | undefined {
  const at = replicas.indexOf(brokerId)
  return at < 0 ? undefined : (directories[at] ?? ZERO_UUID)
}

/** What does not exist any more is left out: it may have been deleted since the broker asked. */
export function assignReplicas(
  { image }: ControllerState,
  brokerId: number,
  assignments: readonly ReplicaDirectory[]
): Step<ControllerError> {
  const version = recordVersions.partition(image.features.metadataVersion)
  const response = { errorCode: ErrorCode.NONE, errorMessage: null }
  // Before 3.7-IV2 nothing is said of directories.
  if (version < 1) return { records: [], response }
  return { records: assignments.flatMap((one) => assign(image, brokerId, one, version)), response }
}

function assign(image: MetadataImage, brokerId: number, assignment: ReplicaDirectory, version: number): MetadataRecord[] {
  const { topicId, partitionId, directoryId } = assignment
  const partition = image.topicById(topicId)?.partitions[partitionId]
  if (partition === undefined) return []
  const known = directoryOf(partition, brokerId)
  if (known === undefined || known === directoryId) return []
  const directories = partition.replicas.map((id, at) => (id === brokerId ? directoryId : (partition.directories[at] ?? ZERO_UUID)))
  return [partitionChange({ topicId, partitionId }, version, { directories })]
}
