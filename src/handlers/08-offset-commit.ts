/**
 * OffsetCommit: a consumer, in a group or outside of one, stores how far it has come.
 *
 * Version notes: v2 to v4 ask for a retention of their own. v5 without it. v6 leader epochs. v7 static members. v8 flexible. v9 also for
 * consumer groups (KIP-848): GROUP_ID_NOT_FOUND. v10 topic ids, and no names.
 */
import type { BrokerServices } from '../broker/services.js'
import type { TopicErrors } from '../coordinator/group/messages.js'
import type { TopicImage } from '../metadata/image.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { offsetCommit } from '../protocol/messages/08-offset-commit.js'
import type { MessageOf } from '../protocol/schema.js'
import { handler } from './handler.js'

const FIRST_VERSION_OF_CONSUMER_GROUPS = 9
const FIRST_VERSION_WITH_TOPIC_IDS = 10

type TopicRequest = MessageOf<typeof offsetCommit.request>['topics'][number]

export const offsetCommitHandler = handler({
  api: offsetCommit,
  minVersion: 2,
  maxVersion: 10,
  async handle(request, { apiVersion }, broker) {
    const byId = apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS
    // Partitions that do not exist are answered here, the others by the group.
    const resolved = request.topics.map((topic) => resolve(topic, byId, broker))
    const known = resolved.flatMap(({ known }) => (known && known.partitions.length > 0 ? [known] : []))
    const answer = await broker.groups.commitOffsets(
      {
        groupId: request.groupId,
        generationId: request.generationIdOrMemberEpoch,
        memberId: request.memberId,
        groupInstanceId: request.groupInstanceId,
        retentionTimeMs: request.retentionTimeMs,
        topics: known
      },
      apiVersion >= FIRST_VERSION_OF_CONSUMER_GROUPS
    )
    const committed = new Map(answer.topics.map((topic, at) => [known[at], topic]))
    return { topics: resolved.map((topic) => respond(topic, answer.errorCode, topic.known && committed.get(topic.known))) }
  },
  failed: (request, errorCode) => ({
    topics: request.topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode }))
    }))
  })
})

interface Resolved {
  readonly asked: TopicRequest
  /** For partitions that do not exist. */
  readonly errorCode: number
  /** What exists of it. */
  readonly known: { readonly name: string; readonly topicId: string; readonly partitions: TopicRequest['partitions'] } | undefined
}

function resolve(asked: TopicRequest, byId: boolean, broker: BrokerServices): Resolved {
  const { image } = broker.metadata
  const topic: TopicImage | undefined = byId ? image.topicById(asked.topicId) : image.topicByName(asked.name)
  if (!topic) return { asked, errorCode: byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, known: undefined }
  const exists = ({ partitionIndex }: { partitionIndex: number }): boolean => topic.partitions[partitionIndex] !== undefined
  const partitions = asked.partitions.every(exists) ? asked.partitions : asked.partitions.filter(exists)
  return { asked, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, known: { name: topic.name, topicId: topic.id, partitions } }
}

/** Answers in the order of the request. */
function respond({ asked, errorCode, known }: Resolved, groupError: number, committed: TopicErrors | undefined) {
  if (committed && known?.partitions === asked.partitions)
    return { name: asked.name, topicId: asked.topicId, partitions: committed.partitions }
  const exists = new Set(known?.partitions)
  let next = 0
  const partitions = asked.partitions.map((partition) => {
    const { partitionIndex } = partition
    if (!exists.has(partition)) return { partitionIndex, errorCode }
    return { partitionIndex, errorCode: committed ? committed.partitions[next++]!.errorCode : groupError }
  })
  return { name: asked.name, topicId: asked.topicId, partitions }
}
