/**
 * What a coordinator is made of. A shard is the state of one partition of the coordinator's topic: a pure state machine. It is given
 * operations (requests, timers, news from the metadata) and acts only through `Effects`; it does no I/O and knows no promise.
 *
 * - Hard state is written by `replay` alone, with records, in the order of the log: the same for live work and for loading. An operation
 *   that wants to change it emits a record, which is replayed at once (speculatively).
 * - Soft state (sessions, parked requests, a rebalance in progress) may be changed by operations, and is lost with the shard.
 * - Answers are held back until every record emitted before them is written. When a write fails the shard is dropped with all its
 *   answers, and a new one is loaded from the log, so that nobody has seen what the log does not hold.
 */

import type { TransactionalProducer } from './coordinator-log.js'

declare const response: unique symbol

/** The place a response of type T goes to. A shard may keep it: the request is parked. It must be answered exactly once. */
export interface Reply<T> {
  readonly [response]?: T
}

/** What an operation may do. R: the coordinator's record, E: what its timers carry. */
export interface Effects<R, E> {
  /** Milliseconds since the epoch; one value for the whole operation. */
  readonly now: number
  /** Replays `record` on the shard, then queues it to be written. */
  emit(record: R): void
  /** As `emit`, as part of the producer's transaction: the record counts when `replayTransactionEnd` says so. */
  emitInTransaction(producer: TransactionalProducer, record: R): void
  /** Answers; released when all that was emitted before is written. */
  reply<T>(to: Reply<T>, answer: T): void
  /**
   * The shard's `onTimer` is called with `event` when all that was emitted before is written: for what must not be done to the rest of the
   * world while a crash could make it undone here. Lost with the shard.
   */
  whenWritten(event: E): void
  /** After `delayMs` the shard's `onTimer` is called with `event`. Replaces the timer of the same `key`. */
  schedule(key: string, delayMs: number, event: E): void
  cancel(key: string): void
}

/** Where in the log a replayed record comes from. */
export interface RecordOrigin {
  /** Of the transaction that the record belongs to; -1: none. */
  readonly producerId: number
}

export const NOT_TRANSACTIONAL: RecordOrigin = { producerId: -1 }

export interface Shard<R, E> {
  replay(record: R, origin: RecordOrigin): void
  /** A transaction marker: what `producerId` wrote is now valid, or void. */
  replayTransactionEnd(producerId: number, committed: boolean): void
  /** Once, after the log is replayed and before the first operation: sets the timers of what was loaded. */
  onLoaded(effects: Effects<R, E>): void
  onTimer(event: E, effects: Effects<R, E>): void
}
