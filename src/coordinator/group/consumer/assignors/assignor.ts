/** What a server-side assignor is given and gives: pure functions of members, subscriptions and partitions (KIP-848). */
import type { Partitions } from '../member.js'
import { range } from './range.js'
import { uniform } from './uniform.js'

export interface AssignedMember {
  readonly memberId: string
  readonly instanceId: string | null
  /** Ids of existing topics. Members with the same subscription share one set. */
  readonly topics: ReadonlySet<string>
  /** The target assignment before. */
  readonly current: Partitions
}

export interface AssignorInput {
  readonly members: readonly AssignedMember[]
  /** Partitions of each topic that a member subscribes to, by id. */
  readonly partitions: ReadonlyMap<string, number>
}

/** By member id. Members that get nothing may be missing. */
export type Assignment = ReadonlyMap<string, Partitions>
export type Assignor = (input: AssignorInput) => Assignment

const ASSIGNORS: ReadonlyMap<string, Assignor> = new Map([
  ['uniform', uniform],
  ['range', range]
])

export function isAssignor(name: string): boolean {
  return ASSIGNORS.has(name)
}

export function assignorOf(name: string): Assignor {
  return ASSIGNORS.get(name) ?? uniform
}
