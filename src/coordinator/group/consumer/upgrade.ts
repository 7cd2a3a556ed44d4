/**
 * A classic group of consumers becomes a consumer group when the first member of the consumer protocol joins it (KIP-848): its members stay, go on
 * with the classic protocol, and keep what they are assigned until their next rebalance.
 */
import { WireError } from '../../../errors.js'
import { readAssignment, readSubscription, type ConsumerAssignment } from '../../../protocol/consumer-protocol.js'
import { ErrorCode } from '../../../protocol/error-codes.js'
import { joinError, syncError } from '../classic/answers.js'
import { CONSUMER, type ClassicGroup } from '../classic/group.js'
import type { ClassicMember } from '../classic/member.js'
import { cancelAll, cancelSession } from '../classic/timers.js'
import type { GroupTopics } from '../group-topics.js'
import { ConsumerGroup } from './group.js'
import {
  currentOf,
  MemberState,
  newMember,
  NOTHING_OWNED,
  subscriptionOf,
  topicPartitions,
  type ConsumerMember,
  type OwnedPartitions
} from './member.js'
import { refused, type Refusal } from './refusal.js'
import { emit, metadataHash, type AnyPart, type ConsumerTurn } from './target.js'
import { keepSession } from './timers.js'

export interface Upgrade {
  readonly classic: ClassicGroup
  readonly members: readonly ConsumerMember[]
  /** As the group will be: to check a request against it. */
  readonly group: ConsumerGroup
  readonly parts: readonly AnyPart[]
}

/** What the upgrade would make; changes nothing. */
export function upgradeOf(turn: ConsumerTurn, classic: ClassicGroup): Upgrade | Refusal {
  const { config, topics } = turn
  const { groupId } = classic
  const cannot = (reason: string): Refusal => refused(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a consumer group: ${reason}.`)
  if (!config.consumer.mayUpgrade) return cannot('online upgrade is disabled')
  if (classic.protocolType !== CONSUMER) return cannot('it does not use the embedded consumer protocol')
  if (classic.members.size > config.consumer.maxSize) return cannot('it has more members than a consumer group may have')
  let members: ConsumerMember[]
  try {
    members = [...classic.members.values()].map((member) => converted(classic, member, topics))
  } catch (error) {
    if (error instanceof WireError) return cannot('its embedded consumer protocol is malformed')
    throw error
  }
  let parts = partsOf(classic.generation, members, 0n)
  const group = new ConsumerGroup(groupId)
  for (const part of parts) group.replay({ type: 'consumer', groupId, ...part } as Parameters<ConsumerGroup['replay']>[0])
  // Who only changes its protocol keeps what it has (a static member that comes back), unless some partition is nobody's.
  if (classic.state === 'Stable' && hasEverything(group, topics)) {
    group.metadataHash = metadataHash(turn, group)
    parts = partsOf(classic.generation, members, group.metadataHash)
  }
  return { classic, members, group, parts }
}

function hasEverything(group: ConsumerGroup, topics: GroupTopics): boolean {
  for (const name of group.subscribedTopics()) {
    const topic = topics.byName(name)
    if (!topic) continue
    for (let partition = 0; partition < topic.partitions; partition++) if (!group.isOwned(topic.id, partition)) return false
  }
  return true
}

/** In the order of Apache Kafka: subscriptions, group epoch, targets, assignment epoch, current assignments. */
function partsOf(epoch: number, members: readonly ConsumerMember[], hash: bigint): AnyPart[] {
  return [
    ...members.map((member): AnyPart => ({ part: 'member', memberId: member.memberId, value: subscriptionOf(member) })),
    { part: 'group', value: { epoch, metadataHash: hash } },
    ...members.map(({ memberId, assigned }): AnyPart => ({
      part: 'target',
      memberId,
      value: { topicPartitions: topicPartitions(assigned) }
    })),
    { part: 'target-epoch', value: { assignmentEpoch: epoch, assignmentTimestamp: 0 } },
    ...members.map((member): AnyPart => ({ part: 'current', memberId: member.memberId, value: currentOf(member) }))
  ]
}

function converted(group: ClassicGroup, member: ClassicMember, topics: GroupTopics): ConsumerMember {
  const { memberId, groupInstanceId: instanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs } = member
  // In a first rebalance no protocol is selected yet.
  const preferred = group.protocol ?? member.protocols[0]?.name ?? null
  const subscription = readSubscription(member.metadata(preferred))
  return {
    ...newMember(memberId),
    instanceId,
    rackId: subscription.rackId,
    clientId,
    clientHost,
    rebalanceTimeoutMs,
    topicNames: [...new Set(subscription.topics)].toSorted(),
    classic: { sessionTimeoutMs, supportedProtocols: member.protocols },
    epoch: group.generation,
    previousEpoch: group.generation,
    state: MemberState.stable,
    assigned: ownedOf(readAssignment(member.assignment), topics, group.generation)
  }
}

function ownedOf({ assignedPartitions }: ConsumerAssignment, topics: GroupTopics, epoch: number): OwnedPartitions {
  if (assignedPartitions.length === 0) return NOTHING_OWNED
  const owned = new Map<string, Map<number, number>>()
  for (const { topic, partitions } of assignedPartitions) {
    const id = topics.byName(topic)?.id
    if (id !== undefined) owned.set(id, new Map(partitions.map((partition) => [partition, epoch])))
  }
  return owned
}

export function upgrade(turn: ConsumerTurn, { classic, members, parts }: Upgrade): void {
  const { effects } = turn
  for (const member of classic.members.values()) {
    classic.answerJoin(member, joinError(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId), effects)
    classic.answerSync(member, syncError(ErrorCode.REBALANCE_IN_PROGRESS), effects)
    cancelSession(effects, classic, member.memberId)
  }
  cancelAll(effects, classic)
  effects.emit({ type: 'group', groupId: classic.groupId, value: null })
  // `emit` needs no more of the group than its id: it exists when the first record is replayed.
  const group = new ConsumerGroup(classic.groupId)
  for (const part of parts) emit(turn, group, part)
  for (const member of members) keepSession(turn, group, member)
}
