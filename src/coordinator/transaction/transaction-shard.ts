/** One partition of `__transaction_state`: the transactional ids in it. Rules are in transitions.ts; here is what happens around them. */
import { ErrorCode } from '../../protocol/error-codes.js'
import type { Effects, Reply, Shard } from '../shard.js'
import type { MarkerJob, TransactionMarkers } from './markers.js'
import type * as messages from './messages.js'
import { storedBytes } from './transaction-codec.js'
import type { TransactionConfig } from './transaction-config.js'
import {
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  containsAll,
  isEnding,
  partitionSet,
  type TransactionMetadata,
  type TransactionRecord
} from './transaction-metadata.js'
import { addPartitions, completed, end, fence, initialize, isKnown, producerError, type Step } from './transitions.js'

export type TransactionTimer =
  /** The end of a transaction is decided, and that is written: its markers may go out. */
  | { readonly type: 'prepared'; readonly transactionalId: string }
  /** Requests have waited long enough for the end of a transaction. */
  | { readonly type: 'waited'; readonly transactionalId: string }
  | { readonly type: 'time-outs' }
  | { readonly type: 'expiration' }

export type TransactionEffects = Effects<TransactionRecord, TransactionTimer>

export interface TransactionShardOptions {
  readonly config: TransactionConfig
  readonly partition: number
  /** The leader epoch of the partition. */
  readonly coordinatorEpoch: number
  /** Nothing that was begun is carried on: neither markers nor time-outs. */
  readonly readOnly?: boolean
  /** The level of the cluster's feature. */
  readonly transactionVersion: () => number
  readonly markers: TransactionMarkers
  /** What the topic takes as one batch (`max.message.bytes`); without it anything. */
  readonly maxBatchBytes?: () => number
}

/** The answer to a request that needs a producer id which nobody has: ask again with one. */
export const NEEDS_PRODUCER_ID = Symbol('needs a producer id')

/** A request that waits until the transaction before is complete. `asks` answers it, or gives back false to wait on. */
interface Waiting {
  ask(effects: TransactionEffects): boolean
  giveUp(effects: TransactionEffects): void
}

export class TransactionShard implements Shard<TransactionRecord, TransactionTimer> {
  readonly #options: TransactionShardOptions
  readonly #transactions = new Map<string, TransactionMetadata>()
  /** Those that are Ongoing: the only ones that can time out. */
  readonly #ongoing = new Set<string>()
  /** Whose markers are being written. Soft: another shard sends them again. */
  readonly #jobs = new Map<string, MarkerJob>()
  readonly #waiting = new Map<string, Waiting[]>()
  #watchesTimeouts = false

  constructor(options: TransactionShardOptions) {
    this.#options = options
  }

  // The writer of hard state.

  replay({ transactionalId, value }: TransactionRecord): void {
    if (value === null) this.#transactions.delete(transactionalId)
    else this.#transactions.set(transactionalId, value)
    if (value?.state === 'Ongoing') this.#ongoing.add(transactionalId)
    else this.#ongoing.delete(transactionalId)
  }

  /** Nothing in this topic is part of a transaction. */
  replayTransactionEnd(): void {}

  // Events.

