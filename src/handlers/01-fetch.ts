/**
 * Fetch: long poll over many partitions; what is read leaves as file regions, never as bytes in JavaScript.
 *
 * Version notes: v4 transactions (isolation level, last stable offset). v5 log start offset. v7 sessions (KIP-227). v9 leader epochs
 * (KIP-320). v11 rack. v12 flexible, diverging epoch. v13 topic ids (KIP-516). v15 replica state. v16 node endpoints. v17 directory ids. v18 the follower's high watermark.
 */
import { DelayedFetch, type WaitedPartition } from '../broker/delayed-fetch.js'
import { targetKey, type FetchContext, type FetchTarget } from '../broker/fetch-session.js'
import type { BrokerServices } from '../broker/services.js'
import { StorageError } from '../errors.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { fetch } from '../protocol/messages/01-fetch.js'
import type { InputOf, MessageOf } from '../protocol/schema.js'
import type { FileRegion } from '../protocol/writer.js'
import type { Aborted, Log, ReadResult } from '../storage/log.js'
import { handler, type RequestContext } from './handler.js'

type Request = MessageOf<typeof fetch.request>
type Response = InputOf<typeof fetch.response>
type PartitionResponse = Response['responses'][number]['partitions'][number]
type TopicResponse = { topic: string; topicId: string; partitions: PartitionResponse[] }

const READ_COMMITTED = 1
const FIRST_VERSION_WITH_TOPIC_IDS = 13
const NO_LEADER_EPOCH = -1

/** What one partition gave: its part of the response. */
interface PartitionRead {
  readonly target: FetchTarget
  readonly response: PartitionResponse
  /** Of records in the response. */
  readonly bytes: number
  /** Of records that are there, within the limit: a batch that the limit cuts is not given, but need not be waited for. */
  readonly readable: number
  readonly failed: boolean
}

export const fetchHandler = handler({
  api: fetch,
  minVersion: 4,
  maxVersion: 18,
  parks: true,
  handle(request, context, broker) {
    const usesTopicIds = context.apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS
    const session = broker.fetchSessions.open(
      {
        sessionId: request.sessionId,
        sessionEpoch: request.sessionEpoch,
        usesTopicIds,
        targets: targetsOf(request),
        forgotten: forgottenOf(request, usesTopicIds)
      },
      broker.clock.monotonic()
    )
    if (session.errorCode !== ErrorCode.NONE) return { errorCode: session.errorCode, sessionId: 0, responses: [] }
    const fetching = new Fetching(request, session, context, broker)
    const reads = fetching.readAll()
    return reads instanceof Promise ? reads.then((done) => fetching.respondOrWait(done)) : fetching.respondOrWait(reads)
  },
  failed: (_request, errorCode) => ({ errorCode, sessionId: 0, responses: [] })
})

class Fetching {
  readonly #request: Request
  readonly #session: FetchContext
  readonly #usesTopicIds: boolean
  readonly #context: RequestContext
  readonly #broker: BrokerServices
  readonly #maxBytes: number
  readonly #minBytes: number

  constructor(request: Request, session: FetchContext, context: RequestContext, broker: BrokerServices) {
    this.#request = request
    this.#session = session
    this.#usesTopicIds = context.apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS
    this.#context = context
    this.#broker = broker
    const maxBytes = Math.min(request.maxBytes, broker.config.get('fetch.max.bytes'))
    // A fetch that the quota never allows would wait for ever.
    this.#maxBytes = broker.quotas.active ? Math.min(maxBytes, broker.quotas.mostFetchBytes(context)) : maxBytes
    this.#minBytes = Math.min(request.minBytes, this.#maxBytes)
  }

