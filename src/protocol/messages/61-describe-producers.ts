/**
 * DescribeProducers (API 61): Lists the producers that are active in partitions (KIP-664).
 */
import { api } from '../api.js'
import { array, int16, int32, int64, message, string, struct } from '../schema.js'

export const describeProducers = api({
  key: 61,
  name: 'DescribeProducers',
  stable: [0, 0],
  request: message({
    name: 'DescribeProducersRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      topics: array(
        struct({
          name: string(),
          partitionIndexes: array(int32())
        })
      )
    }
  }),
  response: message({
    name: 'DescribeProducersResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      topics: array(
        struct({
          name: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              errorCode: int16(),
              errorMessage: string({ absent: null, nullable: 0 }),
              activeProducers: array(
                struct({
                  producerId: int64(),
                  producerEpoch: int32(),
                  lastSequence: int32({ absent: -1 }),
                  lastTimestamp: int64({ absent: -1 }),
                  coordinatorEpoch: int32(),
                  currentTxnStartOffset: int64({ absent: -1 })
                })
              )
            })
          )
        })
      )
    }
  })
})
