/** The records of `__consumer_offsets` as the group coordinator's state machine sees them. */
import type { Effects, Reply } from '../shard.js'

/** One member as it is stored: the metadata is the one of the selected protocol. */
export interface StoredMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeout: number
  readonly sessionTimeout: number
  readonly subscription: Uint8Array
  readonly assignment: Uint8Array
}

/** The hard state of a classic group. */
export interface StoredGroup {
  /** '' when the group never had members. */
  readonly protocolType: string
  readonly generation: number
  readonly protocol: string | null
  readonly leader: string | null
  /** When the group became stable or empty; -1: unknown. */
  readonly currentStateTimestamp: number
  readonly members: readonly StoredMember[]
}

export interface CommittedOffset {
  readonly offset: number
  /** -1: unknown. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestamp: number
  /** Set by clients of OffsetCommit v2-v4 only; -1: the broker's retention decides. */
  readonly expireTimestamp: number
  /** The zero uuid: unknown. */
  readonly topicId: string
}

/** What a member of a consumer group said of itself. */
export interface ConsumerMemberValue {
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly subscribedTopicNames: readonly string[]
  /** Null or '': none. */
  readonly subscribedTopicRegex: string | null
  readonly rebalanceTimeoutMs: number
  readonly serverAssignor: string | null
  /** Of a member that uses the classic protocol. */
  readonly classicMemberMetadata: ClassicProtocols | null
}

export interface ClassicProtocols {
  readonly sessionTimeoutMs: number
  /** In the member's order of preference. */
  readonly supportedProtocols: readonly { readonly name: string; readonly metadata: Uint8Array }[]
}

export interface TopicPartitionsValue {
  readonly topicId: string
  readonly partitions: readonly number[]
}

export interface OwnedPartitionsValue extends TopicPartitionsValue {
  /** Of each partition the epoch in which the member got it; null: unknown. */
  readonly assignmentEpochs: readonly number[] | null
}

/** How far a member has come on the way to its target assignment. */
export interface CurrentAssignmentValue {
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
  readonly state: number
  readonly assignedPartitions: readonly OwnedPartitionsValue[]
  readonly partitionsPendingRevocation: readonly OwnedPartitionsValue[]
}

export interface ResolvedRegex {
  readonly topics: readonly string[]
  /** Of the metadata that was searched. */
  readonly version: number
  readonly timestamp: number
}

/** The records of consumer groups (KIP-848). */
export type ConsumerRecord = { readonly type: 'consumer'; readonly groupId: string } & (
  | { readonly part: 'group'; readonly value: { readonly epoch: number; readonly metadataHash: bigint } | null }
  /** Written up to Apache Kafka 4.0; here only deleted. */
  | { readonly part: 'partition-metadata'; readonly value: object | null }
  | { readonly part: 'member'; readonly memberId: string; readonly value: ConsumerMemberValue | null }
  | {
      readonly part: 'target-epoch'
      readonly value: { readonly assignmentEpoch: number; readonly assignmentTimestamp: number } | null
    }
  | {
      readonly part: 'target'
      readonly memberId: string
      readonly value: { readonly topicPartitions: readonly TopicPartitionsValue[] } | null
    }
  | { readonly part: 'current'; readonly memberId: string; readonly value: CurrentAssignmentValue | null }
  | { readonly part: 'regex'; readonly regex: string; readonly value: ResolvedRegex | null }
)

/** A null value deletes. */
export type GroupRecord =
  | ConsumerRecord
  | { readonly type: 'group'; readonly groupId: string; readonly value: StoredGroup | null }
  | {
      readonly type: 'offset'
      readonly groupId: string
      readonly topic: string
      readonly partition: number
      readonly value: CommittedOffset | null
    }
  /** A record of a group of another kind (share, streams): known to belong to it, not acted on. */
  | { readonly type: 'other'; readonly groupId: string; readonly kind: OtherKind; readonly key: Uint8Array; readonly deleted: boolean }

export type OtherKind = 'share' | 'streams'

export type GroupTimer =
  | { readonly type: 'member-expired'; readonly groupId: string; readonly memberId: string }
  | { readonly type: 'initial-join'; readonly groupId: string; readonly delayMs: number; readonly remainingMs: number }
  | { readonly type: 'join'; readonly groupId: string }
  | { readonly type: 'sync'; readonly groupId: string; readonly generation: number }
  | { readonly type: 'clean-up' }
  /** Of a member of a consumer group: it was silent too long. */
  | { readonly type: 'consumer-expired'; readonly groupId: string; readonly memberId: string }
  /** It still has partitions that it was told to give up in this epoch. */
  | { readonly type: 'consumer-revocation'; readonly groupId: string; readonly memberId: string; readonly memberEpoch: number }
  /** The topics of a group's regular expressions are still being looked for. */
  | { readonly type: 'consumer-regexes'; readonly groupId: string }

export type GroupEffects = Effects<GroupRecord, GroupTimer>
export type { Reply }
