/**
 * DeleteGroups (API 42).
 *
 * Version notes (+ added, - removed):
 * v2: flexible (KIP-482)
 * v3: response + results.errorMessage
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
