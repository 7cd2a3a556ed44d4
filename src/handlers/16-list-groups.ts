/**
 * ListGroups: the groups that this broker coordinates.
 *
 * Version notes: v1 throttle time. v3 flexible. v4 filter by state (KIP-518). v5 filter by type (KIP-848).
 */
import { listGroups } from '../protocol/messages/16-list-groups.js'
import { handler } from './handler.js'

export const listGroupsHandler = handler({
  api: listGroups,
  minVersion: 0,
  maxVersion: 5,
  handle: ({ statesFilter, typesFilter }, _context, broker) => broker.groups.listGroups(statesFilter, typesFilter),
  failed: (_request, errorCode) => ({ errorCode, groups: [] })
})
