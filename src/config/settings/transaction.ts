/** Idempotent producers and transactions. */
import { boolean, int, short } from '../setting.js'

export const producerSettings = {
  'producer.id.expiration.check.interval.ms': int(600000, 'How often expired producers are looked for.', { min: 1, internal: true }),
  'producer.id.expiration.ms': int(86400000, 'The state of an idempotent producer is forgotten when it was silent for so long.', {
    change: 'cluster-wide',
    min: 1
  })
}

export const transactionSettings = {
  'add.partitions.to.txn.retry.backoff.max.ms': int(
    100,
    'How long a request waits for the end of the transaction before, until the client is asked to come again.',
    { min: 0 }
  ),
  'add.partitions.to.txn.retry.backoff.ms': int(20, 'Pause before verifying a partition of a transaction again.', {
    min: 1,
    ignored: true
  }),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': int(10000, 'How often transactions that timed out are aborted.', {
    min: 1
  }),
  'transaction.max.timeout.ms': int(900000, 'The longest transaction timeout that a producer may ask for.', { min: 1 }),
  'transaction.partition.verification.enable': boolean(true, 'A partition must be part of the transaction before records are taken.', {
    change: 'cluster-wide'
  }),
  'transaction.remove.expired.transaction.cleanup.interval.ms': int(3600000, 'How often expired transactional ids are removed.', {
    min: 1
  }),
  'transaction.state.log.load.buffer.size': int(
    5242880,
    'Bytes that are read at a time when a partition of __transaction_state is loaded.',
    { min: 1 }
  ),
  'transaction.state.log.min.isr': int(2, 'min.insync.replicas of __transaction_state when it is created.', { min: 1 }),
  'transaction.state.log.num.partitions': int(50, 'Partitions of __transaction_state when it is created. Can not change later.', {
    min: 1
  }),
  'transaction.state.log.replication.factor': short(
    3,
    'Replication factor of __transaction_state when it is created; on one node it has one replica.',
    { min: 1 }
  ),
  'transaction.state.log.segment.bytes': int(104857600, 'Segment size of __transaction_state.', { min: 1 }),
  'transaction.two.phase.commit.enable': boolean(false, 'Allows transactions without a timeout, for two-phase commit.'),
  'transactional.id.expiration.ms': int(604800000, 'A transactional id without transactions for so long is forgotten.', { min: 1 })
}
