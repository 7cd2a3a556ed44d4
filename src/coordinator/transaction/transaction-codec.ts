/** Records of `__transaction_state` to bytes and back. Value version 1 where the cluster's `transaction.version` allows it, as Apache Kafka. */
import { WireError } from '../../errors.js'
import {
  decodeRecordKey,
  decodeRecordValue,
  encodeRecordKey,
  encodeRecordValue,
  recordTypeOf
} from '../../protocol/records/coordinator-record.js'
import { transactionLog } from '../../protocol/records/transaction/transaction-log.js'
import type { EncodedRecord } from '../coordinator-log.js'
import type { RecordCodec } from '../runtime.js'
import { NO_PRODUCER_EPOCH, TRANSACTION_STATES, type TransactionMetadata, type TransactionRecord } from './transaction-metadata.js'

/** With all of a value but its partitions. */
const BATCH_BYTES = 160
const TOPIC_BYTES = 8
const PARTITION_BYTES = 4

/** `transactionVersion`: the level of the feature. */
export function transactionCodec(transactionVersion: () => number): RecordCodec<TransactionRecord> {
  return { encode: (record) => encode(record, transactionVersion() >= 1 ? 1 : 0), decode }
}

function encode({ transactionalId, value }: TransactionRecord, version: number): EncodedRecord {
  const key = encodeRecordKey(transactionLog, { transactionalId })
  return { key, value: value && encodeRecordValue(transactionLog, version, storedValue(value, version)) }
}

/** What a record takes as a batch of its own, by a count that is some bytes too high. */
export function storedBytes({ transactionalId, value }: TransactionRecord): number {
  let bytes = BATCH_BYTES + Buffer.byteLength(transactionalId)
  for (const [topic, indexes] of value?.partitions ?? []) bytes += TOPIC_BYTES + Buffer.byteLength(topic) + PARTITION_BYTES * indexes.length
  return bytes
}

function storedValue(value: TransactionMetadata, version: number) {
  const { state, partitions } = value
  return {
    producerId: value.producerId,
    producerEpoch: value.producerEpoch,
    transactionTimeoutMs: value.timeoutMs,
    transactionStatus: TRANSACTION_STATES.indexOf(state),
    transactionPartitions:
      state === 'Empty' ? null : [...partitions].map(([topic, partitionIds]) => ({ topic, partitionIds: [...partitionIds] })),
    transactionLastUpdateTimestampMs: value.lastUpdateMs,
    transactionStartTimestampMs: value.startMs,
    ...(version >= 1 && {
      previousProducerId: value.previousProducerId,
      nextProducerId: value.nextProducerId,
      clientTransactionVersion: value.clientVersion
    })
  }
}

/** Undefined for a record type that is not known. Throws a WireError at a malformed record, a version from the future or an unknown state. */
function decode(key: Uint8Array, value: Uint8Array | null): TransactionRecord | undefined {
  if (recordTypeOf(key) !== transactionLog.type) return undefined
  const { transactionalId } = decodeRecordKey(transactionLog, key)
  const stored = decodeRecordValue(transactionLog, value)
  if (stored === null) return { transactionalId, value: null }
  const state = TRANSACTION_STATES[stored.transactionStatus]
  if (state === undefined) throw new WireError(`the transactional id ${transactionalId} is in an unknown state ${stored.transactionStatus}`)
  return {
    transactionalId,
    value: {
      state,
      producerId: stored.producerId,
      previousProducerId: stored.previousProducerId,
      nextProducerId: stored.nextProducerId,
      producerEpoch: stored.producerEpoch,
      lastProducerEpoch: NO_PRODUCER_EPOCH,
      timeoutMs: stored.transactionTimeoutMs,
      partitions: new Map((stored.transactionPartitions ?? []).map(({ topic, partitionIds }) => [topic, partitionIds])),
      startMs: stored.transactionStartTimestampMs,
      lastUpdateMs: stored.transactionLastUpdateTimestampMs,
      clientVersion: stored.clientTransactionVersion
    }
  }
}
