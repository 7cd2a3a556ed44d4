/**
 * AlterReplicaLogDirs (API 34): Moves replicas between a broker's log directories (KIP-113).
 *
 * Version notes (+ field added, - field removed):
 * v1: the broker answers first and throttles afterwards (KIP-219)
 * v2: flexible (KIP-482)
 */
import { api } from '../api.js'
import { array, int16, int32, message, string, struct } from '../schema.js'

export const alterReplicaLogDirs = api({
  key: 34,
  name: 'AlterReplicaLogDirs',
  stable: [1, 2],
  request: message({
    name: 'AlterReplicaLogDirsRequest',
    versions: [1, 2],
    flexible: 2,
    fields: {
      dirs: array(
        struct({
          path: string(),
          topics: array(
            struct({
              name: string(),
              partitions: array(int32())
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'AlterReplicaLogDirsResponse',
    versions: [1, 2],
    flexible: 2,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      results: array(
        struct({
          topicName: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              errorCode: int16()
            })
          )
        })
      )
    }
  })
})
