/**
 * ListGroups (API 16): Lists the groups that a broker coordinates.
 *
 * Version notes (+ field added, - field removed):
 * v1: throttle time (KIP-124); response + throttleTimeMs
 * v2: the broker answers first and throttles afterwards (KIP-219)
 * v3: flexible (KIP-482)
 * v4: states, also as a filter (KIP-518); request + statesFilter; response + groups.groupState
 * v5: types, also as a filter (KIP-848); request + typesFilter; response + groups.groupType
 */
import { api } from '../api.js'
import { array, int16, int32, message, string, struct } from '../schema.js'

export const listGroups = api({
  key: 16,
  name: 'ListGroups',
  stable: [0, 5],
  request: message({
    name: 'ListGroupsRequest',
    versions: [0, 5],
    flexible: 3,
    fields: {
      statesFilter: array(string(), { since: 4 }),
      typesFilter: array(string(), { since: 5 })
    }
  }),
  response: message({
    name: 'ListGroupsResponse',
    versions: [0, 5],
    flexible: 3,
    fields: {
      throttleTimeMs: int32({ since: 1, absent: 0, ignorable: true }),
      errorCode: int16(),
      groups: array(
        struct({
          groupId: string(),
          protocolType: string(),
          groupState: string({ since: 4, ignorable: true }),
          groupType: string({ since: 5, ignorable: true })
        })
      )
    }
  })
})
