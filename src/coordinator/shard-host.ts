/**
 * One shard and the shell around it: loading, the queue of records to write, the answers that wait for them, timers. Everything runs on the
 * JavaScript thread; an operation is never interleaved with another.
 */
import assert from 'node:assert/strict'
import { ErrorCode } from '../protocol/error-codes.js'
import { coordinatorError } from './append-errors.js'
import type { EncodedRecord, TransactionalProducer } from './coordinator-log.js'
import type { Operation, RuntimeOptions } from './runtime.js'
import { NOT_TRANSACTIONAL, type Effects, type RecordOrigin, type Reply, type Shard } from './shard.js'
import { NamedTimers } from './timers.js'

/** Enough to share the cost of an append among many; a larger batch only makes its answers wait. */
const MAX_BATCH_BYTES = 512 * 1024
/** What a batch and each of its records take besides keys and values, at most. */
const BATCH_OVERHEAD_BYTES = 64
const RECORD_OVERHEAD_BYTES = 32
/** Appends under way at once. More operations meanwhile share the next batch. */
const MAX_IN_FLIGHT = 4
/** Between two loads of a partition that keeps failing. */
const RELOAD_DELAY_MS = 1000

/** A request that has no answer yet: parked, or its answer waits for a write. */
interface Pending {
  resolve(answer: unknown): void
  failed(errorCode: number): unknown
}

interface Batch {
  /** A batch belongs to one transaction, or to none. */
  readonly producer: TransactionalProducer | undefined
  readonly records: EncodedRecord[]
  bytes: number
  /** What it may grow to. */
  readonly limit: number
  /** Given after the batch's first record and before the next batch; released when the batch is written. */
  readonly answers: { readonly to: Pending; readonly answer: unknown }[]
}

/** `dropped`: the shard is given up, appends are still under way; it is loaded anew when they have ended. */
type State = 'loading' | 'active' | 'dropped' | 'closed'

export class ShardHost<S extends Shard<R, E>, R, E> {
  readonly #partition: number
  readonly #options: RuntimeOptions<S, R>
  readonly #timers: NamedTimers<E>
  #shard: S | undefined
  #state: State = 'loading'
  /** Counts the shards that lived here, so that what belongs to an earlier one is recognized. */
  #incarnation = 0
  #lastLoadAt = Number.NEGATIVE_INFINITY
  readonly #pending = new Set<Pending>()
  /** Not given to the log yet; the last one is open. */
  #queue: Batch[] = []
  readonly #inFlight: Batch[] = []
  /** Resolved when all batches given to the log so far have an outcome that is dealt with. */
  #settled: Promise<void> = Promise.resolve()
  #flushScheduled = false
  #announceLoaded: () => void = () => {}
  /** Resolved when the shard is loaded, or this host closed. */
  loaded: Promise<void> = Promise.resolve()

