/**
 * The metadata of a broker that serves folders it did not write: their topics, led by this broker, whoever led them before. Ids, settings and
 * numbers of partitions come from the folders' own metadata log where there is one, else from the names of folders and their
 * `partition.metadata`. Written as the `bootstrap.checkpoint` of an empty metadata folder, with which the controller then begins.
 */
import path from 'node:path'
import { StorageError, WireError } from '../errors.js'
import type { Logger } from '../log.js'
import { ZERO_UUID } from '../protocol/reader.js'
import type { DescribedPartition } from '../storage/mirror.js'
import { ResourceType } from './config-image.js'
import { configRecord } from './controller/configs.js'
import { BOOTSTRAP_LEVELS, LATEST_METADATA_VERSION, recordVersions } from './features.js'
import { MetadataImage, type TopicImage } from './image.js'
import { loadMetadata } from './metadata-folder.js'
import { NO_LEADER, RecordType, type MetadataRecord } from './records.js'
import { encodeSnapshot, writeDurably } from './snapshot-file.js'

export interface FolderMetadataOptions {
  /** Where the checkpoint goes. */
  readonly dir: string
  readonly nodeId: number
  readonly partitions: readonly DescribedPartition[]
  /** The folder of a metadata log to be read; undefined: there is none. */
  readonly metadataFolder: string | undefined
  /** Topics whose missing partitions this broker makes, empty: those of coordinators. */
  readonly completed: ReadonlySet<string>
  readonly newUuid: () => string
  readonly log: Logger
}

const NAMES_SHOWN = 5

/** Rejects with a StorageError when the checkpoint can't be written. */
export async function writeFolderMetadata(options: FolderMetadataOptions): Promise<void> {
  const known = await readKnown(options)
  const image = new MetadataImage()
  for (const [name, featureLevel] of BOOTSTRAP_LEVELS)
    image.replay({ type: RecordType.featureLevel, version: 0, data: { name, featureLevel } })
  for (const [name, found] of byTopic(options.partitions)) {
    const before = known?.topicByName(name)
    for (const record of topicRecords(name, found, before, options)) image.replay(record)
    for (const [key, value] of known?.topicOverrides(name) ?? []) image.replay(configRecord(ResourceType.topic, name, key, value))
  }
  tellMissing(image, known, options)
  const nextProducerId = known?.nextProducerId ?? 0
  if (nextProducerId > 0)
    image.replay({ type: RecordType.producerIds, version: 0, data: { brokerId: -1, brokerEpoch: -1, nextProducerId } })
  const file = path.join(options.dir, 'bootstrap.checkpoint')
  try {
    await writeDurably(file, encodeSnapshot({ image, quorum: [], endOffset: 0, epoch: 0, lastTimestamp: 0, now: 0 }))
  } catch (error) {
    throw new StorageError((error as NodeJS.ErrnoException).code ?? 'EIO', file)
  }
}

// Of a copied cluster other brokers have partitions, and nobody misses them here. But one directory of several is soon forgotten.
function tellMissing(image: MetadataImage, known: MetadataImage | undefined, { nodeId, log }: FolderMetadataOptions): void {
  const missing: string[] = []
  for (const topic of [...image.topics(), ...(known?.topics() ?? [])]) {
    const isHere = image.topicByName(topic.name)
    if (isHere !== undefined && isHere !== topic) continue
    for (const [index, { replicas }] of topic.partitions.entries()) {
      if (isHere !== undefined && replicas.includes(nodeId)) continue
      const before = known?.topicByName(topic.name)?.partitions[index]
      if (before === undefined || before.replicas.includes(nodeId)) missing.push(`${topic.name}-${index}`)
    }
  }
  if (missing.length === 0) return
  const more = missing.length > NAMES_SHOWN ? ` and ${missing.length - NAMES_SHOWN} more` : ''
  const names = missing.slice(0, NAMES_SHOWN).join(', ')
  log.warn(`${names}${more}: in none of the folders, so not served; a broker that has several log.dirs may have them in another one`)
}

// Metadata that can't be read are told of; names and ids of topics stand in the folders too.
async function readKnown({ metadataFolder, log }: FolderMetadataOptions): Promise<MetadataImage | undefined> {
  if (metadataFolder === undefined) return undefined
  try {
    return (await loadMetadata(metadataFolder)).replayer.image
  } catch (error) {
    if (!(error instanceof WireError) && !(error instanceof StorageError)) throw error
    log.warn(`the metadata log is not used, and topics have no settings of their own: ${error.message}`)
    return undefined
  }
}

export function byTopic(partitions: readonly DescribedPartition[]): Map<string, DescribedPartition[]> {
  const topics = new Map<string, DescribedPartition[]>()
  for (const one of partitions) {
    const known = topics.get(one.topic)
    if (known === undefined) topics.set(one.topic, [one])
    else known.push(one)
  }
  return topics
}

/** `before`: what an earlier metadata log tells of the topic. */
export function* topicRecords(
  name: string,
  found: readonly DescribedPartition[],
  before: TopicImage | undefined,
  { nodeId, completed, newUuid }: Pick<FolderMetadataOptions, 'nodeId' | 'completed' | 'newUuid'>
): Generator<MetadataRecord> {
  const own = found.find(({ topicId }) => topicId !== ZERO_UUID)?.topicId
  // Of an earlier topic of the name: what is in the folders counts, for that is what is served.
  const same = before !== undefined && (own === undefined || own === before.id)
  const topicId = own ?? before?.id ?? newUuid()
  yield { type: RecordType.topic, version: 0, data: { name, topicId } }
  const epochs = new Map(found.map(({ partition, leaderEpoch }) => [partition, leaderEpoch]))
  const count = Math.max(same ? before.partitions.length : 0, ...found.map(({ partition }) => partition + 1))
  for (let partitionId = 0; partitionId < count; partitionId++) {
    const earlier = same ? before.partitions[partitionId] : undefined
    const served = epochs.has(partitionId) || completed.has(name)
    const others = (earlier?.replicas ?? []).filter((id) => id !== nodeId)
    // Of a partition that is not here it is known only that it exists.
    const replicas = served ? [nodeId] : others.length > 0 ? others : [nodeId + 1]
    yield {
      type: RecordType.partition,
      version: recordVersions.partition(LATEST_METADATA_VERSION),
      data: {
        partitionId,
        topicId,
        replicas,
        isr: replicas,
        removingReplicas: [],
        addingReplicas: [],
        leader: served ? nodeId : NO_LEADER,
        leaderRecoveryState: 0,
        leaderEpoch: Math.max(0, earlier?.leaderEpoch ?? 0, epochs.get(partitionId) ?? 0),
        partitionEpoch: 0,
        directories: [],
        eligibleLeaderReplicas: null,
        lastKnownElr: null
      }
    }
  }
}
