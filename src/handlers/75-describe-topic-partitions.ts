/**
 * DescribeTopicPartitions: topics with their partitions, sorted by name, a bounded number of partitions at a time; a cursor says where the
 * next request goes on (KIP-966).
 *
 * Version notes: only v0 exists.
 */
import type { BrokerServices } from '../broker/services.js'
import type { TopicImage } from '../metadata/image.js'
import { topicNameProblem } from '../protocol/topic-name.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { describeTopicPartitions } from '../protocol/messages/75-describe-topic-partitions.js'
import { ZERO_UUID } from '../protocol/reader.js'
import type { InputOf } from '../protocol/schema.js'
import { offlineReplicas } from './03-metadata.js'
import { handler } from './handler.js'
import { ALL_TOPIC_OPERATIONS } from './operations.js'

type Response = InputOf<typeof describeTopicPartitions.response>
type TopicAnswer = Response['topics'][number]
type PartitionAnswer = TopicAnswer['partitions'][number]

export const describeTopicPartitionsHandler = handler({
  api: describeTopicPartitions,
  minVersion: 0,
  maxVersion: 0,
  handle({ topics, responsePartitionLimit, cursor }, _context, broker) {
    const { image } = broker.metadata
    const asked = topics.length > 0 ? topics.map(({ name }) => name) : [...image.topics()].map(({ name }) => name)
    // Of named topics the cursor's must be one; of all it may be gone by now.
    if (cursor !== null && (cursor.partitionIndex < 0 || (topics.length > 0 && !asked.includes(cursor.topicName)))) {
      return { topics: topics.map(({ name }) => refused(name, ErrorCode.INVALID_REQUEST)) }
    }
    const names = [...new Set(asked)].filter((name) => cursor === null || name >= cursor.topicName).toSorted()
    let left = Math.max(1, Math.min(broker.config.get('max.request.partition.size.limit'), responsePartitionLimit))
    const answers: TopicAnswer[] = []
    for (const name of names) {
      if (left === 0) return { topics: answers, nextCursor: { topicName: name, partitionIndex: 0 } }
      const topic = image.topicByName(name)
      if (topic === undefined) {
        answers.push(
          unknown(name, topicNameProblem(name) === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION)
        )
        continue
      }
      const first = cursor?.topicName === name ? cursor.partitionIndex : 0
      const end = Math.min(topic.partitions.length, first + left)
      answers.push(describe(topic, first, end, broker))
      left -= Math.max(0, end - first)
      if (end < topic.partitions.length) return { topics: answers, nextCursor: { topicName: name, partitionIndex: end } }
    }
    return { topics: answers, nextCursor: null }
  },
  failed: ({ topics }, errorCode) => ({ topics: topics.map(({ name }) => refused(name, errorCode)) })
})

function describe(topic: TopicImage, first: number, end: number, broker: BrokerServices): TopicAnswer {
  const partitions: PartitionAnswer[] = []
  for (let index = first; index < end; index++) {
    const { replicas, isr, leader, leaderEpoch, eligibleLeaderReplicas, lastKnownElr } = topic.partitions[index]!
    const serving = leader >= 0 && (leader !== broker.nodeId || broker.replicas.partition(topic.name, index) !== undefined)
    partitions.push({
      errorCode: serving ? ErrorCode.NONE : ErrorCode.LEADER_NOT_AVAILABLE,
      partitionIndex: index,
      leaderId: serving ? leader : -1,
      leaderEpoch,
      replicaNodes: replicas,
      isrNodes: isr,
      eligibleLeaderReplicas,
      lastKnownElr,
      offlineReplicas: offlineReplicas(broker, topic.name, index, replicas)
    })
  }
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: broker.isInternal(topic.name),
    partitions,
    topicAuthorizedOperations: ALL_TOPIC_OPERATIONS
  }
}

/** Of a request that fails as a whole. */
function refused(name: string, errorCode: number): TopicAnswer {
  return { errorCode, name, topicId: ZERO_UUID, partitions: [] }
}

function unknown(name: string, errorCode: number): TopicAnswer {
  return { errorCode, name, topicId: ZERO_UUID, partitions: [], topicAuthorizedOperations: ALL_TOPIC_OPERATIONS }
}
