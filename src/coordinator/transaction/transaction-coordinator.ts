/**
 * The transaction coordinator as handlers see it: each request finds the shard of its transactional id. Answers are values; a shard that is not
 * led, still loading or whose write failed gives the protocol's error.
 */
import type { Clock } from '../../clock.js'
import { ErrorCode } from '../../protocol/error-codes.js'
import type { CoordinatorLog } from '../coordinator-log.js'
import { fitsRecord } from '../group/storable.js'
import { partitionFor } from '../partition-for.js'
import { CoordinatorRuntime, type CoordinatorLogger } from '../runtime.js'
import { MarkerWriter, type MarkerWriterOptions } from './marker-writer.js'
import type * as messages from './messages.js'
import { transactionCodec } from './transaction-codec.js'
import type { TransactionConfig } from './transaction-config.js'
import { NO_PARTITIONS, type TransactionRecord } from './transaction-metadata.js'
import { NEEDS_PRODUCER_ID, TransactionShard, failedProducer, undescribed, type TransactionTimer } from './transaction-shard.js'

export const TRANSACTION_TOPIC = '__transaction_state'

export interface TransactionCoordinatorOptions extends Pick<MarkerWriterOptions, 'append' | 'exists'> {
  readonly clock: Clock
  readonly logger: CoordinatorLogger
  readonly log: CoordinatorLog
  readonly config: TransactionConfig
  /** How many partitions `__transaction_state` has, or would get. */
  readonly partitions: () => number
  /** Of a partition that this broker leads. */
  readonly leaderEpoch: (partition: number) => number
  /** The level of the cluster's feature `transaction.version`. */
  readonly transactionVersion: () => number
  readonly nextProducerId: () => Promise<{ readonly errorCode: number; readonly producerId: number }>
  /** Only tells what is in the log. */
  readonly readOnly?: boolean
  /** Handles requests that have arrived already, before a transaction may time out. */
  readonly beforeTimers?: () => void
}

