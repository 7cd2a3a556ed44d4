/**
 * DescribeProducers: the producers that partitions know, and since when their transactions are open (KIP-664).
 *
 * Version notes: only v0 exists.
 */
import type { BrokerServices } from '../broker/services.js'
import { topicNameProblem } from '../protocol/topic-name.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { describeProducers } from '../protocol/messages/61-describe-producers.js'
import { handler } from './handler.js'

export const describeProducersHandler = handler({
  api: describeProducers,
  minVersion: 0,
  maxVersion: 0,
  handle: ({ topics }, _context, broker) => ({
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) => describe(name, index, broker))
    }))
  }),
  failed: ({ topics }, errorCode) => ({
    topics: topics.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes.map((index) => failed(index, errorCode)) }))
  })
})

function failed(partitionIndex: number, errorCode: number) {
  return { partitionIndex, errorCode, errorMessage: null, activeProducers: [] }
}

function describe(topic: string, partitionIndex: number, { replicas }: BrokerServices) {
  const partition = replicas.partition(topic, partitionIndex)
  if (partition === undefined) {
    const invalid = topicNameProblem(topic)
    if (invalid !== undefined) return { ...failed(partitionIndex, ErrorCode.INVALID_TOPIC_EXCEPTION), errorMessage: invalid }
    return {
      ...failed(partitionIndex, replicas.whyMissing(topic, partitionIndex)),
      errorMessage: 'This server does not host this topic-partition'
    }
  }
  const activeProducers = Array.from(partition.log.producers(), (known) => ({
    producerId: known.producerId,
    producerEpoch: known.epoch,
    lastSequence: known.batches.at(-1)?.lastSequence ?? -1,
    lastTimestamp: known.lastTimestamp,
    coordinatorEpoch: known.coordinatorEpoch,
    currentTxnStartOffset: known.currentTxnFirstOffset
  }))
  return { partitionIndex, errorCode: ErrorCode.NONE, errorMessage: null, activeProducers }
}
