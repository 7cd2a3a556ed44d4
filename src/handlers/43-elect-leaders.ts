/**
 * ElectLeaders: makes preferred replicas leaders again, or gives partitions without a leader any replica that is alive.
 *
 * Version notes: v1 the kind of election, and an error of the whole (KIP-460). v2 flexible.
 */
import { electLeaders } from '../protocol/messages/43-elect-leaders.js'
import { handler } from './handler.js'

export const electLeadersHandler = handler({
  api: electLeaders,
  minVersion: 0,
  maxVersion: 2,
  handle: ({ electionType, topicPartitions }, _context, { controller }) => controller.admin.electLeaders(electionType, topicPartitions),
  failed: (_request, errorCode) => ({ errorCode, replicaElectionResults: [] })
})
