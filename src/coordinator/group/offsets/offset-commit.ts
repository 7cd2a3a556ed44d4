/** OffsetCommit and OffsetDelete. */
import { Buffer } from 'node:buffer'
import { ErrorCode } from '../../../protocol/error-codes.js'
import { ClassicGroup, CONSUMER } from '../classic/group.js'
import type { Turn } from '../classic/rebalance.js'
import { keepSession } from '../classic/timers.js'
import { validateGeneration } from '../classic/validate.js'
import type { ConsumerGroup } from '../consumer/group.js'
import type { ConsumerMember } from '../consumer/member.js'
import type { TransactionalProducer } from '../../coordinator-log.js'
import type { OffsetCommitRequest, OffsetDeleteRequest, TopicErrors, TopicErrorsResponse, TxnOffsetCommitRequest } from '../messages.js'
import { fitsRecord } from '../storable.js'
import type { GroupConfig } from '../group-config.js'
import type { GroupRecord } from '../group-records.js'
import { deleteOffset } from './offset-expiry.js'
import type { OffsetStore } from './offset-store.js'

/** Of a record besides its names and metadata, and of the batch. */
const RECORD_BYTES = 64
const BATCH_BYTES = 61
/**
 * Where commits are compressed, Kafka measures the outcome. Here a commit may take several batches, none of which is too large even if nothing
 * is gained: what bounds it is only that one request must not write without end.
 */
const MOST_BATCHES_OF_COMMIT = 8
/** No character takes more in UTF-8. */
const MOST_BYTES_OF_UNIT = 3

/**
 * Commits offsets. `group` is undefined when nothing is known of it: a consumer without group management begins it with its first commit.
 * A request with a generation is refused then, in the way its version understands (`knowsGroupIdNotFound`: v9+).
 */
export function commitOffsets(
  turn: Turn,
  group: ClassicGroup | ConsumerGroup | undefined,
  request: OffsetCommitRequest,
  knowsGroupIdNotFound: boolean
): TopicErrorsResponse {
  const error = group ? validateAny(group, request, knowsGroupIdNotFound) : validateUnknownGroup(request, knowsGroupIdNotFound)
  if (error !== ErrorCode.NONE) return { errorCode: error, topics: [] }
  if (!fitsBatch(request, turn.config)) return { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, topics: [] }
  // A commit proves that the member lives.
  const member = group instanceof ClassicGroup ? group.members.get(request.memberId) : undefined
  if (group instanceof ClassicGroup && member) keepSession(turn.effects, group, member)
  return { errorCode: ErrorCode.NONE, topics: request.topics.map((topic) => commitTopic(turn, request, topic)) }
}

/**
 * Commits offsets as part of a transaction: they count when it is committed (KIP-98). A member is held to its generation as in a plain commit
 * (KIP-447), but may commit while its group completes a rebalance, and a producer that names no member may commit always.
 */
export function commitTransactionalOffsets(
  turn: Turn,
  group: ClassicGroup | ConsumerGroup | undefined,
  request: TxnOffsetCommitRequest
): TopicErrorsResponse {
  const error = group ? validateTransactional(group, request) : request.generationId < 0 ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION
  if (error !== ErrorCode.NONE) return { errorCode: error, topics: [] }
  if (!fitsBatch(request, turn.config)) return { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, topics: [] }
  const { producerId, producerEpoch } = request
  const producer = { producerId, producerEpoch }
  return { errorCode: ErrorCode.NONE, topics: request.topics.map((topic) => commitTopic(turn, request, topic, producer)) }
}

function validateTransactional(group: ClassicGroup | ConsumerGroup, request: TxnOffsetCommitRequest): number {
  const { memberId, groupInstanceId, generationId } = request
  const named = generationId >= 0 || memberId !== '' || groupInstanceId !== null
  if (!named) return ErrorCode.NONE
  if (!(group instanceof ClassicGroup)) {
    const error = validateConsumer(group, request, true)
    // Producers know generations only.
    return error === ErrorCode.STALE_MEMBER_EPOCH ? ErrorCode.ILLEGAL_GENERATION : error
  }
  if (generationId < 0 && group.state === 'Empty') return ErrorCode.NONE
  return validateGeneration(group, memberId, groupInstanceId, generationId)
}

/** What one request commits is written as one batch, as a rule, and what does not fit is answered as in Kafka. Each record repeats the group's id. */
function fitsBatch(request: OffsetCommitRequest, config: GroupConfig): boolean {
  const most = config.maxCommitBytes
  if (sizeOf(request, config, (text) => text.length * MOST_BYTES_OF_UNIT).bytes <= most) return true
  const { bytes, largest } = sizeOf(request, config, (text) => Buffer.byteLength(text))
  return bytes <= most || (config.compressesCommits && bytes <= most * MOST_BATCHES_OF_COMMIT && BATCH_BYTES + largest <= most)
}

