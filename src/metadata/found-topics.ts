/**
 * Topics of folders in which no metadata log has begun: a program has filled them with `sluice/storage`, which knows none. They become this broker's; of no topic
 * they would be set aside, as what is left of a deleted one.
 */
import type { Logger } from '../log.js'
import { describePartition, type DescribedPartition } from '../storage/mirror.js'
import { byTopic, topicRecords } from './folder-metadata.js'
import { RecordType, type MetadataRecord } from './records.js'
import { METADATA_TOPIC } from './storage-metadata-log.js'

export interface FoundLog {
  readonly folder: string
  /** Those of which the log has batches. */
  producers(): Iterable<{ readonly producerId: number }>
}

export interface FoundTopicsOptions {
  readonly logs: {
    partitions(): Iterable<{ readonly topic: string; readonly partition: number }>
    /** Resolves when it is recovered; undefined: there is none. Rejects with a StorageError. */
    whenReady(topic: string, partition: number): Promise<FoundLog | undefined>
  }
  /** Topics that a broker makes for itself, with settings that are not known here. */
  readonly internal: ReadonlySet<string>
  readonly nodeId: number
  readonly newUuid: () => string
  readonly log: Logger
}

/** Of topics that have all partitions from 0 on. Rejects with a StorageError. */
export async function foundTopics({ logs, internal, log, ...options }: FoundTopicsOptions): Promise<MetadataRecord[]> {
  const partitions: DescribedPartition[] = []
  let nextProducerId = 0
  for (const { topic, partition } of Array.from(logs.partitions())) {
    // A folder that Kafka has formatted holds that of the metadata log already.
    if (internal.has(topic) || topic === METADATA_TOPIC) continue
    const found = await logs.whenReady(topic, partition).catch(() => undefined)
    if (found === undefined) continue
    partitions.push({ topic, partition, ...(await describePartition(found.folder, log)) })
    for (const { producerId } of found.producers()) nextProducerId = Math.max(nextProducerId, producerId + 1)
  }
  const records: MetadataRecord[] = []
  for (const [name, found] of byTopic(partitions)) {
    if (found.some(({ partition }) => partition >= found.length)) continue
    log.info(`${name}, with ${found.length} partitions, was found without metadata, and is a topic of this broker from now on`)
    records.push(...topicRecords(name, found, undefined, { ...options, completed: new Set() }))
  }
  // The program chose the ids of its producers. A client that got one of them would have its first batches taken for repetitions.
  if (nextProducerId > 0)
    records.push({ type: RecordType.producerIds, version: 0, data: { brokerId: -1, brokerEpoch: -1, nextProducerId } })
  return records
}
