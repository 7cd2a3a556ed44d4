/** The log that the controller writes: `__cluster_metadata-0` of the data folder, or one in memory in tests. */
export interface MetadataLog {
  /** The offset that the next record gets. */
  readonly endOffset: number
  /** From now on batches carry this epoch. */
  becomeLeader(epoch: number): void
  /** Writes one batch whose base offset is `endOffset`. Rejects with a StorageError: then nothing of it is in the log. */
  append(batch: Buffer): Promise<void>
  /** Resolved: what was appended is durable. */
  flush(): Promise<void>
  /** A snapshot is made of all that was appended: what follows goes into a new segment. */
  roll(): void
  /** A snapshot holds what is below `offset`: whole segments of it may go. */
  trim(offset: number): Promise<void>
  close(): Promise<void>
}
