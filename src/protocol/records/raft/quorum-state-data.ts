/** QuorumStateData. */
import { array, int32, int64, message, string, struct, uuid } from '../../schema.js'

export const quorumStateData = message({
  name: 'QuorumStateData',
  versions: [0, 1],
  flexible: 0,
  fields: {
    clusterId: string({ until: 0 }),
    leaderId: int32({ absent: -1 }),
    leaderEpoch: int32({ absent: -1 }),
    votedId: int32({ absent: -1 }),
    votedDirectoryId: uuid({ since: 1 }),
    appliedOffset: int64({ until: 0 }),
    currentVoters: array(
      struct({
        voterId: int32()
      }),
      { until: 0, nullable: 0 }
    )
  }
})
