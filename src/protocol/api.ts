/** One API of the protocol: request and response side by side, and the versions that are stable. */
import type { MessageSchema } from './schema.js'

export interface Api<Q extends MessageSchema = MessageSchema, R extends MessageSchema = MessageSchema> {
  readonly key: number
  readonly name: string
  readonly request: Q
  readonly response: R
  /** First and last version that Apache Kafka 4.3.1 serves; absent where it has no such API. The schemas go up to 4.4.0's. */
  readonly stable?: readonly [number, number]
}

export function api<Q extends MessageSchema, R extends MessageSchema>(definition: Api<Q, R>): Api<Q, R> {
  return { ...definition, response: { ...definition.response, dropsLacking: true } }
}

export function isFlexible(schema: MessageSchema, version: number): boolean {
  return schema.flexible !== undefined && version >= schema.flexible
}
