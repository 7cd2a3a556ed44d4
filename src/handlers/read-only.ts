/**
 * The handlers of a broker that serves other people's folders and writes nothing: what would write is refused with errors that clients show
 * and do not try again after. An API that is not known to only read is refused.
 */
import { statfs } from 'node:fs/promises'
import { TRANSACTION_TOPIC } from '../coordinator/transaction/transaction-coordinator.js'
import type { Api } from '../protocol/api.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { closeConnection, type Handler, type Outcome } from './handler.js'

const Key = {
  produce: 0,
  offsetCommit: 8,
  findCoordinator: 10,
  deleteRecords: 21,
  initProducerId: 22,
  describeLogDirs: 35
} as const

/**
 * Fetch, ListOffsets, Metadata, OffsetFetch, FindCoordinator, groups (their members live in memory), transactions as they stand in the folder,
 * ApiVersions, InitProducerId (so that an idempotent producer comes to Produce, whose error says why), OffsetForLeaderEpoch, clients' own metrics, and what describes and
 * lists.
 */
const READS: ReadonlySet<number> = new Set([
  1, 2, 3, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 22, 23, 29, 32, 35, 36, 41, 46, 48, 50, 55, 60, 61, 65, 66, 68, 69, 71, 72, 74, 75
])
const TRANSACTION_KEY = 1
const MESSAGE = 'the broker serves copied folders read-only (sluice serve --read-only)'

export interface ReadOnlyHandling {
  /** The folder that stands behind each log directory. */
  readonly shown: ReadonlyMap<string, string>
  /** `memory`: the coordinator keeps committed offsets, and writes nothing. */
  readonly commits: 'refuse' | 'memory'
}

export function readOnlyHandlers(handlers: readonly Handler<Api>[], { shown, commits }: ReadOnlyHandling): readonly Handler<Api>[] {
  return handlers.map((each) => {
    switch (each.api.key) {
      case Key.produce:
        return refuseProduce(each)
      case Key.offsetCommit:
        return commits === 'memory' ? each : refusing(each, ErrorCode.GROUP_AUTHORIZATION_FAILED)
      case Key.deleteRecords:
        return refuseDeleteRecords(each)
      case Key.findCoordinator:
        return withoutTransactions(each)
      case Key.initProducerId:
        return withoutTransactionalIds(each)
      case Key.describeLogDirs:
        return showing(each, shown)
      default:
        return READS.has(each.api.key) ? each : refusing(each, ErrorCode.POLICY_VIOLATION)
    }
  })
}

function refusal(each: Handler<Api>, request: unknown, errorCode: number): object {
  return withMessage(each.failed?.(request as never, errorCode) ?? { errorCode }) as object
}

function refusing(each: Handler<Api>, errorCode: number): Handler<Api> {
  return { ...each, handle: (request) => refusal(each, request, errorCode) as Outcome<Api> }
}

// With acks=0 nobody waits for an answer: that it did not work is told by the end of the connection.
function refuseProduce(each: Handler<Api>): Handler<Api> {
  return {
    ...each,
    handle: (request) =>
      (request as unknown as { acks: number }).acks === 0
        ? closeConnection
        : (refusal(each, request, ErrorCode.POLICY_VIOLATION) as Outcome<Api>)
  }
}

function refuseDeleteRecords(each: Handler<Api>): Handler<Api> {
  return {
    ...each,
    handle: (request) => {
      const { topics } = request as unknown as { topics: { name: string; partitions: { partitionIndex: number }[] }[] }
      return {
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            lowWatermark: -1,
            errorCode: ErrorCode.POLICY_VIOLATION
          }))
        }))
      } as Outcome<Api>
    }
  }
}

// Who asks may want to know of transactions that are there. Where there are none, their topic is not made.
function withoutTransactions(each: Handler<Api>): Handler<Api> {
  return {
    ...each,
    handle: (request, context, broker) =>
      (request as unknown as { keyType: number }).keyType === TRANSACTION_KEY && !broker.metadata.image.topicByName(TRANSACTION_TOPIC)
        ? (refusal(each, request, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED) as Outcome<Api>)
        : each.handle(request, context, broker)
  }
}

function withoutTransactionalIds(each: Handler<Api>): Handler<Api> {
  return {
    ...each,
    handle: (request, context, broker) =>
      (request as unknown as { transactionalId: string | null }).transactionalId === null
        ? each.handle(request, context, broker)
        : (refusal(each, request, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED) as Outcome<Api>)
  }
}

interface LogDirResult {
  readonly logDir: string
}

function showing(each: Handler<Api>, shown: ReadonlyMap<string, string>): Handler<Api> {
  return {
    ...each,
    handle: async (request, context, broker) => {
      const answer = (await each.handle(request, context, broker)) as unknown as { results: LogDirResult[] }
      const results = answer.results.map(async (result) => {
        const logDir = shown.get(result.logDir) ?? result.logDir
        const space = await statfs(logDir).catch(() => undefined)
        const size = space && { totalBytes: space.bsize * space.blocks, usableBytes: space.bsize * space.bavail }
        return { ...result, logDir, ...size }
      })
      return { ...answer, results: await Promise.all(results) } as unknown as Outcome<Api>
    }
  }
}

/** Puts the reason beside each error code; where the schema has no field for it, it is not sent. */
function withMessage(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withMessage)
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value
  const entries = Object.entries(value).map(([name, inner]): [string, unknown] => [name, withMessage(inner)])
  const copy = Object.fromEntries(entries)
  return typeof copy['errorCode'] === 'number' && copy['errorCode'] !== ErrorCode.NONE ? { ...copy, errorMessage: MESSAGE } : copy
}
