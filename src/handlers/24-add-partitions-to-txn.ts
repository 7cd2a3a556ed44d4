/**
 * AddPartitionsToTxn: partitions become part of a producer's transaction, before it writes to them.
 *
 * Version notes: v2 PRODUCER_FENCED in place of INVALID_PRODUCER_EPOCH. v3 flexible. v4 for brokers: several transactions at once, or only a
 * check (KIP-890); clients of transaction version 2 write without asking. v5 TRANSACTION_ABORTABLE.
 */
import type { BrokerServices } from '../broker/services.js'
import { partitionSet } from '../coordinator/transaction/transaction-metadata.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { addPartitionsToTxn } from '../protocol/messages/24-add-partitions-to-txn.js'
import type { InputOf, MessageOf } from '../protocol/schema.js'
import { handler } from './handler.js'

type Request = MessageOf<typeof addPartitionsToTxn.request>
type Transaction = Request['transactions'][number]
type TopicResult = InputOf<typeof addPartitionsToTxn.response>['resultsByTopicV3AndBelow'][number]

const FIRST_VERSION_WITH_FENCED = 2
const FIRST_VERSION_OF_BROKERS = 4

export const addPartitionsToTxnHandler = handler({
  api: addPartitionsToTxn,
  minVersion: 0,
  maxVersion: 5,
  parks: true,
  async handle(request, { apiVersion }, broker) {
    if (apiVersion >= FIRST_VERSION_OF_BROKERS) {
      const added = request.transactions.map(async (each) => ({
        transactionalId: each.transactionalId,
        topicResults: await add(each, apiVersion, broker)
      }))
      return { errorCode: ErrorCode.NONE, resultsByTransaction: await Promise.all(added), resultsByTopicV3AndBelow: [] }
    }
    return { resultsByTopicV3AndBelow: await add(onlyTransaction(request), apiVersion, broker) }
  },
  failed: (request, errorCode) =>
    request.transactions.length > 0
      ? { errorCode, resultsByTransaction: [], resultsByTopicV3AndBelow: [] }
      : { resultsByTopicV3AndBelow: results(onlyTransaction(request), () => errorCode) }
})

function onlyTransaction(request: Request): Transaction {
  return {
    transactionalId: request.v3AndBelowTransactionalId,
    producerId: request.v3AndBelowProducerId,
    producerEpoch: request.v3AndBelowProducerEpoch,
    verifyOnly: false,
    topics: request.v3AndBelowTopics
  }
}

async function add(asked: Transaction, apiVersion: number, broker: BrokerServices): Promise<TopicResult[]> {
  const fromClient = apiVersion < FIRST_VERSION_OF_BROKERS
  const refusal = (topic: string, index: number): number => {
    if (fromClient && broker.isInternal(topic)) return ErrorCode.TOPIC_AUTHORIZATION_FAILED
    const exists = broker.metadata.image.topicByName(topic)?.partitions[index] !== undefined
    return exists ? ErrorCode.NONE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  }
  // All or none.
  if (asked.topics.some(({ name, partitions }) => partitions.some((index) => refusal(name, index) !== ErrorCode.NONE))) {
    return results(asked, (topic, index) => refusal(topic, index) || ErrorCode.OPERATION_NOT_ATTEMPTED)
  }
  const { transactionalId, producerId, producerEpoch } = asked
  const partitions = partitionSet(asked.topics.flatMap((topic) => topic.partitions.map((index) => [topic.name, index] as const)))
  const request = { transactionalId, producerId, producerEpoch, partitions }
  if (asked.verifyOnly) {
    const { errorCode, missing } = await broker.transactions.verifyPartitions(request)
    return results(asked, (topic, index) => {
      if (errorCode !== ErrorCode.NONE) return errorCode
      return missing.get(topic)?.includes(index) === true ? ErrorCode.TRANSACTION_ABORTABLE : ErrorCode.NONE
    })
  }
  const clientVersion = fromClient ? 0 : 2
  const errorCode = await broker.transactions.addPartitions({ ...request, clientVersion })
  const fenced = errorCode === ErrorCode.PRODUCER_FENCED && apiVersion < FIRST_VERSION_WITH_FENCED
  return results(asked, () => (fenced ? ErrorCode.INVALID_PRODUCER_EPOCH : errorCode))
}

function results({ topics }: Transaction, errorOf: (topic: string, index: number) => number): TopicResult[] {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((index) => ({ partitionIndex: index, partitionErrorCode: errorOf(name, index) }))
  }))
}
