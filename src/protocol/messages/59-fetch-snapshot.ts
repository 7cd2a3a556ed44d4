/**
 * FetchSnapshot (API 59): Reads a part of a snapshot of the metadata log (KIP-630).
 *
 * Version notes (+ field added, - field removed):
 * v1: directory id of the replica, addresses of leaders (KIP-853); request + topics.partitions.replicaDirectoryId; response +
 *   nodeEndpoints
 */
import { api } from '../api.js'
import { array, int16, int32, int64, message, records, string, struct, uint16, uuid } from '../schema.js'

export const fetchSnapshot = api({
  key: 59,
  name: 'FetchSnapshot',
  stable: [0, 1],
  request: message({
    name: 'FetchSnapshotRequest',
    versions: [0, 1],
    flexible: 0,
    fields: {
      clusterId: string({ absent: null, nullable: 0, tag: 0 }),
      replicaId: int32({ absent: -1 }),
      maxBytes: int32({ absent: 2147483647 }),
      topics: array(
        struct({
          name: string(),
          partitions: array(
            struct({
              partition: int32(),
              currentLeaderEpoch: int32(),
              snapshotId: struct({
                endOffset: int64(),
                epoch: int32()
              }),
              position: int64(),
              replicaDirectoryId: uuid({ since: 1, tag: 0, ignorable: true })
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'FetchSnapshotResponse',
    versions: [0, 1],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      topics: array(
        struct({
          name: string(),
          partitions: array(
            struct({
              index: int32(),
              errorCode: int16(),
              snapshotId: struct({
                endOffset: int64(),
                epoch: int32()
              }),
              currentLeader: struct(
                {
                  leaderId: int32(),
                  leaderEpoch: int32()
                },
                { tag: 0 }
              ),
              size: int64(),
              position: int64(),
              unalignedRecords: records()
            })
          )
        })
      ),
      nodeEndpoints: array(
        struct({
          nodeId: int32(),
          host: string(),
          port: uint16()
        }),
        { since: 1, tag: 0 }
      )
    }
  })
})
