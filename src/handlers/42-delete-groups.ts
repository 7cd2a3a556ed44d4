/**
 * DeleteGroups: removes empty groups with all they have committed.
 *
 * Version notes: v1 throttle time. v2 flexible.
 */
import { deleteGroups } from '../protocol/messages/42-delete-groups.js'
import { handler } from './handler.js'

export const deleteGroupsHandler = handler({
  api: deleteGroups,
  minVersion: 0,
  maxVersion: 2,
  async handle(request, _context, broker) {
    // A group named twice is deleted once.
    const groupIds = [...new Set(request.groupsNames)]
    return { results: await Promise.all(groupIds.map(async (groupId) => ({ groupId, ...(await broker.groups.deleteGroup(groupId)) }))) }
  },
  failed: (request, errorCode) => ({ results: [...new Set(request.groupsNames)].map((groupId) => ({ groupId, errorCode })) })
})
