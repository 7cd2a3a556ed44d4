/** What a node writes when it becomes the only controller and broker: feature levels, its registration, elections. */
import { ResourceType } from '../config-image.js'
import { BOOTSTRAP_LEVELS, recordVersions, SUPPORTED_FEATURES } from '../features.js'
import type { MetadataImage, PartitionImage, TopicImage } from '../image.js'
import { NO_LEADER, partitionChange, RecordType, type Endpoint, type MetadataRecord } from '../records.js'
import { configRecord } from './configs.js'

export interface Registration {
  readonly brokerId: number
  /** Random, new for each run of the process. */
  readonly incarnationId: string
  readonly endpoints: readonly Endpoint[]
  readonly rack: string | null
  /** Directory ids of the log directories that are online. */
  readonly logDirs: readonly string[]
  /** The logs are as the last run left them: leaders may stay at their epoch. */
  readonly cleanStart: boolean
}

/** The records of a new cluster, as a formatted node of Kafka has them. */
export function bootstrapRecords(minInsyncReplicas: string): MetadataRecord[] {
  const levels = BOOTSTRAP_LEVELS.map(([name, featureLevel]): MetadataRecord => ({
    type: RecordType.featureLevel,
    version: 0,
    data: { name, featureLevel }
  }))
  // KIP-966: with eligible leader replicas the minimum is one of the cluster, so that all brokers agree on it.
  return [...levels, configRecord(ResourceType.broker, '', 'min.insync.replicas', minInsyncReplicas)]
}

/**
 * Registers the broker, alive from the start, fences all others, and elects it for the partitions that it can lead. `offset` is the offset of the first record: the
 * broker's epoch.
 */
export function registrationRecords(image: MetadataImage, registration: Registration, offset: number): MetadataRecord[] {
  const { brokerId, incarnationId, endpoints, rack, logDirs, cleanStart } = registration
  const { metadataVersion } = image.features
  const version = recordVersions.registerBroker(metadataVersion)
  const records: MetadataRecord[] = [
    {
      type: RecordType.registerBroker,
      version,
      data: {
        brokerId,
        incarnationId,
        brokerEpoch: offset,
        isMigratingZkBroker: false,
        endPoints: endpoints,
        features: SUPPORTED_FEATURES,
        rack,
        fenced: true,
        inControlledShutdown: false,
        logDirs: version >= 3 ? logDirs : [],
        cordonedLogDirs: null
      }
    },
    {
      type: RecordType.brokerRegistrationChange,
      version: 0,
      data: { brokerId, brokerEpoch: offset, fenced: -1, inControlledShutdown: 0, logDirs: [], cordonedLogDirs: null }
    }
  ]
  for (const other of image.brokers()) {
    if (other.id === brokerId || other.fenced) continue
    const gone = { brokerId: other.id, brokerEpoch: other.epoch, fenced: 1, inControlledShutdown: 0, logDirs: [], cordonedLogDirs: null }
    records.push({ type: RecordType.brokerRegistrationChange, version: 0, data: gone })
  }
  for (const topic of image.topics()) {
    for (const [index, partition] of topic.partitions.entries()) {
      const election = elect(topic, index, partition, brokerId, cleanStart, recordVersions.partition(metadataVersion))
      if (election) records.push(election)
    }
  }
  return records
}

/**
 * Nobody else is there. An election makes the epoch rise and the ISR this broker alone.
 *
 * | leader before | clean start | then                                                                              |
 * | ------------- | ----------- | --------------------------------------------------------------------------------- |
 * | us            | yes         | stays, at its epoch                                                               |
 * | us            | no          | elected again: the log may have lost its end, a new epoch lets readers find out   |
 * |               |             | (KIP-320)                                                                         |
 * | another, none | any         | elected, if in the ISR, eligible (KIP-966: a clean stop of Kafka leaves the last  |
 * |               |             | one there) or the only replica; else there is none                                |
 */
function elect(
  topic: TopicImage,
  partitionId: number,
  partition: PartitionImage,
  brokerId: number,
  cleanStart: boolean,
  version: number
): MetadataRecord | undefined {
  const { leader, isr, replicas, eligibleLeaderReplicas: elr, lastKnownElr } = partition
  const id = { topicId: topic.id, partitionId }
  const alone = isr.length === 1 && isr[0] === brokerId
  if (leader === brokerId && cleanStart && alone) return undefined
  const electable = isr.includes(brokerId) || elr.includes(brokerId) || (replicas.length === 1 && replicas[0] === brokerId)
  if (!electable) return leader === NO_LEADER ? undefined : partitionChange(id, version, { leader: NO_LEADER })
  const clearElr = version >= 2 && elr.length + lastKnownElr.length > 0
  return partitionChange(id, version, {
    leader: brokerId,
    ...(alone ? {} : { isr: [brokerId] }),
    ...(clearElr ? { eligibleLeaderReplicas: [], lastKnownElr: [] } : {})
  })
}
