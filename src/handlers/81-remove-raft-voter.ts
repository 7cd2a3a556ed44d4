/**
 * RemoveRaftVoter: refused, as 80-add-raft-voter.ts tells.
 *
 * Version notes: v0 only.
 */
import { removeRaftVoter } from '../protocol/messages/81-remove-raft-voter.js'
import { refuseVoter } from './80-add-raft-voter.js'
import { handler } from './handler.js'

export const removeRaftVoterHandler = handler({
  api: removeRaftVoter,
  minVersion: 0,
  maxVersion: 0,
  handle: (request, _context, { clusterId }) => refuseVoter(request.clusterId, clusterId),
  failed: (_request, errorCode) => ({ errorCode, errorMessage: null })
})
