/**
 * BeginQuorumEpoch (API 53): A new leader of the metadata quorum makes itself known to the voters (KIP-595).
 *
 * Version notes (+ field added, - field removed):
 * v1: directory ids and the leader's addresses (KIP-853); flexible (KIP-482); request + voterId, topics.partitions.voterDirectoryId,
 *   leaderEndpoints; response + nodeEndpoints
 */
import { api } from '../api.js'
import { array, int16, int32, message, string, struct, uint16, uuid } from '../schema.js'

export const beginQuorumEpoch = api({
  key: 53,
  name: 'BeginQuorumEpoch',
  stable: [0, 1],
  request: message({
    name: 'BeginQuorumEpochRequest',
    versions: [0, 1],
    flexible: 1,
    fields: {
      clusterId: string({ absent: null, nullable: 0 }),
      voterId: int32({ since: 1, absent: -1, ignorable: true }),
      topics: array(
        struct({
          topicName: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              voterDirectoryId: uuid({ since: 1, ignorable: true }),
              leaderId: int32(),
              leaderEpoch: int32()
            })
          )
        })
      ),
      leaderEndpoints: array(
        struct({
          name: string(),
          host: string(),
          port: uint16()
        }),
        { since: 1, ignorable: true }
      )
    }
  }),
  response: message({
    name: 'BeginQuorumEpochResponse',
    versions: [0, 1],
    flexible: 1,
    fields: {
      errorCode: int16(),
      topics: array(
        struct({
          topicName: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              errorCode: int16(),
              leaderId: int32(),
              leaderEpoch: int32()
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
