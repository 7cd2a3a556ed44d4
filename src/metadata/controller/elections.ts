/** ElectLeaders: the preferred leader of a partition, or any replica that is alive at the price of records (KIP-460). */
import { ErrorCode } from '../../protocol/error-codes.js'
import { ElectionType, type Elections, type ElectedTopic, type PartitionResult } from '../admin-client.js'
import { recordVersions } from '../features.js'
import type { MetadataImage, PartitionImage, TopicImage } from '../image.js'
import { NO_LEADER, partitionChange, type MetadataRecord } from '../records.js'
import { failed } from './placement.js'
import type { ControllerState, Step } from './step.js'

/** A leader after an unclean election may have lost records. */
const RECOVERING = 1

interface Election {
  readonly result: PartitionResult
  readonly records: readonly MetadataRecord[]
}

type Wanted = readonly { readonly topic: string; readonly partitions: readonly number[] }[]

export function electLeaders({ image }: ControllerState, type: number, topics: Wanted | null): Step<Elections> {
  if (type !== ElectionType.preferred && type !== ElectionType.unclean) {
    const problem = failed(ErrorCode.INVALID_REQUEST, `Unknown election type: ${type}`)
    const replicaElectionResults = (topics ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, ...problem }))
    }))
    return { records: [], response: { errorCode: problem.errorCode, replicaElectionResults } }
  }
  const records: MetadataRecord[] = []
  const replicaElectionResults: ElectedTopic[] = []
  const all = topics === null
  const wanted = topics ?? [...image.topics()].map(({ name, partitions }) => ({ topic: name, partitions: [...partitions.keys()] }))
  for (const { topic, partitions } of wanted) {
    const elections = partitions.map((id) => elect(image, type, topic, id))
    for (const election of elections) records.push(...election.records)
    const results = elections.map(({ result }) => result)
    const partitionResult = all ? results.filter(({ errorCode }) => errorCode !== ErrorCode.ELECTION_NOT_NEEDED) : results
    replicaElectionResults.push({ topic, partitionResult })
  }
  return { records, response: { errorCode: ErrorCode.NONE, replicaElectionResults } }
}

function elect(image: MetadataImage, type: number, name: string, partitionId: number): Election {
  const none = (errorCode: number, message: string): Election => ({ result: { partitionId, ...failed(errorCode, message) }, records: [] })
  const topic = image.topicByName(name)
  if (!topic) return none(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `No such topic as ${name}`)
  const partition = topic.partitions[partitionId]
  if (!partition) return none(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `No such partition as ${name}-${partitionId}`)
  const preferred = partition.replicas[0]!
  const needed = type === ElectionType.preferred ? partition.leader !== preferred : partition.leader === NO_LEADER
  if (!needed) return none(ErrorCode.ELECTION_NOT_NEEDED, 'Leader election not needed for topic partition.')
  const change =
    type === ElectionType.preferred ? electPreferred(image, topic, partition, partitionId) : electAny(image, topic, partition, partitionId)
  if (change) return { result: { partitionId, errorCode: ErrorCode.NONE, errorMessage: null }, records: [change] }
  return type === ElectionType.preferred
    ? none(ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE, 'The preferred leader was not available.')
    : none(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE, 'No eligible leaders are available for the partition.')
}

function isAlive(image: MetadataImage, id: number): boolean {
  const broker = image.broker(id)
  return broker !== undefined && !broker.fenced && !broker.inControlledShutdown
}

function electPreferred(image: MetadataImage, topic: TopicImage, { replicas, isr }: PartitionImage, partitionId: number) {
  const preferred = replicas[0]!
  if (!isr.includes(preferred) || !isAlive(image, preferred)) return undefined
  const version = recordVersions.partition(image.features.metadataVersion)
  return partitionChange({ topicId: topic.id, partitionId }, version, { leader: preferred })
}

/** One that is in sync, or eligible (KIP-966), loses nothing; any other does. */
function electAny(image: MetadataImage, topic: TopicImage, partition: PartitionImage, partitionId: number) {
  const { replicas, isr, eligibleLeaderReplicas: elr, lastKnownElr } = partition
  const safe = [...isr, ...elr].find((id) => isAlive(image, id))
  const leader = safe ?? replicas.find((id) => isAlive(image, id))
  if (leader === undefined) return undefined
  const version = recordVersions.partition(image.features.metadataVersion)
  const clearElr = version >= 2 && elr.length + lastKnownElr.length > 0
  return partitionChange({ topicId: topic.id, partitionId }, version, {
    leader,
    isr: safe === undefined || !isr.includes(leader) ? [leader] : null,
    ...(safe === undefined ? { leaderRecoveryState: RECOVERING } : {}),
    ...(clearElr ? { eligibleLeaderReplicas: [], lastKnownElr: [] } : {})
  })
}
