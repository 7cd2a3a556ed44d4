/** Requests and answers of the transaction coordinator, as its state machine takes them. */
import type { PartitionSet } from './transaction-metadata.js'
import type { ProducerIdentity } from './transitions.js'

export interface InitProducerIdRequest {
  readonly transactionalId: string
  readonly timeoutMs: number
  /** What a producer that goes on after an error says it is. */
  readonly expected: ProducerIdentity | undefined
  /** Without a time-out, for two-phase commit (KIP-939). */
  readonly enableTwoPhaseCommit: boolean
  readonly keepPreparedTransaction: boolean
}

/** Id and epoch are -1 on error. */
export interface ProducerAnswer extends ProducerIdentity {
  readonly errorCode: number
}

export interface AddPartitionsRequest extends ProducerIdentity {
  readonly transactionalId: string
  readonly partitions: PartitionSet
  /** 2: the producer adds partitions by writing to them (KIP-890). */
  readonly clientVersion: number
}

export interface VerifyPartitionsRequest extends ProducerIdentity {
  readonly transactionalId: string
  readonly partitions: PartitionSet
}

/** `errorCode` is 0: the answer is `missing`, the partitions that are no part of the transaction. */
export interface VerifyPartitionsAnswer {
  readonly errorCode: number
  readonly missing: PartitionSet
}

export interface EndTransactionRequest extends ProducerIdentity {
  readonly transactionalId: string
  readonly commit: boolean
  readonly clientVersion: number
}

export interface DescribedTransaction extends ProducerIdentity {
  readonly errorCode: number
  readonly transactionalId: string
  readonly transactionState: string
  readonly transactionTimeoutMs: number
  readonly transactionStartTimeMs: number
  readonly topics: { topic: string; partitions: number[] }[]
}

export interface TransactionFilter {
  /** By Kafka's names; empty: all. */
  readonly states: readonly string[]
  readonly producerIds: readonly number[]
  /** Only what began longer ago; -1: all. */
  readonly longerThanMs: number
}

export interface ListedTransaction {
  readonly transactionalId: string
  readonly producerId: number
  readonly transactionState: string
}
