/**
 * Vote (API 52): Asks a voter of the metadata quorum for its vote (KIP-595).
 *
 * Version notes (+ field added, - field removed):
 * v1: directory ids tell voters apart (KIP-853); request + voterId, topics.partitions.replicaDirectoryId,
 *   topics.partitions.voterDirectoryId; response + nodeEndpoints
 * v2: pre-vote: would you vote for me? (KIP-996); request + topics.partitions.preVote
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int64, message, string, struct, uint16, uuid } from '../schema.js'

export const vote = api({
  key: 52,
  name: 'Vote',
  stable: [0, 2],
  request: message({
    name: 'VoteRequest',
    versions: [0, 2],
    flexible: 0,
    fields: {
      clusterId: string({ absent: null, nullable: 0 }),
      voterId: int32({ since: 1, absent: -1, ignorable: true }),
      topics: array(
        struct({
          topicName: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              replicaEpoch: int32(),
              replicaId: int32(),
              replicaDirectoryId: uuid({ since: 1, ignorable: true }),
              voterDirectoryId: uuid({ since: 1, ignorable: true }),
              lastOffsetEpoch: int32(),
              lastOffset: int64(),
              preVote: bool({ since: 2 })
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'VoteResponse',
    versions: [0, 2],
    flexible: 0,
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
              leaderEpoch: int32(),
              voteGranted: bool()
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
