/**
 * DescribeLogDirs: the log directories of this broker, their space, and the partitions in them.
 *
 * Version notes: v2 flexible. v3 a top-level error. v4 total and usable bytes (KIP-827). v5 whether a directory is cordoned.
 */
import { METADATA_TOPIC } from '../metadata/storage-metadata-log.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { describeLogDirs } from '../protocol/messages/35-describe-log-dirs.js'
import { handler } from './handler.js'

export const describeLogDirsHandler = handler({
  api: describeLogDirs,
  minVersion: 1,
  maxVersion: 5,
  async handle(request, _context, broker) {
    const wanted = request.topics && new Map(request.topics.map(({ topic, partitions }) => [topic, new Set(partitions)]))
    const dirs = await broker.logs.describe()
    return {
      errorCode: ErrorCode.NONE,
      results: dirs.map(({ path, errorCode, totalBytes, usableBytes, partitions }) => {
        const topics = new Map<string, { partitionIndex: number; partitionSize: number; offsetLag: number; isFutureKey: boolean }[]>()
        for (const { topic, partition, sizeBytes } of partitions) {
          if (topic === METADATA_TOPIC) continue
          if (wanted && !wanted.get(topic)?.has(partition)) continue
          let listed = topics.get(topic)
          if (listed === undefined) topics.set(topic, (listed = []))
          listed.push({ partitionIndex: partition, partitionSize: sizeBytes, offsetLag: 0, isFutureKey: false })
        }
        return {
          errorCode,
          logDir: path,
          topics: [...topics].map(([name, listed]) => ({ name, partitions: listed })),
          totalBytes,
          usableBytes
        }
      })
    }
  }
})