  constructor(partition: number, options: RuntimeOptions<S, R>) {
    this.#partition = partition
    this.#options = options
    this.#timers = new NamedTimers<E>(
      options.clock,
      () => options.beforeTimers?.(),
      (event) => this.runSilently((shard, effects) => shard.onTimer(event, effects)),
      options.standing
    )
  }

  get #name(): string {
    return `${this.#options.topic}-${this.#partition}`
  }

  /** Undefined while it is not loaded. */
  get shard(): S | undefined {
    return this.#shard
  }

  load(): void {
    this.#state = 'loading'
    this.loaded = new Promise((resolve) => (this.#announceLoaded = resolve))
    const { clock } = this.#options
    const incarnation = ++this.#incarnation
    const delayMs = this.#lastLoadAt + RELOAD_DELAY_MS - clock.monotonic()
    if (delayMs > 0) clock.schedule(delayMs, () => void this.#load(incarnation))
    else void this.#load(incarnation)
  }

  async #load(incarnation: number): Promise<void> {
    if (this.#incarnation !== incarnation) return
    this.#lastLoadAt = this.#options.clock.monotonic()
    const { newShard, codec, log, logger } = this.#options
    const shard = newShard(this.#partition)
    let records = 0
    try {
      await log.load(this.#partition, {
        record: (key, value, _offset, producerId) => {
          records++
          const record = codec.decode(key, value)
          if (record !== undefined) shard.replay(record, producerId < 0 ? NOT_TRANSACTIONAL : { producerId })
        },
        marker: (producerId, committed) => shard.replayTransactionEnd(producerId, committed)
      })
    } catch (error) {
      if (this.#incarnation !== incarnation) return
      logger.error(`${this.#name} cannot be loaded, will be tried again: ${describe(error)}`)
      this.#options.clock.schedule(RELOAD_DELAY_MS, () => void this.#load(incarnation))
      return
    }
    if (this.#incarnation !== incarnation) return
    this.#shard = shard
    this.#state = 'active'
    if (records > 0) logger.info(`coordinator of ${this.#name} loaded ${records} records`)
    this.runSilently((loaded, effects) => loaded.onLoaded(effects))
    this.#announceLoaded()
  }

  run<T>(failed: (errorCode: number) => T, operation: Operation<S, R, E, T>): Promise<T> {
    const shard = this.#shard
    if (!shard) return Promise.resolve(failed(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS))
    return new Promise<T>((resolve, reject) => {
      const pending: Pending = { resolve, failed }
      this.#pending.add(pending)
      try {
        operation(shard, pending as Reply<T>, this.#effects())
      } catch (error) {
        // State may be half changed: nothing of this shard can be trusted any longer. The bug itself is the caller's to report.
        this.#pending.delete(pending)
        reject(error)
        this.#drop(ErrorCode.UNKNOWN_SERVER_ERROR)
      }
    })
  }

  /** As `run`, without an answer. Does nothing while the shard is not loaded. */
  runSilently(operation: (shard: S, effects: Effects<R, E>) => void): void {
    const shard = this.#shard
    if (!shard) return
    try {
      operation(shard, this.#effects())
    } catch (error) {
      this.#options.logger.error(`coordinator of ${this.#name} failed and is loaded anew: ${describe(error)}`)
      this.#drop(ErrorCode.UNKNOWN_SERVER_ERROR)
    }
  }

  runWhenLoaded(operation: (shard: S, effects: Effects<R, E>) => void): void {
    if (this.#shard) this.runSilently(operation)
    else void this.loaded.then(() => this.runSilently(operation))
  }

  /**
   * The marker that ends a transaction is in the log. A shard that is loading may have read so far or not: it is told again, which changes
   * nothing. One that is dropped finds the marker when it is loaded anew.
   */
  async endTransaction(producerId: number, committed: boolean): Promise<void> {
    if (this.#state === 'loading') await this.loaded
    this.runSilently((shard) => shard.replayTransactionEnd(producerId, committed))
  }

  /**
   * Undefined: nothing of a producer's transaction is on its way to the log, so that a marker which is appended in this turn of the event loop comes
   * behind all of it. Else a promise: wait for it, and ask again.
   */
  underWay(producerId: number): Promise<void> | undefined {
    const itsOwn = ({ producer }: Batch): boolean => producer?.producerId === producerId
    if (this.#queue.some(itsOwn)) this.#flush(Number.POSITIVE_INFINITY)
    return this.#inFlight.some(itsOwn) ? this.#settled : undefined
  }

  /** Ends this host. What is emitted is still written, its answers wait for that; parked requests get `errorCode`. */
  close(errorCode: number): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#flush(Number.POSITIVE_INFINITY)
    this.#giveUp(errorCode)
    this.#announceLoaded()
  }

  /** Resolved when no append is under way. Of use after `close`. */
  settled(): Promise<void> {
    return this.#settled
  }

  #effects(): Effects<R, E> {
    const incarnation = this.#incarnation
    return {
      now: this.#options.clock.now(),
      emit: (record) => this.#emit(incarnation, record, NOT_TRANSACTIONAL, undefined),
      emitInTransaction: (producer, record) => this.#emit(incarnation, record, producer, producer),
      reply: (to, answer) => this.#answer(to as Pending, answer),
      whenWritten: (event) => this.#whenWritten(event),
      schedule: (key, delayMs, event) => this.#timers.schedule(key, delayMs, event),
      cancel: (key) => this.#timers.cancel(key)
    }
  }

  #emit(incarnation: number, record: R, origin: RecordOrigin, producer: TransactionalProducer | undefined): void {
    assert.equal(incarnation, this.#incarnation, 'effects outlived their operation')
    this.#shard!.replay(record, origin)
    this.#enqueue(this.#options.codec.encode(record), producer)
  }

  #answer(to: Pending, answer: unknown): void {
    assert(this.#pending.has(to), 'a request was answered twice, or by another shard')
    const last = this.#queue.at(-1) ?? this.#inFlight.at(-1)
    if (last) last.answers.push({ to, answer })
    else this.#release(to, answer)
  }

  /** An answer to the shard itself; nobody gets it when the shard is given up. */
  #whenWritten(event: E): void {
    const incarnation = this.#incarnation
    const resolve = (written: unknown): void => {
      if (written === true && incarnation === this.#incarnation) this.runSilently((shard, effects) => shard.onTimer(event, effects))
    }
    const pending: Pending = { resolve, failed: () => false }
    this.#pending.add(pending)
    this.#answer(pending, true)
  }

  #release(to: Pending, answer: unknown): void {
    this.#pending.delete(to)
    to.resolve(answer)
  }

  #enqueue(record: EncodedRecord, producer: TransactionalProducer | undefined): void {
    const bytes = RECORD_OVERHEAD_BYTES + record.key.length + (record.value?.length ?? 0)
    let batch = this.#queue.at(-1)
    if (!batch || batch.bytes + bytes > batch.limit || !sameProducer(batch.producer, producer)) {
      const limit = Math.min(MAX_BATCH_BYTES, this.#options.log.maxBatchBytes(this.#partition))
      batch = { producer, records: [], bytes: BATCH_OVERHEAD_BYTES, limit, answers: [] }
      this.#queue.push(batch)
    }
    batch.records.push(record)
    batch.bytes += bytes
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    // At the end of the turn, so that all operations of one wake-up share a batch.
    queueMicrotask(() => {
      this.#flushScheduled = false
      this.#flush(MAX_IN_FLIGHT)
    })
  }

  #flush(maxInFlight: number): void {
    while (this.#queue.length > 0 && this.#inFlight.length < maxInFlight) {
      const batch = this.#queue.shift()!
      this.#inFlight.push(batch)
      const append = this.#options.log.append(this.#partition, batch.records, batch.producer)
      this.#settled = this.#finish(append, this.#settled)
    }
  }

  /** Deals with the outcome of the oldest batch under way; outcomes are taken in the order of the log. */
  async #finish(append: Promise<{ errorCode: number }>, earlier: Promise<void>): Promise<void> {
    const { errorCode } = await append
    await earlier
    const batch = this.#inFlight.shift()
    assert(batch)
    if (errorCode === ErrorCode.NONE) for (const { to, answer } of batch.answers) this.#release(to, answer)
    else this.#appendFailed(batch, errorCode)
    if (this.#state === 'dropped') this.#reloadWhenIdle()
    else this.#flush(MAX_IN_FLIGHT)
  }

  #appendFailed(batch: Batch, errorCode: number): void {
    const answer = coordinatorError(errorCode)
    for (const { to } of batch.answers) this.#release(to, to.failed(answer))
    if (this.#state !== 'active') return
    this.#options.logger.warn(`a write to ${this.#name} failed with error ${errorCode}, its coordinator is loaded anew`)
    this.#drop(answer)
  }

  #drop(errorCode: number): void {
    if (this.#state !== 'active') return
    this.#state = 'dropped'
    this.#queue = []
    this.#giveUp(errorCode)
    this.#reloadWhenIdle()
  }

  #giveUp(errorCode: number): void {
    this.#incarnation++
    this.#shard = undefined
    this.#timers.cancelAll()
    const waiting = new Set(this.#inFlight.flatMap(({ answers }) => answers.map(({ to }) => to)))
    for (const to of this.#pending) if (!waiting.has(to)) this.#release(to, to.failed(errorCode))
  }

  #reloadWhenIdle(): void {
    if (this.#state === 'dropped' && this.#inFlight.length === 0) this.load()
  }
}

function sameProducer(a: TransactionalProducer | undefined, b: TransactionalProducer | undefined): boolean {
  return a?.producerId === b?.producerId && a?.producerEpoch === b?.producerEpoch
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
