/**
 * AddRaftVoter: the quorum of one node takes no other voter: kraft.version is 0, and Apache Kafka refuses with that version in the same way.
 *
 * Version notes: v1 may be answered before the change is committed.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { addRaftVoter } from '../protocol/messages/80-add-raft-voter.js'
import { handler } from './handler.js'

export const addRaftVoterHandler = handler({
  api: addRaftVoter,
  minVersion: 0,
  maxVersion: 1,
  handle: (request, _context, { clusterId }) => refuseVoter(request.clusterId, clusterId),
  failed: (_request, errorCode) => ({ errorCode, errorMessage: null })
})

/** The answer to a change of the voters. `named`: the cluster that the request means, null for any. */
export function refuseVoter(named: string | null, clusterId: string): { errorCode: number; errorMessage: string } {
  if (named !== null && named !== clusterId) {
    return { errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID, errorMessage: `The cluster is ${clusterId}, not ${named}` }
  }
  return {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    errorMessage: 'The voters can not change: the quorum is this node alone (kraft.version 0)'
  }
}
