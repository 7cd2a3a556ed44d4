/**
 * AlterPartitionReassignments (API 45): Starts or cancels moving partitions to other replicas (KIP-455).
 *
 * Version notes (+ field added, - field removed):
 * v1: may be told to refuse a change of the replication factor (KIP-860); request + allowReplicationFactorChange; response +
 *   allowReplicationFactorChange
 */
import { api } from '../api.js'
import { array, bool, int16, int32, message, string, struct } from '../schema.js'

export const alterPartitionReassignments = api({
  key: 45,
  name: 'AlterPartitionReassignments',
  stable: [0, 1],
  request: message({
    name: 'AlterPartitionReassignmentsRequest',
    versions: [0, 1],
    flexible: 0,
    fields: {
      timeoutMs: int32({ absent: 60000 }),
      allowReplicationFactorChange: bool({ since: 1, absent: true }),
      topics: array(
        struct({
          name: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              replicas: array(int32(), { absent: null, nullable: 0 })
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'AlterPartitionReassignmentsResponse',
    versions: [0, 1],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      allowReplicationFactorChange: bool({ since: 1, absent: true, ignorable: true }),
      errorCode: int16(),
      errorMessage: string({ nullable: 0 }),
      responses: array(
        struct({
          name: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              errorCode: int16(),
              errorMessage: string({ nullable: 0 })
            })
          )
        })
      )
    }
  })
})
