/**
 * TransactionLog, records of type 0: A transactional id: producer id and epoch, state, partitions, times (KIP-98); v1 adds what
 * transactions V2 need (KIP-890).
 */
import { recordType } from '../coordinator-record.js'
import { array, int16, int32, int64, int8, message, string, struct } from '../../schema.js'

export const transactionLogKey = message({
  name: 'TransactionLogKey',
  versions: [0, 0],
  fields: {
    transactionalId: string()
  }
})

export const transactionLogValue = message({
  name: 'TransactionLogValue',
  versions: [0, 1],
  flexible: 1,
  fields: {
    producerId: int64(),
    previousProducerId: int64({ since: 1, absent: -1, tag: 0 }),
    nextProducerId: int64({ since: 1, absent: -1, tag: 1 }),
    producerEpoch: int16(),
    nextProducerEpoch: int16({ since: 1, absent: -1, tag: 3 }),
    transactionTimeoutMs: int32(),
    transactionStatus: int8(),
    transactionPartitions: array(
      struct({
        topic: string(),
        partitionIds: array(int32())
      }),
      { nullable: 0 }
    ),
    transactionLastUpdateTimestampMs: int64(),
    transactionStartTimestampMs: int64(),
    clientTransactionVersion: int16({ since: 1, absent: 0, tag: 2 })
  }
})

export const transactionLog = recordType(0, transactionLogKey, transactionLogValue)
