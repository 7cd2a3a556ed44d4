/** How a transaction ends in one of its partitions: a control batch through the ordinary append. */
import type { Clock } from '../clock.js'
import { GROUP_TOPIC, type GroupCoordinator } from '../coordinator/group/group-coordinator.js'
import type { Marker } from '../coordinator/transaction/markers.js'
import type { Frame } from '../native/runtime.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { endTransactionBatch } from '../record/index.js'
import type { ReplicaManager } from '../replication/replica-manager.js'

export interface TransactionEndServices {
  readonly replicas: ReplicaManager
  readonly groups: GroupCoordinator
  readonly clock: Clock
  readonly frames: { frameFrom(bytes: Uint8Array): Frame; release(frame: Frame): void }
}

/** From here on a marker must bring an epoch that is new to the partition. */
const EPOCH_RISES = 2

/** Never rejects. Resolved to NONE: the marker is written, and what it decides is in force. */
export async function endTransaction(services: TransactionEndServices, topic: string, index: number, marker: Marker): Promise<number> {
  const { replicas, groups, clock, frames } = services
  if (topic === GROUP_TOPIC) {
    for (let wait = groups.offsetsUnderWay(index, marker.producerId); wait; wait = groups.offsetsUnderWay(index, marker.producerId))
      await wait
  }
  const partition = replicas.partition(topic, index)
  if (partition === undefined) return replicas.whyMissing(topic, index)
  const known = partition.log.producer(marker.producerId)
  // Written before a crash, and now once more by the coordinator that does not know of it: no harm, as long as nothing is open.
  const again = known !== undefined && known.epoch === marker.producerEpoch && known.currentTxnFirstOffset < 0
  const batch = endTransactionBatch({ ...marker, timestamp: clock.now() })
  const frame = frames.frameFrom(batch)
  const appended = partition.append({
    frame,
    offset: 0,
    length: batch.length,
    origin: 'coordinator',
    transactionVersion: again ? Math.min(marker.transactionVersion, EPOCH_RISES - 1) : marker.transactionVersion
  })
  frames.release(frame)
  const { errorCode } = await appended
  if (errorCode === ErrorCode.NONE && topic === GROUP_TOPIC) {
    await groups.completeTransaction(index, marker.producerId, marker.producerEpoch, marker.commit)
  }
  return errorCode
}
