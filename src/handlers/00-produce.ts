/**
 * Produce: one batch per partition goes from the frame to the log without a copy.
 *
 * Version notes: v3 is the first that exists since Kafka 4.0 (record batch v2), yet 0 is advertised, because librdkafka takes the codecs that
 * a broker knows from it (KIP-896). v5 log start offset. v8 record errors (KIP-467). v9 flexible. v10 current leader in errors (KIP-951).
 * v11 TRANSACTION_ABORTABLE. v12 adds its partitions to the transaction (KIP-890). v13 topic ids (KIP-516).
 */
import type { BrokerServices } from '../broker/services.js'
import type { Admission } from '../broker/transaction-admission.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { produce } from '../protocol/messages/00-produce.js'
import type { InputOf, MessageOf } from '../protocol/schema.js'
import { batch } from '../record/index.js'
import type { AppendResult } from '../storage/log.js'
import { closeConnection, handler, type RequestContext } from './handler.js'
import { REASONS, recordsError, requestError } from './produce-checks.js'
import { admitBatches, ofSeveralProducers, transactionalBatch } from './transactional-batches.js'

type Request = MessageOf<typeof produce.request>
type Response = InputOf<typeof produce.response>
type TopicRequest = Request['topicData'][number]
type PartitionResponse = Response['responses'][number]['partitionResponses'][number]

const FIRST_VERSION_WITH_TOPIC_IDS = 13

export const produceHandler = handler({
  api: produce,
  minVersion: 3,
  maxVersion: 13,
  advertisedMinVersion: 0,
  keepsFrame: true,
  pipelined: true,
  handle(request, context, broker) {
    const refused = requestError(request, context.frame)
    if (refused !== ErrorCode.NONE) return answer(request, refuseAll(request, refused))
    if (request.transactionalId !== null) return appendAdmitted(request, request.transactionalId, context, broker)
    return appendAll(request, context, broker, notInTransaction)
  },
  failed: refuseAll
})

const notInTransaction: Admission = () => ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED

/** The transaction must be open in the partitions (KIP-890) before anything is appended. */
async function appendAdmitted(request: Request, transactionalId: string, context: RequestContext, broker: BrokerServices) {
  const { apiVersion, frame } = context
  const batches = request.topicData.flatMap((topic) => {
    const name = nameOf(topic, context, broker)
    if (name === undefined || broker.isInternal(name)) return []
    const held = topic.partitionData.filter(({ index }) => broker.replicas.partition(name, index) !== undefined)
    const sound = held.filter(({ records }) => recordsError(records, apiVersion, frame) === ErrorCode.NONE)
    return sound.flatMap(({ index, records }) => transactionalBatch(name, index, records!, frame) ?? [])
  })
  if (ofSeveralProducers(batches)) return answer(request, refuseAll(request, ErrorCode.INVALID_PRODUCER_ID_MAPPING))
  return appendAll(request, context, broker, await admitBatches(transactionalId, batches, apiVersion, broker))
}

/** What is the same for all partitions of a request. */
interface Asked {
  readonly acks: number
  readonly context: RequestContext
  readonly broker: BrokerServices
  /** Asked for each batch of a transaction. */
  readonly admission: Admission
}

function appendAll(request: Request, context: RequestContext, broker: BrokerServices, admission: Admission) {
  const pending: Promise<void>[] = []
  const asked = { acks: request.acks, context, broker, admission }
  const response: Response = { responses: request.topicData.map((topic) => appendTopic(topic, asked, pending)) }
  if (pending.length === 0) return answer(request, response)
  const settled = pending.length === 1 ? pending[0]! : Promise.all(pending)
  return settled.then(() => answer(request, response))
}

function nameOf(topic: TopicRequest, { apiVersion }: RequestContext, { metadata }: BrokerServices): string | undefined {
  return apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS ? metadata.image.topicById(topic.topicId)?.name : topic.name
}

function appendTopic(topic: TopicRequest, asked: Asked, pending: Promise<void>[]) {
  const name = nameOf(topic, asked.context, asked.broker)
  const partitionResponses: PartitionResponse[] = []
  for (const { index, records } of topic.partitionData) {
    const at = partitionResponses.length
    if (name === undefined) partitionResponses.push(refuse(index, ErrorCode.UNKNOWN_TOPIC_ID))
    else {
      const done = append(name, index, records, asked)
      if (!(done instanceof Promise)) partitionResponses.push(done)
      else {
        partitionResponses.push(refuse(index, ErrorCode.UNKNOWN_SERVER_ERROR))
        pending.push(done.then((response) => void (partitionResponses[at] = response)))
      }
    }
  }
  return { name: topic.name, topicId: topic.topicId, partitionResponses }
}

function append(
  topic: string,
  index: number,
  records: Uint8Array | null,
  { acks, context: { frame, apiVersion }, broker, admission }: Asked
): PartitionResponse | Promise<PartitionResponse> {
  const partition = broker.replicas.partition(topic, index)
  const missing = partition === undefined ? broker.replicas.whyMissing(topic, index) : ErrorCode.NONE
  if (missing === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return refuse(index, missing)
  const unsound = recordsError(records, apiVersion, frame)
  if (unsound !== ErrorCode.NONE) return refuse(index, unsound, REASONS[unsound])
  const at = records!.byteOffset - frame.buffer.byteOffset
  // A batch of a transaction that nothing ends would hold back its readers for ever.
  const refused = batch.isTransactional(frame.buffer, at) ? admission(topic, index) : ErrorCode.NONE
  if (refused !== ErrorCode.NONE) return refuse(index, refused)
  if (acks < -1 || acks > 1) return refuse(index, ErrorCode.INVALID_REQUIRED_ACKS)
  if (broker.isInternal(topic)) return refuse(index, ErrorCode.INVALID_TOPIC_EXCEPTION)
  if (partition === undefined) return refuse(index, missing)
  // As Kafka: a client that says where a batch is to be takes something else for a log's.
  if (batch.baseOffset(frame.buffer, at) !== 0)
    return {
      ...refuse(index, ErrorCode.INVALID_RECORD, 'the offset of a batch that is produced must be 0'),
      logStartOffset: partition.log.logStartOffset
    }
  const offset = at - frame.start
  return partition.append({ frame, offset, length: records!.length, origin: 'client' }).then((result) => toResponse(index, result))
}

function toResponse(index: number, result: AppendResult): PartitionResponse {
  return {
    index,
    errorCode: result.errorCode,
    baseOffset: result.baseOffset,
    logAppendTimeMs: result.logAppendTimeMs,
    logStartOffset: result.logStartOffset,
    recordErrors: result.batchIndexErrors?.map(({ batchIndex, message }) => ({ batchIndex, batchIndexErrorMessage: message })) ?? [],
    errorMessage: result.errorMessage
  }
}

function refuse(index: number, errorCode: number, errorMessage: string | null = null): PartitionResponse {
  return { index, errorCode, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1, recordErrors: [], errorMessage }
}

function refuseAll(request: Request, errorCode: number): Response {
  const reason = REASONS[errorCode]
  return {
    responses: request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => refuse(index, errorCode, reason))
    }))
  }
}

// With acks=0 no response is sent; an error is told by closing the connection, which makes the producer refresh its metadata.
function answer(request: Request, response: Response): Response | undefined | typeof closeConnection {
  if (request.acks !== 0) return response
  const failed = response.responses.some(({ partitionResponses }) =>
    partitionResponses.some(({ errorCode }) => errorCode !== ErrorCode.NONE)
  )
  return failed ? closeConnection : undefined
}
