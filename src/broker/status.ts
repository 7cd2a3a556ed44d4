/**
 * The truth meter as a value: what a broker has sent since its start, by which path, and what the page cache had of it. The form of
 * `Broker.status()` and of `sluice status --json`; it grows by additions only.
 */
import { IO_COUNTERS, IoCounter, LOG_COUNTERS, LogCounter } from '../native/numbers.js'
import type { ReplicaManager } from '../replication/replica-manager.js'
import type { RecoveryProgress } from '../storage/log-opener.js'

/**
 * Bytes of log files that went to clients. They are what system calls returned: the sum by path, and the sum by what was known of the page
 * cache, are the same number.
 */
export interface FileTraffic {
  readonly sendfileBytes: number
  readonly spliceBytes: number
  readonly mmapBytes: number
  /** Copied through this process: responses below `sluice.transfer.copy.below.bytes`, or with the mode `readwrite`. */
  readonly readwriteBytes: number
  /** Page-cache hits: a probe just before found them in memory. */
  readonly residentBytes: number
  /** Page-cache hits without a probe: appended a moment ago. */
  readonly freshBytes: number
  /** Read from the disk while the response waited (a cold stall). */
  readonly readInBytes: number
  /** Cold stalls: how often a response waited for the disk, for how many bytes, and for how long altogether. */
  readonly coldStalls: number
  readonly coldBytes: number
  readonly coldMs: number
}

export interface ListenerTraffic extends FileTraffic {
  /** Open now. */
  readonly connections: number
  readonly connectionsAccepted: number
  readonly requests: number
  /** Of the requests, heartbeats that were given the answer of before, without the group coordinator. */
  readonly standingAnswers: number
  readonly bytesReceived: number
  /** All that was sent: `ownBytes` and the bytes by path. */
  readonly bytesSent: number
  /** What stands in no file: headers, and whole answers to all but Fetch. */
  readonly ownBytes: number
  /** Responses that went out on the calling thread, and those that an I/O thread sent, wholly or in part. */
  readonly inlineResponses: number
  readonly queuedResponses: number
  /** Times that a connection was not read for a while: too much of it was waiting. */
  readonly readPauses: number
}

export interface ListenerStatus extends ListenerTraffic {
  readonly name: string
  readonly host: string
  readonly port: number
}

/** Since its partitions were opened. */
export interface TopicTraffic extends FileTraffic {
  readonly partitions: number
  /** Of its segments now. */
  readonly sizeBytes: number
  /** Partitions that were sent with records, to their last byte. */
  readonly fetches: number
  readonly fetchedBytes: number
  /** Batches that were appended, by producers or by the broker itself. */
  readonly batches: number
  readonly producedBytes: number
}

export interface TopicStatus extends TopicTraffic {
  readonly name: string
}

export interface DirStatus {
  readonly path: string
  readonly directoryId: string
  readonly online: boolean
  /** Present while logs wait for their recovery; see RecoveryProgress. */
  readonly recovery?: RecoveryProgress
}

export interface BrokerStatus {
  readonly schema: 1
  readonly version: string
  readonly nodeId: number
  readonly clusterId: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly uptimeMs: number
  /** Of the process that the broker runs in. */
  readonly process: { readonly pid: number; readonly cpuUserMs: number; readonly cpuSystemMs: number; readonly residentBytes: number }
  readonly dirs: readonly DirStatus[]
  readonly transfer: { readonly mode: string; readonly copyBelowBytes: number; readonly inlineBelowBytes: number }
  /** Memory that holds requests now. */
  readonly requestBytes: number
  /** All listeners together. */
  readonly total: ListenerTraffic
  readonly listeners: readonly ListenerStatus[]
  /** The busiest first, `MOST_TOPICS` at most. */
  readonly topics: readonly TopicStatus[]
  /** Of the topics that are not listed. */
  readonly otherTopics: { readonly count: number } & TopicTraffic
}

/** So many topics are told apart; the rest is one sum. */
export const MOST_TOPICS = 1000

const US_PER_MS = 1000

