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
 * Registers the broker, alive from the start, and elects it for the partitions that it can lead. `offset` is the offset of the first record: the
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
  for (const topic of image.topics()) {
    for (const [index, partition] of topic.partitions.entries()) {
      const election = elect(topic, index, partition, brokerId, cleanStart, recordVersions.partition(metadataVersion))
      if (election) records.push(election)
    }
  }
  return records
}

/**
 * | leader before | clean start | then                                                             |
 * | ------------- | ----------- | ---------------------------------------------------------------- |
 * | us            | yes         | stays, at its epoch                                              |
 * | us            | no          | elected again: the log may have lost its end, the new epoch      |
 * |               |             | lets readers find out (KIP-320)                                  |
 * | none          | any         | elected if in the ISR, among the eligible replicas (KIP-966: a   |
 * |               |             | clean stop of Kafka leaves the last one there), or the only one  |
 * | another       | any         | stays                                                            |
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
  if (leader === brokerId) return cleanStart ? undefined : partitionChange(id, version, { leader: brokerId })
  if (leader !== NO_LEADER || !replicas.includes(brokerId)) return undefined
  if (!isr.includes(brokerId) && !elr.includes(brokerId) && replicas.length > 1) return undefined
  const clearElr = version >= 2 && elr.length + lastKnownElr.length > 0
  return partitionChange(id, version, {
    leader: brokerId,
    ...(isr.includes(brokerId) ? {} : { isr: [brokerId] }),
    ...(clearElr ? { eligibleLeaderReplicas: [], lastKnownElr: [] } : {})
  })
}