/** Of the batch, and of its largest record. */
function sizeOf({ groupId, topics }: OffsetCommitRequest, config: GroupConfig, bytesOf: (text: string) => number) {
  let [bytes, largest] = [BATCH_BYTES, 0]
  for (const { name, partitions } of topics) {
    const each = RECORD_BYTES + bytesOf(groupId) + bytesOf(name)
    for (const { committedMetadata } of partitions) {
      const metadata = committedMetadata ?? ''
      if (!isStorable(metadata, config)) continue
      const record = each + bytesOf(metadata)
      bytes += record
      if (record > largest) largest = record
    }
  }
  return { bytes, largest }
}

function isStorable(metadata: string, { offsetMetadataMaxBytes }: GroupConfig): boolean {
  return metadata.length <= offsetMetadataMaxBytes && fitsRecord(metadata)
}

/** `modern`: the version is one in which members of the consumer protocol may commit (v9+). */
function validateAny(group: ClassicGroup | ConsumerGroup, request: OffsetCommitRequest, modern: boolean): number {
  return group instanceof ClassicGroup ? validateCommit(group, request) : validateConsumer(group, request, modern)
}

function validateConsumer(group: ConsumerGroup, { memberId, generationId, topics }: OffsetCommitRequest, modern: boolean): number {
  if (generationId < 0 && group.isEmpty) return ErrorCode.NONE
  const member = group.members.get(memberId)
  if (member && !member.classic && !modern) return ErrorCode.UNSUPPORTED_VERSION
  const owned = ({ assigned, revoking }: ConsumerMember): boolean =>
    topics.every(({ topicId, partitions }) =>
      partitions.every(({ partitionIndex }) => {
        const since = assigned.get(topicId)?.get(partitionIndex) ?? revoking.get(topicId)?.get(partitionIndex)
        return since !== undefined && since <= generationId
      })
    )
  return group.refusalOf(memberId, generationId, owned)?.errorCode ?? ErrorCode.NONE
}

function validateUnknownGroup(request: OffsetCommitRequest, knowsGroupIdNotFound: boolean): number {
  if (request.generationId < 0) return ErrorCode.NONE
  return knowsGroupIdNotFound ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION
}

/**
 *     generation  member id or instance id  group     outcome
 *     none        any                       Empty     accepted: no group management, or a tool that sets offsets
 *     none        none                      others    UNKNOWN_MEMBER_ID: the offsets belong to the members
 *     any         given                     others    by member, instance and generation; REBALANCE_IN_PROGRESS in CompletingRebalance
 */
function validateCommit(group: ClassicGroup, request: OffsetCommitRequest): number {
  const { memberId, groupInstanceId, generationId } = request
  if (generationId < 0 && group.state === 'Empty') return ErrorCode.NONE
  if (generationId < 0 && memberId === '' && groupInstanceId === null) return ErrorCode.UNKNOWN_MEMBER_ID
  const error = validateGeneration(group, memberId, groupInstanceId, generationId)
  if (error !== ErrorCode.NONE) return error
  // Its offsets would be those of partitions that may belong to another member by now.
  return group.state === 'CompletingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}

function commitTopic(
  { effects, config }: Turn,
  request: OffsetCommitRequest,
  topic: OffsetCommitRequest['topics'][number],
  producer?: TransactionalProducer
): TopicErrors {
  const expireTimestamp = request.retentionTimeMs < 0 ? -1 : effects.now + request.retentionTimeMs
  const partitions = topic.partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => {
    const metadata = committedMetadata ?? ''
    if (!isStorable(metadata, config)) return { partitionIndex, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE }
    const record: GroupRecord = {
      type: 'offset',
      groupId: request.groupId,
      topic: topic.name,
      partition: partitionIndex,
      value: {
        offset: committedOffset,
        leaderEpoch: committedLeaderEpoch,
        metadata,
        commitTimestamp: effects.now,
        expireTimestamp,
        topicId: topic.topicId
      }
    }
    if (producer) effects.emitInTransaction(producer, record)
    else effects.emit(record)
    return { partitionIndex, errorCode: ErrorCode.NONE }
  })
  return { name: topic.name, partitions }
}

/** Deletes offsets of a group that does not use them: of an empty group any, of a consumer group those of topics nobody subscribes to. */
export function deleteOffsets(
  turn: Turn,
  store: OffsetStore,
  group: ClassicGroup | ConsumerGroup | undefined,
  request: OffsetDeleteRequest
): TopicErrorsResponse {
  const { effects } = turn
  if (request.groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID, topics: [] }
  if (!group) return { errorCode: ErrorCode.GROUP_ID_NOT_FOUND, topics: [] }
  if (group instanceof ClassicGroup && group.state !== 'Empty' && group.protocolType !== CONSUMER)
    return { errorCode: ErrorCode.NON_EMPTY_GROUP, topics: [] }
  const topics = request.topics.map(({ name, partitions }) => {
    const subscribed = group.isSubscribedTo(name)
    const answers = partitions.map(({ partitionIndex }) => {
      if (subscribed) return { partitionIndex, errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC }
      if (store.get(request.groupId, name, partitionIndex) || store.isPending(request.groupId, name, partitionIndex)) {
        deleteOffset(effects, request.groupId, { topic: name, partition: partitionIndex })
      }
      return { partitionIndex, errorCode: ErrorCode.NONE }
    })
    return { name, partitions: answers }
  })
  return { errorCode: ErrorCode.NONE, topics }
}
