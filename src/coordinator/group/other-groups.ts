/**
 * Groups of kinds that this broker does not serve: share (KIP-932) and streams (KIP-1071) groups that an Apache Kafka has left in the log. Their
 * records stay in the log as they are; here is only kept which keys belong to which group, so that such a group is listed, and can be deleted.
 */
import { Buffer } from 'node:buffer'
import type { GroupRecord, OtherKind } from './group-records.js'

type OtherRecord = Extract<GroupRecord, { type: 'other' }>

interface OtherGroup {
  readonly kind: OtherKind
  /** In the order of the log, without those that were deleted again. */
  readonly keys: Map<string, Uint8Array>
}

export class OtherGroups {
  readonly #groups = new Map<string, OtherGroup>()

  replay({ groupId, kind, key, deleted }: OtherRecord): void {
    const group = this.#groups.get(groupId)
    const name = Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
    if (!deleted) {
      const keys = group?.kind === kind ? group.keys : new Map<string, Uint8Array>()
      keys.set(name, Uint8Array.from(key))
      this.#groups.set(groupId, { kind, keys })
    } else if (group) {
      group.keys.delete(name)
      if (group.keys.size === 0) this.#groups.delete(groupId)
    }
  }

  get size(): number {
    return this.#groups.size
  }

  kindOf(groupId: string): OtherKind | undefined {
    return this.#groups.get(groupId)?.kind
  }

  *[Symbol.iterator](): IterableIterator<{ readonly groupId: string; readonly kind: OtherKind }> {
    for (const [groupId, { kind }] of this.#groups) yield { groupId, kind }
  }

  /** The records that delete the group: what was written last goes first, as with Apache Kafka, so that the group outlives its parts. */
  tombstones(groupId: string): GroupRecord[] {
    const group = this.#groups.get(groupId)
    if (!group) return []
    return [...group.keys.values()].toReversed().map((key) => ({ type: 'other', groupId, kind: group.kind, key, deleted: true }))
  }
}
