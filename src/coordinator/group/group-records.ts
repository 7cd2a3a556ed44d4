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

/** A null value deletes. */
export type GroupRecord =
  | { readonly type: 'group'; readonly groupId: string; readonly value: StoredGroup | null }
  | {
      readonly type: 'offset'
      readonly groupId: string
      readonly topic: string
      readonly partition: number
      readonly value: CommittedOffset | null
    }
  /** A record of a group of another kind (consumer, share, streams): known to belong to it, not acted on. */
  | { readonly type: 'other'; readonly groupId: string; readonly kind: OtherKind; readonly key: Uint8Array; readonly deleted: boolean }

export type OtherKind = 'consumer' | 'share' | 'streams'

export type GroupTimer =
  | { readonly type: 'member-expired'; readonly groupId: string; readonly memberId: string }
  | { readonly type: 'initial-join'; readonly groupId: string; readonly delayMs: number; readonly remainingMs: number }
  | { readonly type: 'join'; readonly groupId: string }
  | { readonly type: 'sync'; readonly groupId: string; readonly generation: number }
  | { readonly type: 'clean-up' }

export type GroupEffects = Effects<GroupRecord, GroupTimer>
export type { Reply }
