/** The metadata log over the storage engine: `__cluster_metadata-0` is a log like any other, whose batches the controller stamps itself. */
import type { BrokerConfig } from '../config/broker-config.js'
import { resolveTopicConfig, type TopicConfig } from '../config/topic-config.js'
import { StorageError } from '../errors.js'
import type { Runtime } from '../native/runtime.js'
import { ErrorCode } from '../protocol/error-codes.js'
import * as batch from '../record/batch.js'
import type { Log } from '../storage/log.js'
import type { LogManager } from '../storage/log-manager.js'
import type { MetadataLog } from './metadata-log.js'

export const METADATA_TOPIC = '__cluster_metadata'
/** Kafka's fixed id of the topic. */
export const METADATA_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

/** The metadata log has settings of its own, and never loses records but to a snapshot. */
export function metadataLogConfig(config: BrokerConfig): TopicConfig {
  const segmentBytes = config.get('internal.metadata.log.segment.bytes') ?? config.get('metadata.log.segment.bytes')
  return resolveTopicConfig(
    config,
    new Map([
      ['cleanup.policy', 'delete'],
      ['compression.type', 'producer'],
      ['message.timestamp.type', 'CreateTime'],
      ['internal.segment.bytes', String(segmentBytes)],
      ['segment.ms', String(config.get('metadata.log.segment.ms'))],
      ['retention.ms', '-1'],
      ['retention.bytes', '-1'],
      ['max.message.bytes', String(0x7fffffff)]
    ])
  )
}

/** The log in the directory `dir`; made where there is none. Rejects with a StorageError. */
export async function openMetadataLog(logs: LogManager, config: BrokerConfig, dir: string, runtime: Runtime): Promise<StorageMetadataLog> {
  const known = await logs.whenReady(METADATA_TOPIC, 0)
  const log = known ?? (await logs.create(METADATA_TOPIC, 0, METADATA_TOPIC_ID, metadataLogConfig(config), dir))
  return new StorageMetadataLog(log, runtime)
}

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

  /**
   * A segment begins only behind what is on the disk: else a power cut could leave it behind one whose end is lost, a gap that no start reads over.
   * What comes before a change is flushed with that change; but not what a start writes, nor the first batches of a change that takes several.
   */
  async append(bytes: Buffer): Promise<void> {
    if (this.#log.rollsFor(bytes.length, batch.lastOffset(bytes, 0), batch.maxTimestamp(bytes, 0))) await this.#log.flush()
    const frame = this.#runtime.frameFrom(bytes)
    try {
      const result = await this.#log.append({ frame, offset: 0, length: bytes.length, origin: 'replication', leaderEpoch: this.#epoch })
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
