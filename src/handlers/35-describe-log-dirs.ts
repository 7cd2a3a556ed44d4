/**
 * DescribeLogDirs: the log directories of this broker, their space, and the partitions in them.
 *
 * Version notes: v2 flexible. v3 a top-level error. v4 total and usable bytes (KIP-827). v5 whether a directory is cordoned (KIP-1066).
 */
import type { BrokerServices } from '../broker/services.js'
import { METADATA_TOPIC } from '../metadata/storage-metadata-log.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { describeLogDirs } from '../protocol/messages/35-describe-log-dirs.js'
import type { LogDescription } from '../storage/describe-dirs.js'
import { handler } from './handler.js'

/** The partition is not served here. */
const UNKNOWN_LAG = -1

export const describeLogDirsHandler = handler({
  api: describeLogDirs,
  minVersion: 1,
  maxVersion: 5,
  async handle(request, _context, broker) {
    const wanted = request.topics && new Map(request.topics.map(({ topic, partitions }) => [topic, new Set(partitions)]))
    const dirs = await broker.logs.describe()
    return {
      errorCode: ErrorCode.NONE,
      results: dirs.map(({ path, errorCode, totalBytes, usableBytes, cordoned, partitions }) => {
        const topics = new Map<string, { partitionIndex: number; partitionSize: number; offsetLag: number; isFutureKey: boolean }[]>()
        for (const log of partitions) {
          const { topic, partition, sizeBytes, future } = log
          if (topic === METADATA_TOPIC) continue
          if (wanted && !wanted.get(topic)?.has(partition)) continue
          let listed = topics.get(topic)
          if (listed === undefined) topics.set(topic, (listed = []))
          listed.push({ partitionIndex: partition, partitionSize: sizeBytes, offsetLag: lagOf(log, broker), isFutureKey: future })
        }
        return {
          errorCode,
          logDir: path,
          topics: [...topics].map(([name, listed]) => ({ name, partitions: listed })),
          totalBytes,
          usableBytes,
          isCordoned: cordoned
        }
      })
    }
  }
})

// A copy lags behind the log, the log behind the high watermark: with one replica that is never ahead.
function lagOf({ topic, partition, endOffset, future }: LogDescription, { replicas }: BrokerServices): number {
  const served = replicas.partition(topic, partition)
  if (served === undefined) return UNKNOWN_LAG
  return future ? served.log.endOffset - endOffset : Math.max(0, served.highWatermark - endOffset)
}
