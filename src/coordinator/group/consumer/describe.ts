/** ConsumerGroupDescribe: epochs, members, what they have and are to have. */
import { ErrorCode } from '../../../protocol/error-codes.js'
import type { DescribedAssignment, DescribedConsumerGroup } from '../messages.js'
import type { GroupTopics } from '../group-topics.js'
import type { ConsumerGroup } from './group.js'
import { topicPartitions, type ConsumerMember, type OwnedPartitions, type Partitions } from './member.js'

const MEMBER_TYPE_CLASSIC = 0
const MEMBER_TYPE_CONSUMER = 1

export function describeConsumerGroup(group: ConsumerGroup, topics: GroupTopics, defaultAssignor: string): DescribedConsumerGroup {
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    groupId: group.groupId,
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: group.preferredAssignor ?? defaultAssignor,
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      rackId: member.rackId,
      memberEpoch: member.epoch,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: [...member.topicNames],
      subscribedTopicRegex: member.regex,
      assignment: named(stillHeld(member), topics),
      targetAssignment: named(group.target(member.memberId), topics),
      memberType: member.classic ? MEMBER_TYPE_CLASSIC : MEMBER_TYPE_CONSUMER
    }))
  }
}

export function describeError(errorCode: number, groupId: string, errorMessage: string | null = null): DescribedConsumerGroup {
  return { errorCode, errorMessage, groupId, groupState: '', groupEpoch: 0, assignmentEpoch: 0, assignorName: '', members: [] }
}

/** With what it has been told to give up and has not yet. */
function stillHeld({ assigned, revoking }: ConsumerMember): OwnedPartitions {
  if (revoking.size === 0) return assigned
  const held = new Map(assigned)
  for (const [topicId, partitions] of revoking) held.set(topicId, new Map([...(assigned.get(topicId) ?? []), ...partitions]))
  return held
}

/** Topics that are gone are left out. */
function named(partitions: Partitions | OwnedPartitions, topics: GroupTopics): DescribedAssignment {
  return {
    topicPartitions: topicPartitions(partitions).flatMap(({ topicId, partitions: set }) => {
      const topicName = topics.byId(topicId)?.name
      return topicName === undefined ? [] : [{ topicId, topicName, partitions: set }]
    })
  }
}