export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions
  readonly #runtime: CoordinatorRuntime<TransactionShard, TransactionRecord, TransactionTimer>
  readonly #markers: MarkerWriter

  constructor(options: TransactionCoordinatorOptions) {
    this.#options = options
    const { clock, logger, log, config, leaderEpoch, transactionVersion, beforeTimers, append, exists, readOnly = false } = options
    const markers = (this.#markers = new MarkerWriter({
      clock,
      logger,
      append,
      exists,
      written: (job) => {
        const { coordinatorPartition } = job
        void this.#runtime.run<void>(
          coordinatorPartition,
          () => undefined,
          (shard, reply, effects) => {
            shard.markersWritten(job, effects)
            effects.reply(reply, undefined)
          }
        )
      }
    }))
    this.#runtime = new CoordinatorRuntime({
      topic: TRANSACTION_TOPIC,
      clock,
      log,
      logger,
      codec: transactionCodec(transactionVersion),
      newShard: (partition) =>
        new TransactionShard({
          config,
          partition,
          coordinatorEpoch: leaderEpoch(partition),
          transactionVersion,
          markers,
          readOnly,
          maxBatchBytes: () => log.maxBatchBytes(partition)
        }),
      ...(beforeTimers && { beforeTimers })
    })
  }

  /** The partition of `__transaction_state` that holds the transactional id; its leader is the id's coordinator. */
  partitionFor(transactionalId: string): number {
    return partitionFor(transactionalId, this.#options.partitions())
  }

  /** This broker leads the partition: loads it. */
  elect(partition: number): Promise<void> {
    return this.#runtime.elect(partition)
  }

  /** This broker leads the partition no longer. */
  resign(partition: number): void {
    this.#runtime.resign(partition)
    this.#markers.giveUp(partition)
  }

  /** Resolved when all partitions that are loading now are loaded. */
  whenLoaded(): Promise<void> {
    return this.#runtime.whenLoaded()
  }

  /** A producer id and epoch for the transactional id. An open transaction of it is aborted first. */
  initProducerId(request: messages.InitProducerIdRequest): Promise<messages.ProducerAnswer> {
    const { transactionalId, timeoutMs, enableTwoPhaseCommit } = request
    const { config } = this.#options
    const refuse = (errorCode: number) => Promise.resolve(failedProducer(errorCode))
    if (transactionalId === '' || !fitsRecord(transactionalId)) return refuse(ErrorCode.INVALID_REQUEST)
    if (enableTwoPhaseCommit && !config.twoPhaseCommit) return refuse(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if (request.keepPreparedTransaction) return refuse(ErrorCode.UNSUPPORTED_VERSION)
    if (!enableTwoPhaseCommit && (timeoutMs <= 0 || timeoutMs > config.maxTimeoutMs)) return refuse(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
    return this.#withProducerId((newProducerId) =>
      this.#runtime.run<messages.ProducerAnswer | typeof NEEDS_PRODUCER_ID>(
        this.partitionFor(transactionalId),
        failedProducer,
        (shard, reply, effects) => shard.initProducerId(request, newProducerId, reply, effects)
      )
    )
  }

  /** Resolved, to an error code, when it is written that the partitions are part of the transaction. */
  addPartitions(request: messages.AddPartitionsRequest): Promise<number> {
    if (request.transactionalId === '') return Promise.resolve(ErrorCode.INVALID_REQUEST)
    return this.#runtime.run<number>(
      this.partitionFor(request.transactionalId),
      (errorCode) => errorCode,
      (shard, reply, effects) => shard.addPartitions(request, reply, effects)
    )
  }

  /** Whether the partitions are part of the producer's transaction (KIP-890). */
  verifyPartitions(request: messages.VerifyPartitionsRequest): Promise<messages.VerifyPartitionsAnswer> {
    const failed = (errorCode: number): messages.VerifyPartitionsAnswer => ({ errorCode, missing: NO_PARTITIONS })
    if (request.transactionalId === '') return Promise.resolve(failed(ErrorCode.INVALID_REQUEST))
    return this.#runtime.run(this.partitionFor(request.transactionalId), failed, (shard, reply, effects) =>
      effects.reply(reply, shard.verifyPartitions(request))
    )
  }

  /**
   * Whether the partitions are part of the producer's transaction now, and its end is not decided: what is appended to them in this turn of the
   * event loop is in the log before any marker.
   */
  isOpen(request: messages.VerifyPartitionsRequest): boolean {
    const answer = this.#runtime.peek(this.partitionFor(request.transactionalId))?.verifyPartitions(request)
    return answer?.errorCode === ErrorCode.NONE && answer.missing.size === 0
  }

  /** Resolved when the end is decided and that is written; the markers follow. Id and epoch are those of the producer's next transaction. */
  endTransaction(request: messages.EndTransactionRequest): Promise<messages.ProducerAnswer> {
    const { transactionalId } = request
    if (transactionalId === '') return Promise.resolve(failedProducer(ErrorCode.INVALID_REQUEST))
    return this.#withProducerId((newProducerId) =>
      this.#runtime.run<messages.ProducerAnswer | typeof NEEDS_PRODUCER_ID>(
        this.partitionFor(transactionalId),
        failedProducer,
        (shard, reply, effects) => shard.endTransaction(request, newProducerId, reply, effects)
      )
    )
  }

  describe(transactionalId: string): Promise<messages.DescribedTransaction> {
    if (transactionalId === '') return Promise.resolve(undescribed(transactionalId, ErrorCode.INVALID_REQUEST))
    return this.#runtime.run(
      this.partitionFor(transactionalId),
      (errorCode) => undescribed(transactionalId, errorCode),
      (shard, reply, effects) => effects.reply(reply, shard.describe(transactionalId))
    )
  }

  /** The transactional ids coordinated here. One partition that is loading makes the answer COORDINATOR_LOAD_IN_PROGRESS. */
  async list(filter: messages.TransactionFilter): Promise<{ errorCode: number; transactions: messages.ListedTransaction[] }> {
    const answers = await Promise.all(
      this.#runtime.partitions().map((partition) =>
        this.#runtime.run<{ errorCode: number; transactions: messages.ListedTransaction[] }>(
          partition,
          (errorCode) => ({ errorCode: errorCode === ErrorCode.NOT_COORDINATOR ? ErrorCode.NONE : errorCode, transactions: [] }),
          (shard, reply, effects) => effects.reply(reply, { errorCode: ErrorCode.NONE, transactions: shard.list(filter, effects.now) })
        )
      )
    )
    const failed = answers.find(({ errorCode }) => errorCode !== ErrorCode.NONE)
    return failed ?? { errorCode: ErrorCode.NONE, transactions: answers.flatMap(({ transactions }) => transactions) }
  }

  /** Answers what is parked and waits for writes under way. Markers that are not written yet are written after the next start. */
  async close(): Promise<void> {
    this.#markers.close()
    await this.#runtime.close()
  }

  async #withProducerId(
    ask: (newProducerId?: number) => Promise<messages.ProducerAnswer | typeof NEEDS_PRODUCER_ID>
  ): Promise<messages.ProducerAnswer> {
    const answer = await ask()
    if (answer !== NEEDS_PRODUCER_ID) return answer
    const next = await this.#options.nextProducerId()
    // A client asks again after this one, and does not after an error of storage.
    if (next.errorCode !== ErrorCode.NONE) return failedProducer(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    const again = await ask(next.producerId)
    return again === NEEDS_PRODUCER_ID ? failedProducer(ErrorCode.CONCURRENT_TRANSACTIONS) : again
  }
}
