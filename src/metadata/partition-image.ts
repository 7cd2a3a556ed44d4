/** The state of one partition. Values are replaced, never changed in place. */
import { recordVersions } from './features.js'
import { NO_LEADER_CHANGE, RecordType, type PartitionChange, type PartitionFields, type PartitionRecord } from './records.js'

export interface PartitionImage {
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly removingReplicas: readonly number[]
  readonly addingReplicas: readonly number[]
  /** -1: none. */
  readonly leader: number
  /** Rises with every election. */
  readonly leaderEpoch: number
  /** Rises with every change. */
  readonly partitionEpoch: number
  /** 1 after an unclean election, until the leader has recovered. */
  readonly leaderRecoveryState: number
  /** The log directory of each replica, as `replicas`. Empty: not known. */
  readonly directories: readonly string[]
  readonly eligibleLeaderReplicas: readonly number[]
  readonly lastKnownElr: readonly number[]
}

// Ten thousand partitions share the empty list, and the ISR is nearly always the replicas.
const NONE: readonly never[] = []
const few = <T>(list: readonly T[] | null | undefined): readonly T[] =>
  list === null || list === undefined || list.length === 0 ? NONE : list

function equal(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((id, index) => id === right[index])
}

export function newPartition(fields: PartitionFields): PartitionImage {
  return {
    replicas: fields.replicas,
    isr: equal(fields.isr, fields.replicas) ? fields.replicas : fields.isr,
    removingReplicas: few(fields.removingReplicas),
    addingReplicas: few(fields.addingReplicas),
    leader: fields.leader,
    leaderEpoch: fields.leaderEpoch,
    partitionEpoch: fields.partitionEpoch,
    leaderRecoveryState: fields.leaderRecoveryState,
    directories: few(fields.directories),
    eligibleLeaderReplicas: few(fields.eligibleLeaderReplicas),
    lastKnownElr: few(fields.lastKnownElr)
  }
}

/** A record that names a leader is an election, also when it names the same: the epoch rises. */
export function changedPartition(before: PartitionImage, change: PartitionChange): PartitionImage {
  const elected = change.leader !== NO_LEADER_CHANGE
  return {
    replicas: change.replicas ?? before.replicas,
    isr: change.isr ?? before.isr,
    removingReplicas: few(change.removingReplicas ?? before.removingReplicas),
    addingReplicas: few(change.addingReplicas ?? before.addingReplicas),
    leader: elected ? change.leader : before.leader,
    leaderEpoch: elected ? before.leaderEpoch + 1 : before.leaderEpoch,
    partitionEpoch: before.partitionEpoch + 1,
    leaderRecoveryState: change.leaderRecoveryState < 0 ? before.leaderRecoveryState : change.leaderRecoveryState,
    directories: few(change.directories ?? before.directories),
    eligibleLeaderReplicas: few(change.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas),
    lastKnownElr: few(change.lastKnownElr ?? before.lastKnownElr)
  }
}

export function partitionRecord(topicId: string, partitionId: number, partition: PartitionImage, metadataVersion: number): PartitionRecord {
  const version = recordVersions.partition(metadataVersion)
  const { eligibleLeaderReplicas: elr, lastKnownElr, directories, ...rest } = partition
  return {
    type: RecordType.partition,
    version,
    data: {
      ...rest,
      topicId,
      partitionId,
      directories: version >= 1 ? directories : [],
      eligibleLeaderReplicas: version >= 2 && elr.length > 0 ? elr : null,
      lastKnownElr: version >= 2 && lastKnownElr.length > 0 ? lastKnownElr : null
    }
  }
}
