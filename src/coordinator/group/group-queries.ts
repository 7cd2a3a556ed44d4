/** What administrators ask of groups: ListGroups and DescribeGroups. */
import { ErrorCode } from '../../protocol/error-codes.js'
import { CONSUMER, type ClassicGroup } from './classic/group.js'
import { NO_BYTES } from './classic/member.js'
import type { ConsumerGroup } from './consumer/group.js'
import type { DescribedGroup, ListedGroup } from './messages.js'
import type { OtherGroups } from './other-groups.js'

export function listGroups(
  groups: Iterable<ClassicGroup>,
  consumers: Iterable<ConsumerGroup>,
  others: OtherGroups,
  states: readonly string[],
  types: readonly string[]
): ListedGroup[] {
  const listed: ListedGroup[] = []
  for (const group of groups) {
    listed.push({
      groupId: group.groupId,
      protocolType: group.protocolType ?? '',
      groupState: group.state,
      groupType: 'classic'
    })
  }
  for (const { groupId, state } of consumers) listed.push({ groupId, protocolType: CONSUMER, groupState: state, groupType: 'consumer' })
  // None of their members lives in this broker.
  for (const { groupId, kind } of others) listed.push({ groupId, protocolType: kind, groupState: 'Empty', groupType: kind })
  const matches = (filter: readonly string[], value: string): boolean =>
    filter.length === 0 || filter.some((item) => item.toLowerCase() === value.toLowerCase())
  return listed.filter(({ groupState, groupType }) => matches(states, groupState) && matches(types, groupType))
}

/** GROUP_ID_NOT_FOUND with the state Dead if there is no such classic group. `ofOtherKind`: but one of another kind. */
export function describeGroup(groupId: string, group: ClassicGroup | undefined, ofOtherKind: boolean): DescribedGroup {
  if (!group) {
    const errorMessage = `Group ${groupId} ${ofOtherKind ? 'is not a classic group' : 'not found'}.`
    const errorCode = ErrorCode.GROUP_ID_NOT_FOUND
    return { errorCode, errorMessage, groupId, groupState: 'Dead', protocolType: '', protocolData: '', members: [] }
  }
  // In between generations no protocol is selected whose metadata could be told; the assignment is the last one.
  const stable = group.state === 'Stable'
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: stable ? (group.protocol ?? '') : '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: stable ? member.metadata(group.protocol) : NO_BYTES,
      memberAssignment: member.assignment
    }))
  }
}
