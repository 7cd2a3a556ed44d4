/** The topics in which coordinators keep their state: made when the first client looks for its coordinator. */
import type { BrokerConfig } from '../config/broker-config.js'
import type { ControllerClient, CreatableTopic } from '../metadata/controller-client.js'
import type { MetadataSource } from '../metadata/metadata-source.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { GROUP_TOPIC } from './group/group-coordinator.js'
import { TRANSACTION_TOPIC } from './transaction/transaction-coordinator.js'

export interface InternalTopicServices {
  readonly metadata: MetadataSource
  readonly controller: ControllerClient
  readonly config: BrokerConfig
}

/**
 * Makes the topic if it does not exist. Resolved: NONE, and the metadata has it; or why it could not be made. Topics whose coordinator does
 * not exist in this broker are not made: COORDINATOR_NOT_AVAILABLE.
 */
export async function createInternalTopic(name: string, services: InternalTopicServices): Promise<number> {
  if (services.metadata.image.topicByName(name)) return ErrorCode.NONE
  const topic = name === GROUP_TOPIC ? groupTopic(services) : name === TRANSACTION_TOPIC ? transactionTopic(services) : undefined
  if (topic === undefined) return ErrorCode.COORDINATOR_NOT_AVAILABLE
  const [created] = await services.controller.createTopics([topic], false)
  const errorCode = created?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR
  // Somebody else may have been quicker.
  return errorCode === ErrorCode.TOPIC_ALREADY_EXISTS ? ErrorCode.NONE : errorCode
}

/**
 * Apache Kafka makes such a topic only when there are as many brokers as its replication factor (default 3) says: one broker alone cannot
 * serve groups until the setting is changed. Here the factor is capped at the number of live brokers, so that a single node works as it comes.
 */
function replicas({ metadata }: InternalTopicServices, wanted: number): number {
  let liveBrokers = 0
  for (const { fenced } of metadata.image.brokers()) if (!fenced) liveBrokers++
  return Math.max(1, Math.min(wanted, liveBrokers))
}

function groupTopic(services: InternalTopicServices): CreatableTopic {
  const { config } = services
  return {
    name: GROUP_TOPIC,
    numPartitions: config.get('offsets.topic.num.partitions'),
    replicationFactor: replicas(services, config.get('offsets.topic.replication.factor')),
    assignments: [],
    configs: [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'compression.type', value: 'producer' },
      { name: 'segment.bytes', value: String(config.get('offsets.topic.segment.bytes')) }
    ]
  }
}

function transactionTopic(services: InternalTopicServices): CreatableTopic {
  const { config } = services
  return {
    name: TRANSACTION_TOPIC,
    numPartitions: config.get('transaction.state.log.num.partitions'),
    replicationFactor: replicas(services, config.get('transaction.state.log.replication.factor')),
    assignments: [],
    configs: [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'compression.type', value: 'uncompressed' },
      { name: 'min.insync.replicas', value: String(config.get('transaction.state.log.min.isr')) },
      { name: 'segment.bytes', value: String(config.get('transaction.state.log.segment.bytes')) },
      { name: 'unclean.leader.election.enable', value: 'false' }
    ]
  }
}
