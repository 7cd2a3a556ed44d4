/**
 * OffsetForLeaderEpoch: where an epoch ends in the leader's log, so that a client can tell that its position was truncated away (KIP-320).
 *
 * Version notes: v2 the requester's current epoch. v3 replica id. v4 flexible.
 */
import type { BrokerServices } from '../broker/services.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { offsetForLeaderEpoch } from '../protocol/messages/23-offset-for-leader-epoch.js'
import { handler } from './handler.js'

export const offsetForLeaderEpochHandler = handler({
  api: offsetForLeaderEpoch,
  minVersion: 2,
  maxVersion: 4,
  handle(request, _context, broker) {
    return {
      topics: request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => ({
          partition,
          ...endOf(broker, topic, partition, currentLeaderEpoch, leaderEpoch)
        }))
      }))
    }
  }
})

function endOf(broker: BrokerServices, topic: string, index: number, currentLeaderEpoch: number, leaderEpoch: number) {
  const none = { leaderEpoch: -1, endOffset: -1 }
  const partition = broker.replicas.partition(topic, index)
  if (partition === undefined) return { errorCode: broker.replicas.whyMissing(topic, index), ...none }
  const fenced = partition.checkLeaderEpoch(currentLeaderEpoch)
  if (fenced !== ErrorCode.NONE) return { errorCode: fenced, ...none }
  const { epoch, endOffset } = partition.log.epochEndOffset(leaderEpoch)
  return { errorCode: ErrorCode.NONE, leaderEpoch: epoch, endOffset }
}
