/**
 * EndQuorumEpoch (API 54): A leader of the metadata quorum resigns and names who should stand next (KIP-595).
 *
 * Version notes (+ field added, - field removed):
 * v1: directory ids and the leader's addresses (KIP-853); flexible (KIP-482); request + topics.partitions.preferredCandidates,
 *   leaderEndpoints; request - topics.partitions.preferredSuccessors; response + nodeEndpoints
 */
import { api } from '../api.js'
import { array, int16, int32, message, string, struct, uint16, uuid } from '../schema.js'

export const endQuorumEpoch = api({
  key: 54,
  name: 'EndQuorumEpoch',
  stable: [0, 1],
  request: message({
    name: 'EndQuorumEpochRequest',
    versions: [0, 1],
    flexible: 1,
    fields: {
      clusterId: string({ absent: null, nullable: 0 }),
      topics: array(
        struct({
          topicName: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              leaderId: int32(),
              leaderEpoch: int32(),
              preferredSuccessors: array(int32(), { until: 0, ignorable: true }),
              preferredCandidates: array(
                struct({
                  candidateId: int32(),
                  candidateDirectoryId: uuid()
                }),
                { since: 1, ignorable: true }
              )
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
    name: 'EndQuorumEpochResponse',
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
