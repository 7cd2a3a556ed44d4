/** Which brokers hold the replicas of new partitions. */
import { ErrorCode } from '../../protocol/error-codes.js'
import type { ControllerError, PartitionAssignment } from '../controller-client.js'
import { recordVersions } from '../features.js'
import type { MetadataImage } from '../image.js'
import { RecordType, type PartitionRecord } from '../records.js'
import { ZERO_UUID } from '../../protocol/reader.js'

/** Replicas of each partition, the preferred leader first; or why there are none. */
export type Placement = { readonly replicas: readonly (readonly number[])[] } | ControllerError

export function failed(errorCode: number, errorMessage: string): ControllerError {
  return { errorCode, errorMessage }
}

/**
 * Spreads `count` partitions round-robin over the brokers that are alive: leaders in turn, followers on the next ones, with a shift that
 * grows by one each round so that the followers of one leader are spread as well. `first` is the index of the first new partition.
 */
export function place(image: MetadataImage, count: number, replicationFactor: number, first = 0): Placement {
  const registered = [...image.brokers()]
  const alive = registered.filter((broker) => !broker.fenced && !broker.inControlledShutdown).map((broker) => broker.id)
  if (replicationFactor > registered.length || alive.length === 0) {
    return failed(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `A replication factor of ${replicationFactor} cannot be reached: ${registered.length} broker(s) are registered, ${alive.length} alive`
    )
  }
  alive.sort((left, right) => left - right)
  const fenced = registered.filter((broker) => !alive.includes(broker.id)).map((broker) => broker.id)
  const replicas = Array.from({ length: count }, (_, at) => {
    const leader = (first + at) % alive.length
    const shift = Math.floor((first + at) / alive.length)
    const others = alive.length > 1 ? alive.length - 1 : 1
    const chosen = [alive[leader]!]
    for (let next = 0; chosen.length < replicationFactor && next < alive.length - 1; next++) {
      chosen.push(alive[(leader + 1 + ((shift + next) % others)) % alive.length]!)
    }
    return [...chosen, ...fenced.slice(0, replicationFactor - chosen.length)]
  })
  return { replicas }
}

/** Why `brokerIds` cannot be the replicas of a partition. `size`: how many there must be, if that is given. */
export function assignmentProblem(image: MetadataImage, brokerIds: readonly number[], size?: number): ControllerError | undefined {
  const invalid = (message: string): ControllerError => failed(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)
  if (brokerIds.length === 0) return invalid('The manual partition assignment includes an empty replica list')
  if (new Set(brokerIds).size !== brokerIds.length)
    return invalid(`The manual partition assignment names a broker twice: ${brokerIds.join(', ')}`)
  const unknown = brokerIds.find((id) => image.broker(id) === undefined)
  if (unknown !== undefined) return invalid(`The manual partition assignment includes broker ${unknown}, but no such broker is registered`)
  if (size !== undefined && size !== brokerIds.length) {
    return invalid(`The manual partition assignment has a partition with ${brokerIds.length} replica(s), where ${size} are needed`)
  }
  return undefined
}

/** Checks the assignments of a new topic: partitions 0, 1, 2 … each once, as many replicas everywhere. */
export function manualPlacement(image: MetadataImage, assignments: readonly PartitionAssignment[]): Placement {
  const replicas: (readonly number[])[] = []
  let size: number | undefined
  for (const { partitionIndex, brokerIds } of assignments) {
    if (replicas[partitionIndex] !== undefined) {
      return failed(ErrorCode.INVALID_REPLICA_ASSIGNMENT, `Found multiple manual partition assignments for partition ${partitionIndex}`)
    }
    if (partitionIndex < 0 || partitionIndex >= assignments.length) {
      return failed(ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'Partitions of a manual assignment must be a consecutive 0-based sequence')
    }
    const problem = assignmentProblem(image, brokerIds, size)
    if (problem) return problem
    size = brokerIds.length
    replicas[partitionIndex] = brokerIds
  }
  return { replicas }
}

/** The first leader is the first replica that is alive; only those are in sync. Undefined: none is alive. */
export function partitionRecord(
  image: MetadataImage,
  topicId: string,
  partitionId: number,
  replicas: readonly number[]
): PartitionRecord | undefined {
  const isr = replicas.filter((id) => image.broker(id)?.fenced === false && image.broker(id)?.inControlledShutdown === false)
  const leader = isr[0]
  if (leader === undefined) return undefined
  const version = recordVersions.partition(image.features.metadataVersion)
  return {
    type: RecordType.partition,
    version,
    data: {
      partitionId,
      topicId,
      replicas,
      isr,
      removingReplicas: [],
      addingReplicas: [],
      leader,
      leaderRecoveryState: 0,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: version >= 1 ? replicas.map((id) => onlyDirectory(image, id)) : [],
      eligibleLeaderReplicas: null,
      lastKnownElr: null
    }
  }
}

// KIP-858: a broker with one directory needs no word of where the replica is; with several it says so later (zero uuid: unassigned).
function onlyDirectory(image: MetadataImage, broker: number): string {
  const dirs = image.broker(broker)?.logDirs ?? []
  return dirs.length === 1 ? dirs[0]! : ZERO_UUID
}
