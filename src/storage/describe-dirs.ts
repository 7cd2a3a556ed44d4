/** What DescribeLogDirs tells of the log directories. */
import { statfs } from 'node:fs/promises'
import { ErrorCode } from '../protocol/error-codes.js'
import type { LogDir } from './log-dir.js'
import type { LogMoves } from './log-moves.js'

/** A log directory in DescribeLogDirs. */
export interface LogDirDescription {
  readonly path: string
  /** KAFKA_STORAGE_ERROR when it is offline. */
  readonly errorCode: number
  /** -1: not known. */
  readonly totalBytes: number
  readonly usableBytes: number
  readonly cordoned: boolean
  readonly partitions: readonly LogDescription[]
}

export interface LogDescription {
  readonly topic: string
  readonly partition: number
  readonly sizeBytes: number
  readonly endOffset: number
  /** It is the copy that a move makes. */
  readonly future: boolean
}

/** Those that hold partitions, in the order of `log.dirs`. Never rejects. */
export function describeDirs(dirs: readonly LogDir[], moves: LogMoves): Promise<LogDirDescription[]> {
  return Promise.all(dirs.filter((dir) => dir.forPartitions).map((dir) => describeDir(dir, moves)))
}

async function describeDir(dir: LogDir, moves: LogMoves): Promise<LogDirDescription> {
  const cordoned = moves.isCordoned(dir)
  const offline = { path: dir.path, errorCode: ErrorCode.KAFKA_STORAGE_ERROR, totalBytes: -1, usableBytes: -1, cordoned, partitions: [] }
  if (!dir.online) return offline
  const space = await statfs(dir.path).catch(() => undefined)
  const totalBytes = space ? space.bsize * space.blocks : -1
  const usableBytes = space ? space.bsize * space.bavail : -1
  const partitions = Array.from(dir.logs.values(), (log): LogDescription => {
    const { topic, partition, sizeBytes, endOffset } = log
    return { topic, partition, sizeBytes, endOffset, future: moves.future(topic, partition) === log }
  })
  return { path: dir.path, errorCode: ErrorCode.NONE, totalBytes, usableBytes, cordoned, partitions }
}
