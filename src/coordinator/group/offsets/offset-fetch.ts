/** OffsetFetch. An unknown group has no offsets: that is no error. */
import { ZERO_UUID } from '../../../protocol/reader.js'
import { ErrorCode } from '../../../protocol/error-codes.js'
import type { FetchedOffset, OffsetFetchRequest, OffsetFetchResponse } from '../messages.js'
import type { ConsumerGroup } from '../consumer/group.js'
import type { OffsetStore } from './offset-store.js'

/**
 * `topicId` of the answer is the one that was committed; the zero uuid if unknown. A partition that is asked for again is left out: a short
 * request must not become an answer that is thousands of times as long.
 */
export function fetchOffsets(store: OffsetStore, group: ConsumerGroup | undefined, request: OffsetFetchRequest): OffsetFetchResponse {
  const { memberId, memberEpoch } = request
  const refusal = group && (memberId !== null || memberEpoch >= 0) ? group.refusalOf(memberId ?? '', memberEpoch) : undefined
  if (refusal) return { errorCode: refusal.errorCode, topics: [] }
  if (request.topics === null) return { errorCode: ErrorCode.NONE, topics: fetchAll(store, request) }
  const asked = new Map<string, Set<number>>()
  const first = (topic: string, partition: number): boolean => {
    let partitions = asked.get(topic)
    if (!partitions) asked.set(topic, (partitions = new Set()))
    return partitions.size < partitions.add(partition).size
  }
  const topics = request.topics.map(({ name, partitionIndexes }) => ({
    name,
    topicId: ZERO_UUID,
    partitions: partitionIndexes.filter((partition) => first(name, partition)).map((partition) => fetchOne(store, request, name, partition))
  }))
  return { errorCode: ErrorCode.NONE, topics }
}

function fetchAll(store: OffsetStore, request: OffsetFetchRequest): OffsetFetchResponse['topics'] {
  const topics = new Map<string, OffsetFetchResponse['topics'][number]>()
  for (const { topic, partition, value } of store.of(request.groupId)) {
    let answer = topics.get(topic)
    if (!answer) topics.set(topic, (answer = { name: topic, topicId: value.topicId, partitions: [] }))
    answer.partitions.push(fetchOne(store, request, topic, partition))
  }
  return [...topics.values()]
}

function fetchOne(
  store: OffsetStore,
  { groupId, requireStable }: OffsetFetchRequest,
  topic: string,
  partitionIndex: number
): FetchedOffset {
  const unstable = requireStable && store.isPending(groupId, topic, partitionIndex)
  const value = unstable ? undefined : store.get(groupId, topic, partitionIndex)
  return {
    partitionIndex,
    committedOffset: value?.offset ?? -1,
    committedLeaderEpoch: value?.leaderEpoch ?? -1,
    metadata: value?.metadata ?? '',
    errorCode: unstable ? ErrorCode.UNSTABLE_OFFSET_COMMIT : ErrorCode.NONE
  }
}
