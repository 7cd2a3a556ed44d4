/**
 * ListOffsets: an offset by time, or by one of the special timestamps.
 *
 * Version notes: v1 one offset per partition. v2 isolation level. v4 leader epochs. v6 flexible. v7 the record with the largest timestamp
 * (KIP-734). v8 earliest local. v9 latest tiered. v10 time-out. v11 earliest pending upload. Without tiered storage everything is local.
 */
import type { BrokerServices } from '../broker/services.js'
import { StorageError, WireError } from '../errors.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { listOffsets } from '../protocol/messages/02-list-offsets.js'
import type { Partition } from '../replication/partition.js'
import { handler } from './handler.js'

const LATEST = -1
const EARLIEST = -2
const MAX_TIMESTAMP = -3
const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5
const EARLIEST_PENDING_UPLOAD = -6
const READ_COMMITTED = 1
/** The version from which each special timestamp may be asked for. */
const SINCE: Readonly<Record<number, number>> = {
  [LATEST]: 1,
  [EARLIEST]: 1,
  [MAX_TIMESTAMP]: 7,
  [EARLIEST_LOCAL]: 8,
  [LATEST_TIERED]: 9,
  [EARLIEST_PENDING_UPLOAD]: 11
}

interface Found {
  readonly errorCode: number
  readonly timestamp: number
  readonly offset: number
  readonly leaderEpoch: number
}

export const listOffsetsHandler = handler({
  api: listOffsets,
  minVersion: 1,
  maxVersion: 11,
  async handle(request, { apiVersion }, broker) {
    const committed = request.isolationLevel === READ_COMMITTED
    // A partition named twice is refused, both times.
    const seen = new Set<string>()
    const twice = new Set<string>()
    for (const { name, partitions } of request.topics) {
      for (const { partitionIndex } of partitions) {
        const key = `${name}/${partitionIndex}`
        if (seen.has(key)) twice.add(key)
        seen.add(key)
      }
    }
    return {
      topics: await Promise.all(
        request.topics.map(async ({ name, partitions }) => ({
          name,
          partitions: await Promise.all(
            partitions.map(async ({ partitionIndex, timestamp, currentLeaderEpoch }) => ({
              partitionIndex,
              ...(twice.has(`${name}/${partitionIndex}`)
                ? refuse(ErrorCode.INVALID_REQUEST)
                : await find(broker, name, partitionIndex, currentLeaderEpoch, timestamp, apiVersion, committed))
            }))
          )
        }))
      )
    }
  }
})

function refuse(errorCode: number): Found {
  return { errorCode, timestamp: -1, offset: -1, leaderEpoch: -1 }
}

async function find(
  broker: BrokerServices,
  topic: string,
  index: number,
  currentLeaderEpoch: number,
  timestamp: number,
  apiVersion: number,
  committed: boolean
): Promise<Found> {
  if (timestamp < 0 && apiVersion < (SINCE[timestamp] ?? Number.POSITIVE_INFINITY)) return refuse(ErrorCode.UNSUPPORTED_VERSION)
  const partition = broker.replicas.partition(topic, index)
  if (partition === undefined) return refuse(broker.replicas.whyMissing(topic, index))
  const fenced = partition.checkLeaderEpoch(currentLeaderEpoch)
  if (fenced !== ErrorCode.NONE) return refuse(fenced)
  try {
    return await lookUp(partition, timestamp, committed ? partition.lastStableOffset : partition.highWatermark)
  } catch (error) {
    // Of this partition: the others that were asked for are answered.
    if (error instanceof WireError || (error instanceof StorageError && error.code === 'EBADMSG')) return refuse(ErrorCode.CORRUPT_MESSAGE)
    if (error instanceof StorageError) return refuse(ErrorCode.KAFKA_STORAGE_ERROR)
    throw error
  }
}

async function lookUp(partition: Partition, timestamp: number, end: number): Promise<Found> {
  const { log } = partition
  const at = (offset: number, epoch: number): Found => ({ errorCode: ErrorCode.NONE, timestamp: -1, offset, leaderEpoch: epoch })
  const nothing = refuse(ErrorCode.NONE)
  switch (timestamp) {
    case LATEST:
      return at(end, partition.leaderEpoch)
    case EARLIEST:
    case EARLIEST_LOCAL:
      return at(log.logStartOffset, log.epochOf(log.logStartOffset) ?? -1)
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return nothing
    default: {
      const found = timestamp === MAX_TIMESTAMP ? await log.offsetOfMaxTimestamp() : await log.offsetForTimestamp(timestamp)
      return found === undefined || found.offset >= end ? nothing : { errorCode: ErrorCode.NONE, ...found }
    }
  }
}
