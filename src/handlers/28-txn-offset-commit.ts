/**
 * TxnOffsetCommit: offsets of a group as part of a producer's transaction. They count when it is committed.
 *
 * Version notes: v2 leader epochs. v3 member and generation, which are checked (KIP-447); flexible. v4 TRANSACTION_ABORTABLE. v5 adds the group to the
 * transaction by itself (KIP-890).
 */
import { admit } from '../broker/transaction-admission.js'
import type { BrokerServices } from '../broker/services.js'
import { GROUP_TOPIC } from '../coordinator/group/group-coordinator.js'
import type { TopicErrors } from '../coordinator/group/messages.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { txnOffsetCommit } from '../protocol/messages/28-txn-offset-commit.js'
import type { MessageOf } from '../protocol/schema.js'
import { handler } from './handler.js'

type Request = MessageOf<typeof txnOffsetCommit.request>

const FIRST_VERSION_WITH_ABORTABLE = 4
const FIRST_VERSION_THAT_ADDS = 5

export const txnOffsetCommitHandler = handler({
  api: txnOffsetCommit,
  minVersion: 0,
  maxVersion: 5,
  parks: true,
  async handle(request, { apiVersion }, broker) {
    const known = existing(request, broker)
    if (known.length === 0) return respond(request, known, ErrorCode.NONE, [])
    if (request.groupId === '') return respond(request, known, ErrorCode.INVALID_GROUP_ID, [])
    const place = [GROUP_TOPIC, broker.groups.partitionFor(request.groupId)] as const
    const admission = await admit(broker, {
      ...request,
      places: [place],
      adds: apiVersion >= FIRST_VERSION_THAT_ADDS,
      knowsAbortable: apiVersion >= FIRST_VERSION_WITH_ABORTABLE
    })
    const refused = admission(...place)
    if (refused !== ErrorCode.NONE) return respond(request, known, refused, [])
    const { errorCode, topics } = await broker.groups.commitTransactionalOffsets({
      groupId: request.groupId,
      generationId: request.generationIdOrMemberEpoch,
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      retentionTimeMs: -1,
      producerId: request.producerId,
      producerEpoch: request.producerEpoch,
      topics: known
    })
    return respond(request, known, errorCode, topics)
  },
  failed: (request, errorCode) => respond(request, request.topics, errorCode, [])
})

/** What exists of the request, topic for topic where anything does. */
function existing(request: Request, { metadata }: BrokerServices) {
  return request.topics.flatMap(({ name, partitions }) => {
    const topic = metadata.image.topicByName(name)
    const known = partitions.filter(({ partitionIndex }) => topic?.partitions[partitionIndex] !== undefined)
    return topic && known.length > 0 ? [{ name, topicId: topic.id, partitions: known }] : []
  })
}

/** Answers in the order of the request: what does not exist is unknown, the rest as the group says, or all with `errorCode`. */
function respond(
  request: Request,
  known: readonly { readonly partitions: Request['topics'][number]['partitions'] }[],
  errorCode: number,
  answers: readonly TopicErrors[]
) {
  const errors = new Map<object, number>()
  for (const [at, { partitions }] of known.entries())
    for (const [index, partition] of partitions.entries()) errors.set(partition, answers[at]?.partitions[index]?.errorCode ?? errorCode)
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => ({
        partitionIndex: partition.partitionIndex,
        errorCode: errors.get(partition) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      }))
    }))
  }
}
