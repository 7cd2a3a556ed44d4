/**
 * UpdateRaftVoter (API 82): A voter tells its new addresses and versions (KIP-853).
 */
import { api } from '../api.js'
import { array, int16, int32, message, string, struct, uint16, uuid } from '../schema.js'

export const updateRaftVoter = api({
  key: 82,
  name: 'UpdateRaftVoter',
  stable: [0, 0],
  request: message({
    name: 'UpdateRaftVoterRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      clusterId: string({ nullable: 0 }),
      currentLeaderEpoch: int32(),
      voterId: int32(),
      voterDirectoryId: uuid(),
      listeners: array(
        struct({
          name: string(),
          host: string(),
          port: uint16()
        })
      ),
      kRaftVersionFeature: struct({
        minSupportedVersion: int16(),
        maxSupportedVersion: int16()
      })
    }
  }),
  response: message({
    name: 'UpdateRaftVoterResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      currentLeader: struct(
        {
          leaderId: int32({ absent: -1 }),
          leaderEpoch: int32({ absent: -1 }),
          host: string(),
          port: int32()
        },
        { tag: 0 }
      )
    }
  })
})