/** `counters`: what `ioCounters` filled. */
export function listenerTraffic(counters: Float64Array): ListenerTraffic {
  const at = (index: number): number => counters[index]!
  return {
    connections: at(IoCounter.connectionsOpen),
    connectionsAccepted: at(IoCounter.connectionsAccepted),
    requests: at(IoCounter.framesReceived),
    standingAnswers: at(IoCounter.standingAnswers),
    bytesReceived: at(IoCounter.bytesReceived),
    bytesSent: at(IoCounter.bytesSent),
    ownBytes: at(IoCounter.headerBytes),
    ...fileTraffic(counters, IoCounter.sendfileBytes),
    inlineResponses: at(IoCounter.inlineResponses),
    queuedResponses: at(IoCounter.queuedResponses),
    readPauses: at(IoCounter.readPauses)
  }
}

export const noIoCounters = (): Float64Array => new Float64Array(IO_COUNTERS)

// The counters of file regions stand in the same order in both arrays.
function fileTraffic(counters: Float64Array, first: number): FileTraffic {
  const at = (index: number): number => counters[first + index]!
  return {
    sendfileBytes: at(LogCounter.sendfileBytes),
    spliceBytes: at(LogCounter.spliceBytes),
    mmapBytes: at(LogCounter.mmapBytes),
    readwriteBytes: at(LogCounter.readwriteBytes),
    residentBytes: at(LogCounter.residentBytes),
    freshBytes: at(LogCounter.freshBytes),
    readInBytes: at(LogCounter.readInBytes),
    coldStalls: at(LogCounter.coldReads),
    coldBytes: at(LogCounter.coldBytes),
    coldMs: at(LogCounter.coldMicros) / US_PER_MS
  }
}

export function dirStatus({ path, directoryId, online }: DirStatus, recovery: RecoveryProgress | undefined): DirStatus {
  return { path, directoryId, online, ...(recovery === undefined ? {} : { recovery }) }
}

interface TopicSums {
  readonly name: string
  readonly counters: Float64Array
  partitions: number
  sizeBytes: number
}

/** The figures of the partitions that are open now, by topic; `most` topics are told apart. */
export function topicTraffic(
  replicas: Pick<ReplicaManager, 'all'>,
  most = MOST_TOPICS
): { topics: TopicStatus[]; otherTopics: { count: number } & TopicTraffic } {
  const sums = new Map<string, TopicSums>()
  for (const { topic, log } of replicas.all()) {
    let sum = sums.get(topic)
    if (sum === undefined) sums.set(topic, (sum = noSums(topic)))
    log.addCountersTo(sum.counters)
    sum.partitions++
    sum.sizeBytes += log.sizeBytes
  }
  const sorted = [...sums.values()].sort((a, b) => trafficOf(b) - trafficOf(a) || (a.name < b.name ? -1 : 1))
  const left = sorted.splice(most)
  const others = noSums('')
  for (const { counters, partitions, sizeBytes } of left) {
    for (let i = 0; i < LOG_COUNTERS; i++) others.counters[i]! += counters[i]!
    others.partitions += partitions
    others.sizeBytes += sizeBytes
  }
  return {
    topics: sorted.map((sum) => ({ name: sum.name, ...topicStatus(sum) })),
    otherTopics: { count: left.length, ...topicStatus(others) }
  }
}

function noSums(name: string): TopicSums {
  return { name, counters: new Float64Array(LOG_COUNTERS), partitions: 0, sizeBytes: 0 }
}

function sentOf({ counters }: TopicSums): number {
  const { sendfileBytes, spliceBytes, mmapBytes, readwriteBytes } = LogCounter
  return counters[sendfileBytes]! + counters[spliceBytes]! + counters[mmapBytes]! + counters[readwriteBytes]!
}

function trafficOf(sum: TopicSums): number {
  return sentOf(sum) + sum.counters[LogCounter.appendedBytes]!
}

function topicStatus(sum: TopicSums): TopicTraffic {
  const { counters, partitions, sizeBytes } = sum
  return {
    partitions,
    sizeBytes,
    fetches: counters[LogCounter.regions]!,
    fetchedBytes: sentOf(sum),
    batches: counters[LogCounter.appendedBatches]!,
    producedBytes: counters[LogCounter.appendedBytes]!,
    ...fileTraffic(counters, LogCounter.sendfileBytes)
  }
}
