/** What a ConsumerGroupHeartbeat must look like, whatever the state of the group. */
import { ErrorCode } from '../../../protocol/error-codes.js'
import type { ConsumerHeartbeatRequest } from '../messages.js'
import { fitsRecord } from '../storable.js'
import { MemberEpoch } from './member.js'
import { refused, type Refusal } from './refusal.js'
import { LinearRegex } from '../../../regex/matcher.js'

const SPACE = 0x20

/** `assignors`: those that members may ask for. */
export function invalid(
  request: ConsumerHeartbeatRequest,
  makesOwnId: boolean,
  { assignors, maxBytes }: { readonly assignors: readonly string[]; readonly maxBytes: number }
): Refusal | undefined {
  const { memberEpoch, serverAssignor } = request
  const message = malformed(request, makesOwnId)
  if (message) return refused(ErrorCode.INVALID_REQUEST, message)
  if (serverAssignor !== null && !assignors.includes(serverAssignor)) {
    const known = assignors.join(', ')
    return refused(ErrorCode.UNSUPPORTED_ASSIGNOR, `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${known}.`)
  }
  if (memberEpoch < MemberEpoch.join) return undefined
  return fits(request, maxBytes) ? undefined : refused(ErrorCode.INVALID_REQUEST, 'The names in the request are too long to be stored.')
}

function malformed(request: ConsumerHeartbeatRequest, makesOwnId: boolean): string | undefined {
  const { groupId, memberId, memberEpoch, instanceId, rackId } = request
  if (isBlank(groupId)) return "GroupId can't be empty."
  if (isBlank(memberId) && (makesOwnId || memberEpoch !== MemberEpoch.join)) return "MemberId can't be empty."
  if (instanceId !== null && isBlank(instanceId)) return "InstanceId can't be empty."
  if (rackId !== null && isBlank(rackId)) return "RackId can't be empty."
  if (memberEpoch < MemberEpoch.leaveStatic) return 'MemberEpoch is invalid.'
  if (memberEpoch === MemberEpoch.leaveStatic && instanceId === null) return "InstanceId can't be null."
  if (memberEpoch !== MemberEpoch.join) return undefined
  if (request.rebalanceTimeoutMs === -1) return 'RebalanceTimeoutMs must be provided in first request.'
  if (request.topicPartitions === null || request.topicPartitions.length > 0) return 'TopicPartitions must be empty when (re-)joining.'
  if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null) {
    return 'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.'
  }
  return undefined
}

/** As Apache Kafka sees it: Java's `trim` takes the control characters as well. */
function isBlank(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > SPACE) return false
  return true
}

/** The member's record, in which all this stands, must fit into a batch. */
function fits(request: ConsumerHeartbeatRequest, maxBytes: number): boolean {
  const { groupId, memberId, instanceId, rackId, subscribedTopicNames, subscribedTopicRegex } = request
  const own = [groupId, memberId, instanceId ?? '', rackId ?? '', subscribedTopicRegex ?? '']
  if (!own.every((text) => fitsRecord(text))) return false
  let bytes = 0
  for (const name of subscribedTopicNames ?? []) {
    if (!fitsRecord(name)) return false
    bytes += name.length * 3 + 5
  }
  return bytes <= maxBytes / 2
}

/** Undefined: the expression can be used. */
export function invalidRegex(pattern: string): Refusal | undefined {
  const compiled = LinearRegex.compile(pattern)
  if (typeof compiled !== 'string') return undefined
  return refused(
    ErrorCode.INVALID_REGULAR_EXPRESSION,
    `SubscribedTopicRegex \`${pattern}\` is not a valid regular expression: ${compiled}.`
  )
}
