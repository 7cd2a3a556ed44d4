/** What consumer groups may ask of the other groups of their shard. */
import type { ClassicGroup } from '../classic/group.js'
import type { OtherKind } from '../group-records.js'
import type { ConsumerGroup } from './group.js'

export interface GroupDirectory {
  consumer(groupId: string): ConsumerGroup | undefined
  classic(groupId: string): ClassicGroup | undefined
  otherKind(groupId: string): OtherKind | undefined
  newUuid(): string
}
