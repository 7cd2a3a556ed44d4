/** What the state machine of transactions wants of the rest of the world: that the ends of transactions get into their partitions. */
import type { PartitionSet } from './transaction-metadata.js'

/** The end of a transaction, as a control record tells it. */
export interface Marker {
  readonly producerId: number
  readonly producerEpoch: number
  readonly commit: boolean
  /** The leader epoch of the coordinator's partition: one that has been replaced can't end anything any more. */
  readonly coordinatorEpoch: number
  /** Of the producer's transaction: 2 asks for an epoch that is new to the partition (KIP-890). */
  readonly transactionVersion: number
}

/** The markers of one transaction. The object stands for this ending and no other. */
export interface MarkerJob extends Marker {
  readonly transactionalId: string
  readonly partitions: PartitionSet
  /** Of `__transaction_state`. */
  readonly coordinatorPartition: number
}

export interface TransactionMarkers {
  /**
   * Begins to write the markers, and goes on until each is written or its partition is gone; then the coordinator's `markersWritten` is called, in
   * a later turn. Gives up an earlier job of the same transactional id.
   */
  write(job: MarkerJob): void
}
