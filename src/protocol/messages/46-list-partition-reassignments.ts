/**
 * ListPartitionReassignments (API 46): Lists partitions that are being moved to other replicas (KIP-455).
 */
import { api } from '../api.js'
import { array, int16, int32, message, string, struct } from '../schema.js'

export const listPartitionReassignments = api({
  key: 46,
  name: 'ListPartitionReassignments',
  stable: [0, 0],
  request: message({
    name: 'ListPartitionReassignmentsRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      timeoutMs: int32({ absent: 60000 }),
      topics: array(
        struct({
          name: string(),
          partitionIndexes: array(int32())
        }),
        { absent: null, nullable: 0 }
      )
    }
  }),
  response: message({
    name: 'ListPartitionReassignmentsResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ nullable: 0 }),
      topics: array(
        struct({
          name: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              replicas: array(int32()),
              addingReplicas: array(int32()),
              removingReplicas: array(int32())
            })
          )
        })
      )
    }
  })
})
