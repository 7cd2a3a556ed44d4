/**
 * DescribeQuorum (API 55): Describes the metadata quorum: leader, voters, observers, how far each is (KIP-595).
 *
 * Version notes (+ field added, - field removed):
 * v1: when each replica last fetched and last caught up (KIP-836)
 * v2: directory ids, addresses of the voters, error texts (KIP-853); response + errorMessage, topics.partitions.errorMessage, nodes
 */
import { api } from '../api.js'
import { array, int16, int32, int64, message, string, struct, uint16, uuid } from '../schema.js'

const replicaStateFields = {
  replicaId: int32(),
  replicaDirectoryId: uuid({ since: 2 }),
  logEndOffset: int64(),
  lastFetchTimestamp: int64({ since: 1, absent: -1, ignorable: true }),
  lastCaughtUpTimestamp: int64({ since: 1, absent: -1, ignorable: true })
}

export const describeQuorum = api({
  key: 55,
  name: 'DescribeQuorum',
  stable: [0, 2],
  request: message({
    name: 'DescribeQuorumRequest',
    versions: [0, 2],
    flexible: 0,
    fields: {
      topics: array(
        struct({
          topicName: string(),
          partitions: array(
            struct({
              partitionIndex: int32()
            })
          )
        })
      )
    }
  }),
  response: message({
    name: 'DescribeQuorumResponse',
    versions: [0, 2],
    flexible: 0,
    fields: {
      errorCode: int16(),
      errorMessage: string({ since: 2, nullable: 2, ignorable: true }),
      topics: array(
        struct({
          topicName: string(),
          partitions: array(
            struct({
              partitionIndex: int32(),
              errorCode: int16(),
              errorMessage: string({ since: 2, nullable: 2, ignorable: true }),
              leaderId: int32(),
              leaderEpoch: int32(),
              highWatermark: int64(),
              currentVoters: array(struct(replicaStateFields)),
              observers: array(struct(replicaStateFields))
            })
          )
        })
      ),
      nodes: array(
        struct({
          nodeId: int32(),
          listeners: array(
            struct({
              name: string(),
              host: string(),
              port: uint16()
            })
          )
        }),
        { since: 2 }
      )
    }
  })
})