  respondOrWait(reads: PartitionRead[]): Response | Promise<Response> {
    const { maxWaitMs } = this.#request
    let bytes = 0
    for (const read of reads) {
      if (read.failed) return this.#respond(reads)
      bytes += read.readable
    }
    if (bytes >= this.#minBytes || maxWaitMs <= 0 || reads.length === 0) return this.#respond(reads)
    return this.#wait(reads)
  }

  /** Reads every partition, in order, within the response's limit. Synchronous as long as everything is in memory. */
  readAll(): PartitionRead[] | Promise<PartitionRead[]> {
    const reads: PartitionRead[] = []
    const targets = this.#session.targets[Symbol.iterator]()
    const rest = (): PartitionRead[] | Promise<PartitionRead[]> => {
      for (let next = targets.next(); !next.done; next = targets.next()) {
        const read = this.#read(next.value, this.#maxBytes - total)
        if (read instanceof Promise) {
          return read.then((done) => {
            add(done)
            return rest()
          })
        }
        add(read)
      }
      return reads
    }
    let total = 0
    const add = (read: PartitionRead): void => {
      total += read.bytes
      reads.push(read)
    }
    return rest()
  }

  #read(target: FetchTarget, remaining: number): PartitionRead | Promise<PartitionRead> {
    const topic = this.#nameOf(target)
    if (topic === undefined) return missing(target, ErrorCode.UNKNOWN_TOPIC_ID)
    const partition = this.#broker.replicas.partition(topic, target.partition)
    if (partition === undefined) return missing(target, this.#broker.replicas.whyMissing(topic, target.partition))
    const fenced = partition.checkLeaderEpoch(target.currentLeaderEpoch)
    if (fenced !== ErrorCode.NONE) return failed(target, fenced)
    const { log } = partition
    if (target.fetchOffset < log.logStartOffset) return failed(target, ErrorCode.OFFSET_OUT_OF_RANGE)
    const found: PartitionResponse = {
      partitionIndex: target.partition,
      errorCode: ErrorCode.NONE,
      highWatermark: partition.highWatermark,
      lastStableOffset: partition.lastStableOffset,
      logStartOffset: log.logStartOffset,
      abortedTransactions: null,
      records: EMPTY
    }
    if (target.lastFetchedEpoch >= 0) {
      const end = log.epochEndOffset(target.lastFetchedEpoch)
      if (end.endOffset < 0) return failed(target, ErrorCode.OFFSET_OUT_OF_RANGE)
      if (end.epoch < target.lastFetchedEpoch || end.endOffset < target.fetchOffset) {
        return without(target, { ...found, divergingEpoch: end }, true)
      }
    }
    // Behind the epochs: a reader is told where they part rather than that the log ends before (KIP-595).
    if (target.fetchOffset > log.endOffset) return failed(target, ErrorCode.OFFSET_OUT_OF_RANGE)
    const committed = this.#request.isolationLevel === READ_COMMITTED
    if (committed) found.abortedTransactions = []
    const upTo = committed ? partition.lastStableOffset : partition.highWatermark
    const maxBytes = Math.max(0, Math.min(target.maxBytes, remaining))
    // The first batch is given whole even if it is larger than every limit, so that a consumer always gets on (KIP-74).
    const first = remaining === this.#maxBytes
    if (target.fetchOffset >= upTo || (maxBytes === 0 && !first)) return without(target, found, false)
    const read = log.read(target.fetchOffset, maxBytes, upTo, first, this.#context.connection)
    const finish = ({ errorCode, region, bytes }: ReadResult): PartitionRead | Promise<PartitionRead> => {
      if (errorCode !== ErrorCode.NONE) return failed(target, errorCode)
      if (region !== null) found.records = region
      const done = { target, response: found, bytes: region === null ? 0 : bytes, readable: bytes, failed: false }
      return committed && region !== null ? withAborted(done, log, region, upTo) : done
    }
    return read instanceof Promise ? read.then(finish) : finish(read)
  }

  #nameOf(target: FetchTarget): string | undefined {
    return this.#usesTopicIds ? this.#broker.metadata.image.topicById(target.topicId)?.name : target.topic
  }

  #wait(reads: readonly PartitionRead[]): Promise<Response> {
    const committed = this.#request.isolationLevel === READ_COMMITTED
    const partitions: WaitedPartition[] = []
    for (const { target, readable } of reads) {
      const partition = this.#broker.replicas.partition(this.#nameOf(target)!, target.partition)!
      const { fetchOffset, maxBytes } = target
      const { log } = partition
      partitions.push({ partition, log, fetchOffset, maxBytes, committed, appendedBytes: log.appendedBytes, startBytes: readable })
    }
    const { connection } = this.#context
    return new Promise((resolve, reject) => {
      const complete = (): void => {
        this.#broker.parkedFetches.delete(connection)
        Promise.resolve(this.readAll()).then((done) => resolve(this.#respond(done)), reject)
      }
      const { maxWaitMs } = this.#request
      const minBytes = this.#minBytes
      const { clock, wokenFetches: woken } = this.#broker
      this.#broker.parkedFetches.set(connection, new DelayedFetch({ clock, woken, maxWaitMs, minBytes, partitions, complete }))
    })
  }

  #respond(reads: readonly PartitionRead[]): Response {
    const { session, incremental, sessionId } = this.#session
    const { quotas } = this.#broker
    if (quotas.active) {
      const throttleTimeMs = quotas.fetched(this.#context, sizeOf(reads))
      if (throttleTimeMs > 0) return this.#throttled(throttleTimeMs)
    }
    const responses: TopicResponse[] = []
    let topic: TopicResponse | undefined
    for (const { target, response, bytes } of reads) {
      if (session !== undefined) {
        if (incremental && !changed(target, response, bytes)) continue
        target.highWatermark = response.highWatermark ?? -1
        target.logStartOffset = response.logStartOffset ?? -1
        if (bytes > 0) {
          const key = targetKey(this.#usesTopicIds, target.topic, target.topicId, target.partition)
          // Only a session's own target moves: a later request may have forgotten it.
          if (session.targets.delete(key)) session.targets.set(key, target)
        }
      }
      if (topic === undefined || topic.topic !== target.topic || topic.topicId !== target.topicId) {
        topic = { topic: target.topic, topicId: target.topicId, partitions: [] }
        responses.push(topic)
      }
      topic.partitions.push(response)
    }
    return { errorCode: ErrorCode.NONE, sessionId, responses }
  }

  // KIP-219: over its quota, a client gets nothing now. A session goes on; one that this fetch was to begin does not begin.
  #throttled(throttleTimeMs: number): Response {
    const { session, incremental, sessionId } = this.#session
    if (session !== undefined && !incremental) this.#broker.fetchSessions.close(session.id)
    return { throttleTimeMs, errorCode: ErrorCode.NONE, sessionId: incremental ? sessionId : 0, responses: [] }
  }
}

/** About what a partition's part takes without its records. */
const PARTITION_BYTES = 50

function sizeOf(reads: readonly PartitionRead[]): number {
  let bytes = 0
  for (const read of reads) bytes += read.bytes + PARTITION_BYTES
  return bytes
}

/** Tells which of the transactions in the region were aborted: the reader leaves their records out. */
function withAborted(read: PartitionRead, log: Log, region: FileRegion, upTo: number): PartitionRead | Promise<PartitionRead> {
  const add = (aborted: Aborted): PartitionRead => {
    if (aborted.length === 0) return read
    const abortedTransactions = aborted.map(({ producerId, firstOffset }) => ({ producerId, firstOffset }))
    return { ...read, response: { ...read.response, abortedTransactions } }
  }
  const found = log.abortedIn(read.target.fetchOffset, region, upTo)
  if (!(found instanceof Promise)) return add(found)
  return found.then(add, (error: unknown) => {
    if (error instanceof StorageError) return failed(read.target, ErrorCode.KAFKA_STORAGE_ERROR)
    throw error
  })
}

const EMPTY = new Uint8Array(0)

function changed(target: FetchTarget, response: PartitionResponse, bytes: number): boolean {
  return (
    bytes > 0 ||
    response.errorCode !== ErrorCode.NONE ||
    response.divergingEpoch !== undefined ||
    response.highWatermark !== target.highWatermark ||
    response.logStartOffset !== target.logStartOffset
  )
}

/** A partition that gives no records. */
function without(target: FetchTarget, response: PartitionResponse, failed: boolean): PartitionRead {
  return { target, response, bytes: 0, readable: 0, failed }
}

function failed(target: FetchTarget, errorCode: number): PartitionRead {
  const response = {
    partitionIndex: target.partition,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    abortedTransactions: null,
    records: EMPTY
  }
  return without(target, response, true)
}

// Kafka's list of aborted transactions is empty for what it does not know, and null for what it refuses.
function missing(target: FetchTarget, errorCode: number): PartitionRead {
  const read = failed(target, errorCode)
  return { ...read, response: { ...read.response, abortedTransactions: [] } }
}

function targetsOf(request: Request): FetchTarget[] {
  const targets: FetchTarget[] = []
  for (const { topic, topicId, partitions } of request.topics) {
    for (const { partition, fetchOffset, partitionMaxBytes, currentLeaderEpoch, lastFetchedEpoch } of partitions) {
      targets.push({
        topic,
        topicId,
        partition,
        fetchOffset,
        maxBytes: partitionMaxBytes,
        // Whatever is below 0 is none.
        currentLeaderEpoch: Math.max(NO_LEADER_EPOCH, currentLeaderEpoch),
        lastFetchedEpoch,
        highWatermark: -1,
        logStartOffset: -1
      })
    }
  }
  return targets
}

function forgottenOf(request: Request, usesTopicIds: boolean): string[] {
  const keys: string[] = []
  for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
    for (const partition of partitions) keys.push(targetKey(usesTopicIds, topic, topicId, partition))
  }
  return keys
}
