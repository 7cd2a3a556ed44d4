/**
 * DeleteGroups (API 42): Deletes empty groups and their offsets (KIP-229).
 *
 * Version notes (+ field added, - field removed):
 * v1: the broker answers first and throttles afterwards (KIP-219)
 * v2: flexible (KIP-482)
 * v3: error texts; response + results.errorMessage
 */
import { api } from '../api.js'
import { array, int16, int32, message, string, struct } from '../schema.js'

export const deleteGroups = api({
  key: 42,
  name: 'DeleteGroups',
  stable: [0, 2],
  request: message({
    name: 'DeleteGroupsRequest',
    versions: [0, 3],
    flexible: 2,
    fields: {
      groupsNames: array(string())
    }
  }),
  response: message({
    name: 'DeleteGroupsResponse',
    versions: [0, 3],
    flexible: 2,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      results: array(
        struct({
          groupId: string(),
          errorCode: int16(),
          errorMessage: string({ since: 3, absent: null, nullable: 3, ignorable: true })
        })
      )
    }
  })
})
