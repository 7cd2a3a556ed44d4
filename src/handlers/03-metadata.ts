/**
 * Metadata: brokers, topics, partitions. Makes topics that do not exist, when the client and `auto.create.topics.enable` allow it.
 *
 * Version notes: v0 an empty list asks for all topics; from v1 null does. v1 controller, rack, internal. v2 cluster id. v4 lets the client
 * forbid automatic creation. v7 leader epochs. v8 authorized operations. v9 flexible. v10 topic ids. v11 no cluster operations. v12 look-up by id. v13 a top-level error.
 */
import { endpointOf } from '../broker/endpoints.js'
import type { BrokerServices } from '../broker/services.js'
import { createInternalTopic } from '../coordinator/internal-topic.js'
import type { TopicImage } from '../metadata/image.js'
import { topicNameProblem } from '../protocol/topic-name.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { metadata } from '../protocol/messages/03-metadata.js'
import { ZERO_UUID } from '../protocol/reader.js'
import type { InputOf, MessageOf } from '../protocol/schema.js'
import { handler, type RequestContext } from './handler.js'
import { ALL_CLUSTER_OPERATIONS, ALL_TOPIC_OPERATIONS, OPERATIONS_NOT_ASKED } from './operations.js'

type Request = MessageOf<typeof metadata.request>
type TopicResponse = InputOf<typeof metadata.response>['topics'][number]

const FIRST_VERSION_WITH_IDS = 10
const FIRST_VERSION_BY_ID = 12

export const metadataHandler = handler({
  api: metadata,
  minVersion: 0,
  maxVersion: 13,
  async handle(request, context, broker) {
    if (asksByIdTooEarly(request, context)) return refused(request, ErrorCode.INVALID_REQUEST)
    const topics = await describeTopics(request, context, broker)
    const { image } = broker.metadata
    const brokers = []
    for (const { id, fenced, rack } of image.brokers()) {
      const endpoint = endpointOf(image, id, context.listenerName)
      if (!fenced && endpoint) brokers.push({ nodeId: id, host: endpoint.host, port: endpoint.port, rack })
    }
    return {
      brokers,
      clusterId: broker.clusterId,
      controllerId: broker.metadata.controllerId,
      topics,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? ALL_CLUSTER_OPERATIONS : OPERATIONS_NOT_ASKED
    }
  },
  failed: (_request, errorCode) => ({ brokers: [], topics: [], errorCode })
})

// The schema has ids before a broker looks at them.
function asksByIdTooEarly({ topics }: Request, { apiVersion }: RequestContext): boolean {
  if (topics === null || apiVersion < FIRST_VERSION_WITH_IDS || apiVersion >= FIRST_VERSION_BY_ID) return false
  return topics.some(({ name, topicId }) => name === null || topicId !== ZERO_UUID)
}

/** Of a request that fails as a whole. */
function refused({ topics }: Request, errorCode: number) {
  return { brokers: [], topics: (topics ?? []).map(({ name, topicId }) => unknown(name ?? '', topicId, errorCode)) }
}

async function describeTopics(request: Request, { apiVersion }: RequestContext, broker: BrokerServices): Promise<TopicResponse[]> {
  const { image } = broker.metadata
  const operations = request.includeTopicAuthorizedOperations ? ALL_TOPIC_OPERATIONS : OPERATIONS_NOT_ASKED
  if (request.topics === null || (apiVersion === 0 && request.topics.length === 0)) {
    return [...image.topics()].map((topic) => describe(topic, broker, operations))
  }
  // Who gives both means the id.
  const topics = request.topics.map(({ name, topicId }) => ({ name: topicId === ZERO_UUID ? name : null, topicId }))
  const missing = topics.flatMap(({ name }) => (name !== null && image.topicByName(name) === undefined ? [name] : []))
  const refused = missing.length === 0 ? new Map<string, number>() : await createMissing(missing, request.allowAutoTopicCreation, broker)
  return topics.map(({ name, topicId }) => {
    if (name === null) {
      const topic = image.topicById(topicId)
      return topic ? describe(topic, broker, operations) : unknown(null, topicId, ErrorCode.UNKNOWN_TOPIC_ID)
    }
    const topic = image.topicByName(name)
    return topic
      ? describe(topic, broker, operations)
      : unknown(name, ZERO_UUID, refused.get(name) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, operations)
  })
}

/** Returns, by name, why a topic could not be made. */
async function createMissing(names: readonly string[], allowed: boolean, broker: BrokerServices): Promise<Map<string, number>> {
  const refused = new Map<string, number>()
  const wanted: string[] = []
  for (const name of new Set(names)) {
    if (topicNameProblem(name) !== undefined) refused.set(name, ErrorCode.INVALID_TOPIC_EXCEPTION)
    else if (broker.isInternal(name)) {
      if (allowed) await createInternalTopic(name, broker)
    } else if (allowed && broker.config.get('auto.create.topics.enable')) wanted.push(name)
  }
  if (wanted.length > 0) {
    const topics = wanted.map((name) => ({ name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }))
    for (const { name, errorCode } of await broker.controller.createTopics(topics, false)) {
      // Another client may have been quicker: then it is there now.
      if (errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.TOPIC_ALREADY_EXISTS) refused.set(name, errorCode)
    }
  }
  return refused
}

function describe(topic: TopicImage, broker: BrokerServices, topicAuthorizedOperations: number): TopicResponse {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: broker.isInternal(topic.name),
    partitions: topic.partitions.map(({ replicas, isr, leader, leaderEpoch }, partitionIndex) => {
      const serving = (leader >= 0 && leader !== broker.nodeId) || broker.replicas.partition(topic.name, partitionIndex) !== undefined
      return {
        errorCode: serving ? ErrorCode.NONE : ErrorCode.LEADER_NOT_AVAILABLE,
        partitionIndex,
        leaderId: serving ? leader : -1,
        leaderEpoch,
        replicaNodes: replicas,
        isrNodes: isr,
        offlineReplicas: offlineReplicas(broker, topic.name, partitionIndex, replicas)
      }
    }),
    topicAuthorizedOperations
  }
}

/** Those of brokers that are not there, and ours when its log directory does not work. */
export function offlineReplicas(broker: BrokerServices, topic: string, index: number, replicas: readonly number[]): number[] {
  const { image } = broker.metadata
  return replicas.filter((id) => image.broker(id)?.fenced !== false || (id === broker.nodeId && broker.replicas.isOffline(topic, index)))
}

function unknown(name: string | null, topicId: string, errorCode: number, topicAuthorizedOperations = OPERATIONS_NOT_ASKED): TopicResponse {
  return { errorCode, name, topicId, isInternal: false, partitions: [], topicAuthorizedOperations }
}
