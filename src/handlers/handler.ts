/**
 * What a handler is: one API, the versions that work, and a function from a decoded request to a response. Handlers never ask for the
 * version to find a field: an absent one carries the schema's default. Errors of operating are values in the response.
 */
import type { Api } from '../protocol/api.js'
import type { InputOf, MessageOf } from '../protocol/schema.js'
import type { BrokerServices } from '../broker/services.js'
import type { Frame } from '../native/runtime.js'

export interface RequestContext {
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly connection: number
  readonly listenerName: string
  /** The peer's address without its port. */
  readonly clientAddress: string
  readonly clientPort?: number
  /** The request's bytes. Valid until the handler returns; with `keepsFrame`, until what it returned has settled. */
  readonly frame: Frame
}

/** Returned instead of a response: the connection is closed (the only way to tell a producer with acks=0 of an error). */
export const closeConnection = Symbol('close connection')

/** What a handler gives back; undefined: no response is sent (Produce with acks=0). */
export type Outcome<A extends Api> = InputOf<A['response']> | undefined | typeof closeConnection

export interface Handler<A extends Api> {
  readonly api: A
  /** The versions that are advertised and answered. */
  readonly minVersion: number
  readonly maxVersion: number
  /** What ApiVersions says instead of `minVersion`, where clients need a lower one to be named. Requests below `minVersion` are refused all the same. */
  readonly advertisedMinVersion?: number
  /** The frame is released when the outcome has settled, not right after decoding: for handlers that use the record bytes in place, or whose answers may stand. */
  readonly keepsFrame?: boolean
  /** Waiting is part of the request's meaning (long poll, rebalance), so that a long one is not a slow one. */
  readonly parks?: boolean
  /** May run while earlier requests of the same kind on its connection are still unanswered. Only Produce. */
  readonly pipelined?: boolean
  handle(request: MessageOf<A['request']>, context: RequestContext, broker: BrokerServices): Outcome<A> | Promise<Outcome<A>>
  /** The response that carries `errorCode` when `handle` failed by a bug. Absent: `{ errorCode }`. */
  failed?(request: MessageOf<A['request']>, errorCode: number): InputOf<A['response']>
}

/** Fixes the type of one handler, so that request and response are checked against its schema. */
export function handler<A extends Api>(definition: Handler<A>): Handler<A> {
  return definition
}
