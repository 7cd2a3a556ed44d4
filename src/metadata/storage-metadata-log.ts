/** The metadata log over the storage engine: `__cluster_metadata-0` is a log like any other, whose batches the controller stamps itself. */
import { StorageError } from '../errors.js'
import type { Runtime } from '../native/runtime.js'
import { ErrorCode } from '../protocol/error-codes.js'
import type { Log } from '../storage/log.js'
import type { MetadataLog } from './metadata-log.js'

export const METADATA_TOPIC = '__cluster_metadata'
/** Kafka's fixed id of the topic. */
export const METADATA_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

export class StorageMetadataLog implements MetadataLog {
  readonly #log: Log
  readonly #runtime: Runtime
  #epoch = 0

  constructor(log: Log, runtime: Runtime) {
    this.#log = log
    this.#runtime = runtime
  }

  get endOffset(): number {
    return this.#log.endOffset
  }

  becomeLeader(epoch: number): void {
    this.#epoch = epoch
    this.#log.becomeLeader(epoch)
  }

  async append(batch: Buffer): Promise<void> {
    const frame = this.#runtime.frameFrom(batch)
    try {
      const result = await this.#log.append({ frame, offset: 0, length: batch.length, origin: 'replication', leaderEpoch: this.#epoch })
      if (result.errorCode !== ErrorCode.NONE) throw new StorageError('EIO', this.#log.folder, result.errorMessage ?? undefined)
    } finally {
      this.#runtime.release(frame)
    }
  }

  flush(): Promise<void> {
    return this.#log.flush()
  }

  roll(): void {
    this.#log.roll()
  }

  async trim(offset: number): Promise<void> {
    await this.#log.deleteRecordsBefore(offset)
    await this.#log.applyRetention()
  }

  /** The log belongs to the log manager, which closes it. */
  async close(): Promise<void> {
    await this.#log.whenIdle()
  }
}
