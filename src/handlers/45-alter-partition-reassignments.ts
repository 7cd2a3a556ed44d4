/**
 * AlterPartitionReassignments: moves replicas to other brokers (KIP-455). On one node only replicas of brokers that are gone can be removed.
 *
 * Version notes: v1 may refuse a change of the replication factor (KIP-1073).
 */
import { alterPartitionReassignments } from '../protocol/messages/45-alter-partition-reassignments.js'
import { handler } from './handler.js'

export const alterPartitionReassignmentsHandler = handler({
  api: alterPartitionReassignments,
  minVersion: 0,
  maxVersion: 1,
  async handle({ topics, allowReplicationFactorChange }, _context, { controller }) {
    const answer = await controller.admin.alterPartitionReassignments(topics, allowReplicationFactorChange)
    return { ...answer, allowReplicationFactorChange }
  },
  failed: (_request, errorCode) => ({ errorCode, errorMessage: null, responses: [] })
})
