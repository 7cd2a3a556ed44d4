/**
 * ListPartitionReassignments: partitions whose replicas are being moved (KIP-455).
 *
 * Version notes: v0 only.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { listPartitionReassignments } from '../protocol/messages/46-list-partition-reassignments.js'
import { handler } from './handler.js'

export const listPartitionReassignmentsHandler = handler({
  api: listPartitionReassignments,
  minVersion: 0,
  maxVersion: 0,
  handle({ topics: wanted }, _context, { metadata }) {
    const { image } = metadata
    const named = wanted ?? [...image.topics()].map(({ name, partitions }) => ({ name, partitionIndexes: [...partitions.keys()] }))
    const topics = named.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.flatMap((partitionIndex) => {
        const partition = image.topicByName(name)?.partitions[partitionIndex]
        if (!partition || partition.addingReplicas.length + partition.removingReplicas.length === 0) return []
        const { replicas, addingReplicas, removingReplicas } = partition
        return [{ partitionIndex, replicas, addingReplicas, removingReplicas }]
      })
    }))
    return { errorCode: ErrorCode.NONE, errorMessage: null, topics: topics.filter(({ partitions }) => partitions.length > 0) }
  },
  failed: (_request, errorCode) => ({ errorCode, errorMessage: null, topics: [] })
})
