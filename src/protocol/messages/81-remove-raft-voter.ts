/**
 * RemoveRaftVoter (API 81): Removes a voter from the metadata quorum (KIP-853).
 */
import { api } from '../api.js'
import { int16, int32, message, string, uuid } from '../schema.js'

export const removeRaftVoter = api({
  key: 81,
  name: 'RemoveRaftVoter',
  stable: [0, 0],
  request: message({
    name: 'RemoveRaftVoterRequest',
    versions: [0, 0],
    flexible: 0,
    fields: {
      clusterId: string({ nullable: 0 }),
      voterId: int32(),
      voterDirectoryId: uuid()
    }
  }),
  response: message({
    name: 'RemoveRaftVoterResponse',
    versions: [0, 0],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ nullable: 0 })
    }
  })
})
