/** A member of a classic group. */
import type { Reply } from '../../shard.js'
import type { StoredMember } from '../group-records.js'
import type { JoinGroupResponse, JoinProtocol, SyncGroupResponse } from '../messages.js'

export const NO_BYTES = new Uint8Array(0)

export interface MemberInit {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly protocols: readonly JoinProtocol[]
}

export class ClassicMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  /** In the member's order of preference, each name once. */
  protocols: readonly JoinProtocol[]
  assignment: Uint8Array = NO_BYTES
  /** Has joined for the first time and waits for that join to complete: its session is not kept alive by waiting. */
  isNew = false
  /** Where the parked JoinGroup and SyncGroup are answered. */
  awaitingJoin: Reply<JoinGroupResponse> | undefined
  awaitingSync: Reply<SyncGroupResponse> | undefined

  constructor(init: MemberInit) {
    this.memberId = init.memberId
    this.groupInstanceId = init.groupInstanceId
    this.clientId = init.clientId
    this.clientHost = init.clientHost
    this.rebalanceTimeoutMs = init.rebalanceTimeoutMs
    this.sessionTimeoutMs = init.sessionTimeoutMs
    this.protocols = distinct(init.protocols)
  }

  static fromStored(stored: StoredMember, protocol: string | null): ClassicMember {
    const member = new ClassicMember({
      memberId: stored.memberId,
      groupInstanceId: stored.groupInstanceId,
      clientId: stored.clientId,
      clientHost: stored.clientHost,
      // Values before v1 have no rebalance time-out.
      rebalanceTimeoutMs: stored.rebalanceTimeout === -1 ? stored.sessionTimeout : stored.rebalanceTimeout,
      sessionTimeoutMs: stored.sessionTimeout,
      protocols: [{ name: protocol ?? '', metadata: stored.subscription }]
    })
    member.assignment = stored.assignment
    return member
  }

  get isStatic(): boolean {
    return this.groupInstanceId !== null
  }

  /** The member's metadata for `protocol`; empty if it does not support it. */
  metadata(protocol: string | null): Uint8Array {
    return this.protocols.find(({ name }) => name === protocol)?.metadata ?? NO_BYTES
  }

  /** The first protocol of the member's preference that all members support. */
  vote(candidates: ReadonlySet<string>): string | undefined {
    return this.protocols.find(({ name }) => candidates.has(name))?.name
  }

  /** Whether a new JoinGroup asks for the same as the one before. */
  supportsExactly(protocols: readonly JoinProtocol[]): boolean {
    const wanted = distinct(protocols)
    return (
      wanted.length === this.protocols.length &&
      wanted.every(({ name, metadata }, at) => name === this.protocols[at]!.name && sameBytes(metadata, this.protocols[at]!.metadata))
    )
  }

  store(protocol: string | null, assignment: Uint8Array): StoredMember {
    return {
      memberId: this.memberId,
      groupInstanceId: this.groupInstanceId,
      clientId: this.clientId,
      clientHost: this.clientHost,
      rebalanceTimeout: this.rebalanceTimeoutMs,
      sessionTimeout: this.sessionTimeoutMs,
      subscription: this.metadata(protocol),
      assignment
    }
  }
}

/** A name given twice would be counted as two members' support. */
function distinct(protocols: readonly JoinProtocol[]): readonly JoinProtocol[] {
  const names = new Set<string>()
  return protocols.filter(({ name }) => !names.has(name) && names.add(name))
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && a.every((byte, at) => byte === b[at]))
}
