/**
 * AssignReplicasToDirs (API 73): A broker tells the controller which log directory each replica lies in (KIP-858).
 */
import { api } from '../api.js'
import { array, int16, int32, int64, message, struct, uuid } from '../schema.js'

export const assignReplicasToDirs = api({
  key: 73,
  name: 'AssignReplicasToDirs',
  stable: [0, 0],
  request: message({
    name: 'AssignReplicasToDirsRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      brokerId: int32(),
      brokerEpoch: int64({ absent: -1 }),
      directories: array(
        struct({
          id: uuid(),
          topics: array(
            struct({
              topicId: uuid(),
              partitions: array(
                struct({
                  partitionIndex: int32()
                })
              )
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'AssignReplicasToDirsResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      directories: array(
        struct({
          id: uuid(),
          topics: array(
            struct({
              topicId: uuid(),
              partitions: array(
                struct({
                  partitionIndex: int32(),
                  errorCode: int16()
                })
              )
            })
          )
        })
      )
    }
  })
})
