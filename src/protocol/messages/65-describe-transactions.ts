/**
 * DescribeTransactions (API 65): Describes transactions by their ids (KIP-664).
 */
import { api } from '../api.js'
import { array, int16, int32, int64, message, string, struct } from '../schema.js'

export const describeTransactions = api({
  key: 65,
  name: 'DescribeTransactions',
  stable: [0, 0],
  request: message({
    name: 'DescribeTransactionsRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      transactionalIds: array(string())
    }
  }),
  response: message({
    name: 'DescribeTransactionsResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      transactionStates: array(
        struct({
          errorCode: int16(),
          transactionalId: string(),
          transactionState: string(),
          transactionTimeoutMs: int32(),
          transactionStartTimeMs: int64(),
          producerId: int64(),
          producerEpoch: int16(),
          topics: array(
            struct({
              topic: string(),
              partitions: array(int32())
            })
          )
        })
      )
    }
  })
})
