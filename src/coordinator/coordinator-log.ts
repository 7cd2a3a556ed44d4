/**
 * What a coordinator needs of its topic's log. The coordinator decides about records and order; the implementation about batches, epochs
 * and files.
 */

/** Key and value as stored; a null value is a tombstone. */
export interface EncodedRecord {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

export interface CoordinatorAppendResult {
  /** 0, or why nothing of these records was written. */
  readonly errorCode: number
  /** Of the last record; -1 on error. */
  readonly lastOffset: number
}

/** Whose transaction records belong to. */
export interface TransactionalProducer {
  readonly producerId: number
  readonly producerEpoch: number
}

/** Called in the order of the log. The arrays are valid only during the call. */
export interface RecordVisitor {
  /** `producerId` is -1 unless the record belongs to a transaction. */
  record(key: Uint8Array, value: Uint8Array | null, offset: number, producerId: number): void
  /** The end of a transaction. */
  marker(producerId: number, committed: boolean): void
}

export interface CoordinatorLog {
  /** The largest batch that `append` takes now, in bytes as stored. */
  maxBatchBytes(partition: number): number
  /**
   * Writes the records as one batch behind all appended before. Never rejects. Resolved without error: readers of this log see them (with
   * replication: they are committed). After a failure everything appended behind has failed as well. `producer`: they are part of its
   * transaction.
   */
  append(partition: number, records: readonly EncodedRecord[], producer?: TransactionalProducer): Promise<CoordinatorAppendResult>
  /** The error that `append` would give for this producer if it were asked now: it is fenced by a later epoch. */
  checkProducer(partition: number, producer: TransactionalProducer): number
  /** Reads the partition from its start to the end it has now, in bounded pieces. Rejects with a StorageError or WireError. */
  load(partition: number, visitor: RecordVisitor): Promise<void>
}
