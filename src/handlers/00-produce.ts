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
import { batch, Compression } from '../record/index.js'
import type { AppendResult } from '../storage/log.js'
import { closeConnection, handler, type RequestContext } from './handler.js'
import { admitBatches, transactionalBatch } from './transactional-batches.js'

type Request = MessageOf<typeof produce.request>
type Response = InputOf<typeof produce.response>
type TopicRequest = Request['topicData'][number]
type PartitionResponse = Response['responses'][number]['partitionResponses'][number]

const FIRST_VERSION_WITH_ZSTD = 7
const FIRST_VERSION_WITH_TOPIC_IDS = 13

export const produceHandler = handler({
  api: produce,
  minVersion: 3,
  maxVersion: 13,
  advertisedMinVersion: 0,
  keepsFrame: true,
  pipelined: true,
  handle(request, context, broker) {
    if (request.acks < -1 || request.acks > 1) return answer(request, refuseAll(request, ErrorCode.INVALID_REQUIRED_ACKS))
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
    return held.flatMap(({ index, records }) => transactionalBatch(name, index, records, frame) ?? [])
  })
  return appendAll(request, context, broker, await admitBatches(transactionalId, batches, apiVersion, broker))
}

/** `admission`: asked for each batch of a transaction. */
function appendAll(request: Request, context: RequestContext, broker: BrokerServices, admission: Admission) {
  const pending: Promise<void>[] = []
  const response: Response = { responses: request.topicData.map((topic) => appendTopic(topic, context, broker, admission, pending)) }
  if (pending.length === 0) return answer(request, response)
  const settled = pending.length === 1 ? pending[0]! : Promise.all(pending)
  return settled.then(() => answer(request, response))
}

function nameOf(topic: TopicRequest, { apiVersion }: RequestContext, { metadata }: BrokerServices): string | undefined {
  return apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS ? metadata.image.topicById(topic.topicId)?.name : topic.name
}

function appendTopic(topic: TopicRequest, context: RequestContext, broker: BrokerServices, admission: Admission, pending: Promise<void>[]) {
  const name = nameOf(topic, context, broker)
  const partitionResponses: PartitionResponse[] = []
  for (const { index, records } of topic.partitionData) {
    const at = partitionResponses.length
    if (name === undefined) partitionResponses.push(refuse(index, ErrorCode.UNKNOWN_TOPIC_ID))
    else {
      const done = append(name, index, records, context, broker, admission)
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
  { frame, apiVersion }: RequestContext,
  broker: BrokerServices,
  admission: Admission
): PartitionResponse | Promise<PartitionResponse> {
  const partition = broker.replicas.partition(topic, index)
  if (partition === undefined) return refuse(index, broker.replicas.whyMissing(topic, index))
  if (broker.isInternal(topic)) return refuse(index, ErrorCode.INVALID_TOPIC_EXCEPTION)
  if (records === null || records.length === 0) return refuse(index, ErrorCode.INVALID_RECORD)
  const at = records.byteOffset - frame.buffer.byteOffset
  if (records.length >= batch.BATCH_OVERHEAD) {
    // A batch of a transaction that nothing ends would hold back its readers for ever.
    const refused = batch.isTransactional(frame.buffer, at) ? admission(topic, index) : ErrorCode.NONE
    if (refused !== ErrorCode.NONE) return refuse(index, refused)
    // KIP-110: consumers of these versions may not know zstd.
    if (apiVersion < FIRST_VERSION_WITH_ZSTD && batch.compressionType(frame.buffer, at) === Compression.zstd) {
      return refuse(index, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
    }
    // As Kafka: a client that says where a batch is to be takes something else for a log's.
    if (batch.magic(frame.buffer, at) === batch.CURRENT_MAGIC && batch.baseOffset(frame.buffer, at) !== 0) {
      return refuse(index, ErrorCode.INVALID_RECORD)
    }
  }
  const offset = at - frame.start
  return partition.append({ frame, offset, length: records.length, origin: 'client' }).then((result) => toResponse(index, result))
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

function refuse(index: number, errorCode: number): PartitionResponse {
  return { index, errorCode, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1, recordErrors: [], errorMessage: null }
}

function refuseAll(request: Request, errorCode: number): Response {
  return {
    responses: request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => refuse(index, errorCode))
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
