/**
 * A consumer group becomes a classic one when its last member of the consumer protocol goes and members of the classic protocol remain
 * (KIP-848): they keep their assignment and rebalance once.
 */
import { writeAssignment } from '../../../protocol/consumer-protocol.js'
import { prepareRebalance } from '../classic/rebalance.js'
import { CONSUMER, type ClassicGroup } from '../classic/group.js'
import { ClassicMember, NO_BYTES } from '../classic/member.js'
import { keepSession } from '../classic/timers.js'
import type { StoredGroup } from '../group-records.js'
import type { GroupTopics } from '../group-topics.js'
import type { GroupDirectory } from './directory.js'
import type { ConsumerGroup } from './group.js'
import type { ConsumerMember } from './member.js'
import { removeGroup } from './remove.js'
import type { ConsumerTurn } from './target.js'

/** Whether the group is a classic one without `leaving`. */
export function mayDowngrade({ config }: ConsumerTurn, group: ConsumerGroup, leaving: readonly ConsumerMember[]): boolean {
  const remaining = group.members.size - leaving.length
  const classic = group.classicMembers - leaving.filter((member) => member.classic).length
  const wasMixed = group.classicMembers < group.members.size
  return wasMixed && remaining > 0 && classic === remaining && config.consumer.mayDowngrade && remaining <= config.maxSize
}

export function downgrade(turn: ConsumerTurn, directory: GroupDirectory, group: ConsumerGroup, leaving: readonly ConsumerMember[]): void {
  const remaining = [...group.members.values()].filter((member) => !leaving.includes(member))
  const classicGroup = becomeClassic(turn, directory, group, remaining)
  prepareRebalance(turn, classicGroup)
}

/** As `downgrade`, where a static member of the consumer protocol has come back with the classic one: it goes on without a rebalance. */
export function becomeClassic(
  turn: ConsumerTurn,
  directory: GroupDirectory,
  group: ConsumerGroup,
  remaining: readonly ConsumerMember[]
): ClassicGroup {
  const { groupId } = group
  const value = storedGroup(turn, group, remaining)
  removeGroup(turn, group)
  turn.effects.emit({ type: 'group', groupId, value })
  const classicGroup = directory.classic(groupId)!
  for (const { memberId, classic } of remaining) {
    const member = classicGroup.members.get(memberId)!
    const { rebalanceTimeoutMs, sessionTimeoutMs } = member
    // The record holds one protocol; the members support these.
    classicGroup.update(member, { protocols: classic!.supportedProtocols, rebalanceTimeoutMs, sessionTimeoutMs })
    keepSession(turn.effects, classicGroup, member)
  }
  return classicGroup
}

function storedGroup({ effects, topics }: ConsumerTurn, group: ConsumerGroup, remaining: readonly ConsumerMember[]): StoredGroup {
  const members = remaining.map((member) => new ClassicMember(initOf(member)))
  const protocol = commonProtocol(members)
  return {
    protocolType: CONSUMER,
    generation: group.epoch,
    protocol,
    leader: remaining[0]?.memberId ?? null,
    currentStateTimestamp: effects.now,
    members: members.map((member, at) => member.store(protocol, assignmentOf(group, remaining[at]!, topics)))
  }
}

function initOf(member: ConsumerMember) {
  const { memberId, instanceId: groupInstanceId, clientId, clientHost, rebalanceTimeoutMs, classic } = member
  const { sessionTimeoutMs, supportedProtocols } = classic!
  return { memberId, groupInstanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols: supportedProtocols }
}

/** The first that all support, in the order of the first member; there is one, or they would not have been admitted. */
function commonProtocol(members: readonly ClassicMember[]): string | null {
  const names = members[0]?.protocols.map(({ name }) => name) ?? []
  return names.find((name) => members.every(({ protocols }) => protocols.some((each) => each.name === name))) ?? null
}

/** What the member is to have, in its own terms. */
export function assignmentOf(group: ConsumerGroup, member: ConsumerMember, topics: GroupTopics): Uint8Array {
  const metadata = member.classic?.supportedProtocols[0]?.metadata
  return metadata
    ? encodedAssignment(
        [...group.target(member.memberId)].map(([id, set]) => [id, [...set]]),
        metadata,
        topics
      )
    : NO_BYTES
}

/** Topics that are gone are left out. */
export function encodedAssignment(
  partitions: readonly (readonly [topicId: string, partitions: readonly number[]])[],
  metadata: Uint8Array,
  topics: GroupTopics
): Uint8Array {
  const assigned = partitions.flatMap(([topicId, set]) => {
    const topic = topics.byId(topicId)?.name
    return topic === undefined ? [] : [{ topic, partitions: [...set] }]
  })
  return writeAssignment(assigned, metadata)
}
