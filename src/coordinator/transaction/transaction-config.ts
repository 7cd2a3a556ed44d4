/** The settings that the state machine of transactions depends on; names of Apache Kafka in the comments. */
import type { BrokerConfig } from '../../config/broker-config.js'

export interface TransactionConfig {
  /** transaction.max.timeout.ms */
  readonly maxTimeoutMs: number
  /** transaction.two.phase.commit.enable */
  readonly twoPhaseCommit: boolean
  /** transaction.abort.timed.out.transaction.cleanup.interval.ms */
  readonly timeoutCheckIntervalMs: number
  /** transactional.id.expiration.ms */
  readonly idExpirationMs: number
  /** transaction.remove.expired.transaction.cleanup.interval.ms */
  readonly idExpirationCheckIntervalMs: number
  /** add.partitions.to.txn.retry.backoff.max.ms: how long a request waits for the end of the transaction before, until it is sent back. */
  readonly maxWaitMs: number
}

export const DEFAULT_TRANSACTION_CONFIG: TransactionConfig = {
  maxTimeoutMs: 900_000,
  twoPhaseCommit: false,
  timeoutCheckIntervalMs: 10_000,
  idExpirationMs: 7 * 24 * 3_600_000,
  idExpirationCheckIntervalMs: 3_600_000,
  maxWaitMs: 100
}

/** Of the broker's settings; none of them changes while it runs. */
export function transactionConfigOf(config: BrokerConfig): TransactionConfig {
  return {
    maxTimeoutMs: config.get('transaction.max.timeout.ms'),
    twoPhaseCommit: config.get('transaction.two.phase.commit.enable'),
    timeoutCheckIntervalMs: config.get('transaction.abort.timed.out.transaction.cleanup.interval.ms'),
    idExpirationMs: config.get('transactional.id.expiration.ms'),
    idExpirationCheckIntervalMs: config.get('transaction.remove.expired.transaction.cleanup.interval.ms'),
    maxWaitMs: config.get('add.partitions.to.txn.retry.backoff.max.ms')
  }
}