  /** What was decided before a crash is carried out: markers that are in their partitions already do no harm there. */
  onLoaded(effects: TransactionEffects): void {
    if (this.#options.readOnly === true) return
    for (const [transactionalId, transaction] of this.#transactions) if (isEnding(transaction)) this.#sendMarkers(transactionalId, effects)
    this.#watchTimeouts(effects)
    effects.schedule('expiration', this.#options.config.idExpirationCheckIntervalMs, { type: 'expiration' })
  }

  onTimer(event: TransactionTimer, effects: TransactionEffects): void {
    switch (event.type) {
      case 'prepared':
        return this.#sendMarkers(event.transactionalId, effects)
      case 'waited':
        for (const waiting of this.#takeWaiting(event.transactionalId)) waiting.giveUp(effects)
        return
      case 'time-outs':
        this.#watchesTimeouts = false
        this.#abortTimedOut(effects)
        return this.#watchTimeouts(effects)
      case 'expiration':
        this.#expire(effects)
        return effects.schedule('expiration', this.#options.config.idExpirationCheckIntervalMs, { type: 'expiration' })
    }
  }

  /** All markers of the job are written. A job that was replaced meanwhile, or is an earlier shard's, counts for nothing. */
  markersWritten(job: MarkerJob, effects: TransactionEffects): void {
    const { transactionalId } = job
    if (this.#jobs.get(transactionalId) !== job) return
    this.#jobs.delete(transactionalId)
    this.#complete(transactionalId, effects)
  }

  #complete(transactionalId: string, effects: TransactionEffects): void {
    const transaction = this.#transactions.get(transactionalId)
    if (!transaction || !isEnding(transaction)) return
    effects.emit({ transactionalId, value: completed(transaction, effects.now) })
    effects.cancel(`waited ${transactionalId}`)
    const waiting = this.#takeWaiting(transactionalId)
    for (const [index, one] of waiting.entries()) {
      if (one.ask(effects)) continue
      // The transaction of one that was answered is ending in turn.
      for (const other of waiting.slice(index)) this.#wait(transactionalId, other, effects)
      return
    }
  }

  #sendMarkers(transactionalId: string, effects: TransactionEffects): void {
    const transaction = this.#transactions.get(transactionalId)
    if (!transaction || !isEnding(transaction) || this.#jobs.has(transactionalId)) return
    if (transaction.partitions.size === 0) return this.#complete(transactionalId, effects)
    const { partition, coordinatorEpoch, markers } = this.#options
    const job: MarkerJob = {
      transactionalId,
      producerId: transaction.producerId,
      producerEpoch: transaction.producerEpoch,
      commit: transaction.state === 'PrepareCommit',
      coordinatorEpoch,
      transactionVersion: transaction.clientVersion,
      partitions: transaction.partitions,
      coordinatorPartition: partition
    }
    this.#jobs.set(transactionalId, job)
    markers.write(job)
  }

  /** To an ending state: the markers go out when this is written. */
  #prepare(transactionalId: string, to: TransactionMetadata, effects: TransactionEffects): void {
    effects.emit({ transactionalId, value: to })
    effects.whenWritten({ type: 'prepared', transactionalId })
  }

  #watchTimeouts(effects: TransactionEffects): void {
    if (this.#watchesTimeouts || this.#ongoing.size === 0) return
    this.#watchesTimeouts = true
    effects.schedule('time-outs', this.#options.config.timeoutCheckIntervalMs, { type: 'time-outs' })
  }

  #abortTimedOut(effects: TransactionEffects): void {
    for (const transactionalId of this.#ongoing) {
      const transaction = this.#transactions.get(transactionalId)!
      const { startMs, timeoutMs } = transaction
      if (timeoutMs === NO_TIMEOUT || startMs + timeoutMs >= effects.now) continue
      this.#prepare(transactionalId, fence(transaction, this.#options.transactionVersion(), effects.now), effects)
    }
  }

  #expire(effects: TransactionEffects): void {
    const longAgo = effects.now - this.#options.config.idExpirationMs
    for (const [transactionalId, { state, lastUpdateMs }] of this.#transactions) {
      const idle = state === 'Empty' || state === 'CompleteCommit' || state === 'CompleteAbort'
      if (idle && lastUpdateMs <= longAgo) effects.emit({ transactionalId, value: null })
    }
  }

  // Waiting for the end of a transaction. Apache Kafka sends such requests back; the producer's pause would cost more than the rest of a short
  // transaction.

  #takeWaiting(transactionalId: string): Waiting[] {
    const waiting = this.#waiting.get(transactionalId) ?? []
    this.#waiting.delete(transactionalId)
    return waiting
  }

  #wait(transactionalId: string, waiting: Waiting, effects: TransactionEffects): void {
    const others = this.#waiting.get(transactionalId)
    if (others) return void others.push(waiting)
    this.#waiting.set(transactionalId, [waiting])
    effects.schedule(`waited ${transactionalId}`, this.#options.config.maxWaitMs, { type: 'waited', transactionalId })
  }

  /** `ask` gives the answer, or undefined as long as the transaction before is ending; `busy` is the answer when it has waited too long. */
  #answerWhenEnded<T>(
    transactionalId: string,
    reply: Reply<T>,
    effects: TransactionEffects,
    ask: (effects: TransactionEffects) => T | undefined,
    busy: T
  ): void {
    const waiting: Waiting = {
      ask: (now) => {
        const answer = ask(now)
        if (answer === undefined) return false
        now.reply(reply, answer)
        return true
      },
      giveUp: (now) => now.reply(reply, busy)
    }
    // Behind those that came before.
    if (this.#waiting.has(transactionalId) || !waiting.ask(effects)) this.#wait(transactionalId, waiting, effects)
  }

  // Requests.

  initProducerId(
    request: messages.InitProducerIdRequest,
    newProducerId: number | undefined,
    reply: Reply<messages.ProducerAnswer | typeof NEEDS_PRODUCER_ID>,
    effects: TransactionEffects
  ): void {
    const ask = (now: TransactionEffects) => this.#initialize(request, newProducerId, now)
    this.#answerWhenEnded(request.transactionalId, reply, effects, ask, failedProducer(ErrorCode.CONCURRENT_TRANSACTIONS))
  }

  #initialize(request: messages.InitProducerIdRequest, newProducerId: number | undefined, effects: TransactionEffects) {
    const { transactionalId, expected } = request
    const current = this.#transactions.get(transactionalId)
    if (current?.state === 'Ongoing') {
      if (expected && !isKnown(current, expected)) return failedProducer(ErrorCode.PRODUCER_FENCED)
      this.#prepare(transactionalId, fence(current, this.#options.transactionVersion(), effects.now), effects)
      return undefined
    }
    const timeoutMs = request.enableTwoPhaseCommit ? NO_TIMEOUT : request.timeoutMs
    const step = initialize(current, { timeoutMs, expected, newProducerId, now: effects.now })
    if (step.kind === 'needs-producer-id') return NEEDS_PRODUCER_ID
    if (step.kind !== 'move') return refusal(step)
    effects.emit({ transactionalId, value: step.to })
    return { errorCode: ErrorCode.NONE, producerId: step.to.producerId, producerEpoch: step.to.producerEpoch }
  }

  addPartitions(request: messages.AddPartitionsRequest, reply: Reply<number>, effects: TransactionEffects): void {
    const { transactionalId, partitions, clientVersion } = request
    const ask = (now: TransactionEffects): number | undefined => {
      const step = addPartitions(this.#transactions.get(transactionalId), request, partitions, clientVersion, now.now)
      if (step.kind === 'refused') return isBusy(step) ? undefined : step.errorCode
      if (step.kind === 'move') {
        const record = { transactionalId, value: step.to }
        // As Kafka answers what its coordinator can't write.
        if (storedBytes(record) > (this.#options.maxBatchBytes?.() ?? Number.POSITIVE_INFINITY)) return ErrorCode.UNKNOWN_SERVER_ERROR
        now.emit(record)
      }
      this.#watchTimeouts(now)
      return ErrorCode.NONE
    }
    this.#answerWhenEnded(transactionalId, reply, effects, ask, ErrorCode.CONCURRENT_TRANSACTIONS)
  }

  /** Whether the partitions are part of the producer's transaction (KIP-890). */
  verifyPartitions(request: messages.VerifyPartitionsRequest): messages.VerifyPartitionsAnswer {
    const current = this.#transactions.get(request.transactionalId)
    const errorCode = producerError(current, request)
    const known = current?.partitions
    const missing: [string, number][] = []
    for (const [topic, indexes] of request.partitions)
      for (const index of indexes) if (!known || !containsAll(known, new Map([[topic, [index]]]))) missing.push([topic, index])
    return { errorCode, missing: partitionSet(missing) }
  }

  endTransaction(
    request: messages.EndTransactionRequest,
    newProducerId: number | undefined,
    reply: Reply<messages.ProducerAnswer | typeof NEEDS_PRODUCER_ID>,
    effects: TransactionEffects
  ): void {
    const ask = (now: TransactionEffects) => this.#end(request, newProducerId, now)
    this.#answerWhenEnded(request.transactionalId, reply, effects, ask, failedProducer(ErrorCode.CONCURRENT_TRANSACTIONS))
  }

  #end(request: messages.EndTransactionRequest, newProducerId: number | undefined, effects: TransactionEffects) {
    const { transactionalId } = request
    const current = this.#transactions.get(transactionalId)
    const step = end(current, { ...request, newProducerId, now: effects.now })
    if (step.kind === 'needs-producer-id') return NEEDS_PRODUCER_ID
    if (step.kind === 'refused') return refusal(step)
    if (step.kind === 'move') this.#prepare(transactionalId, step.to, effects)
    // Answered when the decision is written: from then on nothing but this end can come of the transaction.
    const { producerId, producerEpoch } = step.kind === 'move' ? completed(step.to, effects.now) : current!
    return { errorCode: ErrorCode.NONE, producerId, producerEpoch }
  }

  describe(transactionalId: string): messages.DescribedTransaction {
    const transaction = this.#transactions.get(transactionalId)
    if (!transaction) return undescribed(transactionalId, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
    const { state, timeoutMs, startMs, producerId, producerEpoch, partitions } = transaction
    const topics = [...partitions].map(([topic, indexes]) => ({ topic, partitions: indexes.toSorted((a, b) => a - b) }))
    return {
      errorCode: ErrorCode.NONE,
      transactionalId,
      transactionState: state,
      transactionTimeoutMs: timeoutMs,
      transactionStartTimeMs: startMs,
      producerId,
      producerEpoch,
      topics: topics.toSorted((a, b) => (a.topic < b.topic ? -1 : 1))
    }
  }

  list(filter: messages.TransactionFilter, now: number): messages.ListedTransaction[] {
    const listed: messages.ListedTransaction[] = []
    for (const [transactionalId, { state, producerId, startMs }] of this.#transactions) {
      if (filter.states.length > 0 && !filter.states.includes(state)) continue
      if (filter.producerIds.length > 0 && !filter.producerIds.includes(producerId)) continue
      if (filter.longerThanMs >= 0 && now - startMs <= filter.longerThanMs) continue
      listed.push({ transactionalId, producerId, transactionState: state })
    }
    return listed
  }
}

/** Of a transaction of two-phase commit. */
const NO_TIMEOUT = 0x7fffffff

export function failedProducer(errorCode: number): messages.ProducerAnswer {
  return { errorCode, producerId: NO_PRODUCER_ID, producerEpoch: NO_PRODUCER_EPOCH }
}

export function undescribed(transactionalId: string, errorCode: number): messages.DescribedTransaction {
  return {
    errorCode,
    transactionalId,
    transactionState: '',
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0,
    producerEpoch: 0,
    topics: []
  }
}

function isBusy(step: Step): boolean {
  return step.kind === 'refused' && step.errorCode === ErrorCode.CONCURRENT_TRANSACTIONS
}

/** Undefined: it is to wait. */
function refusal(step: Step): messages.ProducerAnswer | undefined {
  return isBusy(step) || step.kind !== 'refused' ? undefined : failedProducer(step.errorCode)
}
