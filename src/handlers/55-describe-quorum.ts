/**
 * DescribeQuorum: who keeps the metadata log, and how far (KIP-595). One voter: this node, which has no listener for other controllers.
 *
 * Version notes: v1 when replicas last fetched and were in step (KIP-836). v2 directories, nodes and messages (KIP-853).
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { METADATA_TOPIC } from '../metadata/storage-metadata-log.js'
import { describeQuorum } from '../protocol/messages/55-describe-quorum.js'
import { handler } from './handler.js'

export const describeQuorumHandler = handler({
  api: describeQuorum,
  minVersion: 0,
  maxVersion: 2,
  handle({ topics }, _context, { nodeId, clock, metadata }) {
    const now = clock.now()
    const logEndOffset = metadata.offset + 1
    const self = { replicaId: nodeId, logEndOffset, lastFetchTimestamp: now, lastCaughtUpTimestamp: now }
    // As in Kafka: the one partition that there is, and nothing beside it.
    const [only] = topics
    const found =
      topics.length === 1 &&
      only!.topicName === METADATA_TOPIC &&
      only!.partitions.length === 1 &&
      only!.partitions[0]!.partitionIndex === 0
    const described = topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) => {
        if (!found) return unknown(partitionIndex)
        return {
          partitionIndex,
          errorCode: ErrorCode.NONE,
          errorMessage: '',
          leaderId: metadata.controllerId,
          leaderEpoch: metadata.epoch,
          highWatermark: logEndOffset,
          currentVoters: [self],
          observers: []
        }
      })
    }))
    return { errorCode: ErrorCode.NONE, errorMessage: '', topics: described, nodes: found ? [{ nodeId, listeners: [] }] : [] }
  },
  failed: (_request, errorCode) => ({ errorCode, errorMessage: null, topics: [] })
})

function unknown(partitionIndex: number) {
  return {
    partitionIndex,
    errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    errorMessage: 'This server does not host this topic-partition.',
    leaderId: 0,
    leaderEpoch: 0,
    highWatermark: 0,
    currentVoters: [],
    observers: []
  }
}
