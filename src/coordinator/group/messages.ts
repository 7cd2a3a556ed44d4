/** Requests and responses of the group coordinator, as its state machine takes them: the decoded messages of the protocol fit. */
import type { MayStand } from '../standing-answers.js'

export interface JoinProtocol {
  readonly name: string
  readonly metadata: Uint8Array
}

export interface JoinGroupRequest {
  readonly groupId: string
  readonly sessionTimeoutMs: number
  /** -1 (JoinGroup v0): the session time-out. */
  readonly rebalanceTimeoutMs: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly protocolType: string
  readonly protocols: readonly JoinProtocol[]
}

/** What the connection and the header tell about a member. */
export interface JoinContext {
  readonly clientId: string
  readonly clientHost: string
  /** v4+: a member without id is told one first (KIP-394). */
  readonly requiresKnownMemberId: boolean
  /** v9+: a leader may be told to skip the assignment (KIP-814). */
  readonly supportsSkippingAssignment: boolean
}

export interface JoinGroupMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly metadata: Uint8Array
}

export interface JoinGroupResponse {
  readonly errorCode: number
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string
  readonly skipAssignment: boolean
  readonly memberId: string
  /** Only for the leader. */
  readonly members: JoinGroupMember[]
}

export interface SyncGroupRequest {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[]
}

export interface SyncGroupResponse {
  readonly errorCode: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Uint8Array
}

export interface HeartbeatRequest {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

export interface ErrorResponse {
  readonly errorCode: number
}

export interface HeartbeatResponse extends ErrorResponse, MayStand {}

/** ConsumerGroupHeartbeat (KIP-848): null and -1 mean that nothing has changed. */
export interface ConsumerHeartbeatRequest {
  readonly groupId: string
  readonly memberId: string
  /** 0 joins, -1 leaves, -2 leaves for a while (static members). */
  readonly memberEpoch: number
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly rebalanceTimeoutMs: number
  readonly subscribedTopicNames: readonly string[] | null
  readonly subscribedTopicRegex: string | null
  readonly serverAssignor: string | null
  /** What the member has. */
  readonly topicPartitions: readonly TopicIdPartitions[] | null
}

export interface TopicIdPartitions {
  readonly topicId: string
  readonly partitions: readonly number[]
}

export interface ConsumerHeartbeatContext {
  readonly clientId: string
  readonly clientHost: string
  /** v1+: the member makes its own id (KIP-1082). */
  readonly makesOwnId: boolean
}

export interface ConsumerHeartbeatResponse extends MayStand {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly memberId: string | null
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** Null: as before. */
  readonly assignment: { readonly topicPartitions: { topicId: string; partitions: number[] }[] } | null
}

export interface DescribedAssignment {
  readonly topicPartitions: { topicId: string; topicName: string; partitions: number[] }[]
}

export interface DescribedConsumerGroup {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly groupId: string
  readonly groupState: string
  readonly groupEpoch: number
  readonly assignmentEpoch: number
  readonly assignorName: string
  readonly members: {
    memberId: string
    instanceId: string | null
    rackId: string | null
    memberEpoch: number
    clientId: string
    clientHost: string
    subscribedTopicNames: string[]
    subscribedTopicRegex: string | null
    assignment: DescribedAssignment
    targetAssignment: DescribedAssignment
    memberType: number
  }[]
}

export interface MemberIdentity {
  readonly memberId: string
  readonly groupInstanceId: string | null
}

export interface LeaveGroupRequest {
  readonly groupId: string
  readonly members: readonly MemberIdentity[]
}

export interface LeaveGroupResponse {
  readonly errorCode: number
  readonly members: { memberId: string; groupInstanceId: string | null; errorCode: number }[]
}

/** An OffsetCommit whose topics exist and are known by name. */
export interface OffsetCommitRequest {
  readonly groupId: string
  /** -1: a consumer outside of group management. */
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** -1: the broker's retention. */
  readonly retentionTimeMs: number
  readonly topics: readonly {
    readonly name: string
    readonly topicId: string
    readonly partitions: readonly {
      readonly partitionIndex: number
      readonly committedOffset: number
      readonly committedLeaderEpoch: number
      readonly committedMetadata: string | null
    }[]
  }[]
}

/** A TxnOffsetCommit whose topics exist. */
export interface TxnOffsetCommitRequest extends OffsetCommitRequest {
  readonly producerId: number
  readonly producerEpoch: number
}

export interface PartitionError {
  readonly partitionIndex: number
  readonly errorCode: number
}

export interface TopicErrors {
  readonly name: string
  readonly partitions: PartitionError[]
}

/** `errorCode` not 0: the whole request failed, `topics` is empty. Otherwise topics and partitions are in the order of the request. */
export interface TopicErrorsResponse {
  readonly errorCode: number
  readonly topics: TopicErrors[]
}

export interface OffsetFetchRequest {
  readonly groupId: string
  /** null: all that the group has committed. */
  readonly topics: readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[] | null
  /** Of a consumer group (KIP-848); null and -1: whoever asks is not a member. */
  readonly memberId: string | null
  readonly memberEpoch: number
  /** Offsets of open transactions are reported as UNSTABLE_OFFSET_COMMIT (KIP-447). */
  readonly requireStable: boolean
}

export interface FetchedOffset {
  readonly partitionIndex: number
  readonly committedOffset: number
  readonly committedLeaderEpoch: number
  readonly metadata: string
  readonly errorCode: number
}

export interface OffsetFetchResponse {
  readonly errorCode: number
  readonly topics: { name: string; topicId: string; partitions: FetchedOffset[] }[]
}

export interface OffsetDeleteRequest {
  readonly groupId: string
  readonly topics: readonly { readonly name: string; readonly partitions: readonly { readonly partitionIndex: number }[] }[]
}

export interface ListedGroup {
  readonly groupId: string
  readonly protocolType: string
  readonly groupState: string
  readonly groupType: string
}

export interface DescribedGroup {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly groupId: string
  readonly groupState: string
  readonly protocolType: string
  readonly protocolData: string
  readonly members: {
    memberId: string
    groupInstanceId: string | null
    clientId: string
    clientHost: string
    memberMetadata: Uint8Array
    memberAssignment: Uint8Array
  }[]
}
