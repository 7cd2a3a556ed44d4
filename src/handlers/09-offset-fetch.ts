/**
 * OffsetFetch: how far groups have come.
 *
 * Version notes: v2 null asks for all topics; a top-level error. v5 leader epochs. v6 flexible. v7 offsets of open transactions can be
 * waited for (KIP-447). v8 several groups. v9 also for consumer groups. v10 topic ids, and no names.
 */
import type { BrokerServices } from '../broker/services.js'
import type { OffsetFetchResponse } from '../coordinator/group/messages.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { offsetFetch } from '../protocol/messages/09-offset-fetch.js'
import type { MessageOf } from '../protocol/schema.js'
import { handler } from './handler.js'

const FIRST_VERSION_WITH_GROUP_ERROR = 2
const FIRST_VERSION_WITH_GROUPS = 8
const FIRST_VERSION_WITH_TOPIC_IDS = 10

/** Before v9 nobody says who he is. */
const NO_MEMBER = { memberId: null, memberEpoch: -1 }

type GroupRequest = MessageOf<typeof offsetFetch.request>['groups'][number]
type Topics = OffsetFetchResponse['topics']

export const offsetFetchHandler = handler({
  api: offsetFetch,
  minVersion: 1,
  maxVersion: 10,
  async handle(request, { apiVersion }, broker) {
    const { requireStable } = request
    if (apiVersion >= FIRST_VERSION_WITH_GROUPS) {
      const byId = apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS
      return {
        topics: [],
        groups: await Promise.all(distinct(request.groups).map((group) => fetchGroup(group, requireStable, byId, broker)))
      }
    }
    const { errorCode, topics } = await broker.groups.fetchOffsets({ ...request, ...NO_MEMBER, requireStable })
    if (errorCode === ErrorCode.NONE || apiVersion >= FIRST_VERSION_WITH_GROUP_ERROR) return { errorCode, topics }
    // v1 tells an error of the group with each partition.
    return {
      topics: (request.topics ?? []).map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partition) => nothing(partition, errorCode))
      }))
    }
  },
  failed: (request, errorCode) => ({
    errorCode,
    topics: [],
    groups: request.groups.map(({ groupId }) => ({ groupId, errorCode, topics: [] }))
  })
})

/** A group that is asked for in several places is answered in the first: all its offsets, often, would fill the memory. */
function distinct(groups: readonly GroupRequest[]): GroupRequest[] {
  const seen = new Set<string>()
  return groups.filter(({ groupId }) => seen.size < seen.add(groupId).size)
}

async function fetchGroup(request: GroupRequest, requireStable: boolean, byId: boolean, broker: BrokerServices) {
  const { groupId, memberId, memberEpoch } = request
  if (!byId) {
    const { errorCode, topics } = await broker.groups.fetchOffsets({
      groupId,
      memberId,
      memberEpoch,
      topics: request.topics,
      requireStable
    })
    return { groupId, errorCode, topics }
  }
  const { image } = broker.metadata
  const asked = request.topics?.map(({ topicId, partitionIndexes }) => ({
    topicId,
    name: image.topicById(topicId)?.name,
    partitionIndexes
  }))
  const known = asked?.flatMap(({ name, partitionIndexes }) => (name === undefined ? [] : [{ name, partitionIndexes }]))
  const { errorCode, topics } = await broker.groups.fetchOffsets({ groupId, memberId, memberEpoch, topics: known ?? null, requireStable })
  if (errorCode !== ErrorCode.NONE) return { groupId, errorCode, topics: [] }
  return { groupId, errorCode, topics: asked ? inOrder(asked, topics) : withIds(topics, broker) }
}

/** Known topics as they were answered, unknown ids with an error, in the order of the request. */
function inOrder(asked: { topicId: string; name: string | undefined; partitionIndexes: number[] }[], topics: Topics): Topics {
  let next = 0
  return asked.map(({ topicId, name, partitionIndexes }) =>
    name === undefined
      ? { name: '', topicId, partitions: partitionIndexes.map((partition) => nothing(partition, ErrorCode.UNKNOWN_TOPIC_ID)) }
      : { ...topics[next++]!, topicId }
  )
}

/** All offsets of a group; those of topics that are gone have no id to be told by. */
function withIds(topics: Topics, broker: BrokerServices): Topics {
  return topics.flatMap((topic) => {
    const topicId = broker.metadata.image.topicByName(topic.name)?.id
    return topicId === undefined ? [] : [{ ...topic, topicId }]
  })
}

function nothing(partitionIndex: number, errorCode: number) {
  return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode }
}
