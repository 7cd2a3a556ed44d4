/**
 * Topics of folders in which no metadata log has begun: a program has filled them with `sluice/storage`, which knows none. They become this broker's; of no topic
 * they would be set aside, as what is left of a deleted one.
 */
import path from 'node:path'
import type { Logger } from '../log.js'
import { describePartition, type DescribedPartition } from '../storage/mirror.js'
import { partitionFolder } from '../storage/names.js'
import { isFolder } from '../storage/partition-folder.js'
import { topicRecords } from './folder-metadata.js'
import type { MetadataRecord } from './records.js'

export interface FoundTopicsOptions {
  readonly logs: {
    partitions(): Iterable<{ readonly topic: string; readonly partition: number }>
    dirOf(topic: string, partition: number): { readonly path: string } | undefined
  }
  readonly nodeId: number
  readonly newUuid: () => string
  readonly log: Logger
}

/** Of topics that have all partitions from 0 on. Rejects with a StorageError. */
export async function foundTopics({ logs, log, ...options }: FoundTopicsOptions): Promise<MetadataRecord[]> {
  const topics = new Map<string, DescribedPartition[]>()
  for (const { topic, partition } of logs.partitions()) {
    const folder = path.join(logs.dirOf(topic, partition)!.path, partitionFolder(topic, partition))
    if (!(await isFolder(folder))) continue
    topics.set(topic, [...(topics.get(topic) ?? []), { topic, partition, ...(await describePartition(folder, log)) }])
  }
  const records: MetadataRecord[] = []
  for (const [name, found] of topics) {
    if (found.some(({ partition }) => partition >= found.length)) continue
    log.info(`${name}, with ${found.length} partitions, was found without metadata, and is a topic of this broker from now on`)
    records.push(...topicRecords(name, found, undefined, { ...options, completed: new Set() }))
  }
  return records
}
