/**
 * AddRaftVoter (API 80): Adds a voter to the metadata quorum (KIP-853).
 *
 * Version notes (+ field added, - field removed):
 * v1: the answer may come before the change is committed (KIP-1186); request + ackWhenCommitted
 */
import { api } from '../api.js'
import { array, bool, int16, int32, message, string, struct, uint16, uuid } from '../schema.js'

export const addRaftVoter = api({
  key: 80,
  name: 'AddRaftVoter',
  stable: [0, 1],
  request: message({
    name: 'AddRaftVoterRequest',
    versions: [0, 1],
    flexible: 0,
    fields: {
      clusterId: string({ nullable: 0 }),
      timeoutMs: int32(),
      voterId: int32(),
      voterDirectoryId: uuid(),
      listeners: array(
        struct({
          name: string(),
          host: string(),
          port: uint16()
        })
      ),
      ackWhenCommitted: bool({ since: 1, absent: true })
    }
  }),
  response: message({
    name: 'AddRaftVoterResponse',
    versions: [0, 1],
    flexible: 0,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      errorCode: int16(),
      errorMessage: string({ nullable: 0 })
    }
  })
})
