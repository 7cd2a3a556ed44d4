/**
 * AlterPartition (API 56): A partition leader tells the controller of a new ISR (KIP-497).
 *
 * Version notes (+ field added, - field removed):
 * v2: topic ids instead of names (KIP-841)
 * v3: broker epochs of the ISR, so that a restarted broker is not taken for its predecessor (KIP-903); request +
 *   topics.partitions.newIsrWithEpochs; request - topics.partitions.newIsr
 */
import { api } from '../api.js'
import { array, int16, int32, int64, int8, message, struct, uuid } from '../schema.js'

export const alterPartition = api({
  key: 56,
  name: 'AlterPartition',
  stable: [2, 3],
  request: message({
    name: 'AlterPartitionRequest',
    versions: [2, 3],
    flexible: 0,
    fields: {
      brokerId: int32(),
      brokerEpoch: int64({ absent: -1 }),
      topics: array(
        struct({
          topicId: uuid(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              leaderEpoch: int32(),
              newIsr: array(int32(), { until: 2 }),
              newIsrWithEpochs: array(
                struct({
                  brokerId: int32(),
                  brokerEpoch: int64({ absent: -1 })
                }),
                { since: 3 }
              ),
              leaderRecoveryState: int8({ absent: 0 }),
              partitionEpoch: int32()
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'AlterPartitionResponse',
    versions: [2, 3],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      topics: array(
        struct({
          topicId: uuid(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              errorCode: int16(),
              leaderId: int32(),
              leaderEpoch: int32(),
              isr: array(int32()),
              leaderRecoveryState: int8({ absent: 0 }),
              partitionEpoch: int32()
            })
          )
        })
      )
    }
  })
})
