/** What consumers see of a partition, as a client of the protocol works it out: by offset, with or without the aborted transactions. */
import { setTimeout as delay } from 'node:timers/promises'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import {
  ControlType,
  controlTypeOf,
  decodeBatches,
  decompressedRecords,
  recordsOf,
  type DecodedBatch,
  type DecodedRecord
} from '../../src/record/index.js'
import type { Session } from './session.js'

const MAX_BYTES = 1 << 20

export interface SeenRecord {
  readonly offset: number
  readonly timestamp: number
  readonly logAppendTime: boolean
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string | null])[]
}

/** For comparison as a whole. */
export interface Contents {
  readonly logStartOffset: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly records: readonly SeenRecord[]
}

/** All that a consumer gets from the start of a partition on. */
export async function contentsOf(session: Session, topic: string, partition: number, committed: boolean): Promise<Contents> {
  const { offset: logStartOffset } = await session.offsetAt(topic, partition, -2)
  const records: SeenRecord[] = []
  for (let next = logStartOffset; ;) {
    const found = await fetchOnce(session, topic, partition, next, committed)
    const bytes = Buffer.from(found.records as Uint8Array)
    const before = next
    const aborted = found.abortedTransactions?.toSorted((a, b) => a.firstOffset - b.firstOffset) ?? []
    const ignored = new Set<number>()
    for (const header of decodeBatches(bytes)) {
      const payload = await decompressedRecords(bytes, header, MAX_BYTES)
      const inside = [...recordsOf(bytes, header, payload)]
      next = header.lastOffset + 1
      if ((committed && isIgnored(header, inside, aborted, ignored)) || header.control) continue
      records.push(...inside.filter(({ offset }) => offset >= before).map((record) => seen(record, header)))
    }
    const { highWatermark, lastStableOffset } = found
    // The last offsets of a compacted log may have no batch.
    if (next >= (committed ? lastStableOffset : highWatermark) || next === before) {
      return { logStartOffset, highWatermark, lastStableOffset, records }
    }
  }
}

async function fetchOnce(session: Session, topic: string, partition: number, fetchOffset: number, committed: boolean) {
  for (;;) {
    const partitions = [
      { partition, currentLeaderEpoch: -1, fetchOffset, lastFetchedEpoch: -1, logStartOffset: -1, partitionMaxBytes: MAX_BYTES }
    ]
    const limits = { maxWaitMs: 0, minBytes: 0, maxBytes: MAX_BYTES, isolationLevel: committed ? 1 : 0, sessionId: 0, sessionEpoch: -1 }
    const body = { replicaId: -1, ...limits, topics: [{ topic, partitions }], forgottenTopicsData: [], rackId: '' }
    const { responses } = await session.client.request(fetch, 12, body)
    const found = responses[0]!.partitions[0]!
    if (found.errorCode === ErrorCode.NONE) return found
    if (found.errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER && found.errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) {
      throw new Error(`${topic}-${partition} at ${fetchOffset}: error ${found.errorCode}`)
    }
    await delay(20)
  }
}

// As every client does (KIP-98): a producer's records are left out from the first offset of its aborted transaction to the marker.
function isIgnored(
  header: DecodedBatch,
  records: readonly DecodedRecord[],
  aborted: { producerId: number; firstOffset: number }[],
  ignored: Set<number>
): boolean {
  while (aborted.length > 0 && aborted[0]!.firstOffset <= header.lastOffset) ignored.add(aborted.shift()!.producerId)
  if (header.control) {
    if (records.some(({ key }) => controlTypeOf(key) === ControlType.abort)) ignored.delete(header.producerId)
    return false
  }
  return header.transactional && ignored.has(header.producerId)
}

function seen({ offset, timestamp, key, value, headers }: DecodedRecord, { logAppendTime }: DecodedBatch): SeenRecord {
  const text = (bytes: Buffer | null) => bytes?.toString() ?? null
  return { offset, timestamp, logAppendTime, key: text(key), value: text(value), headers: headers.map((one) => [one.key, text(one.value)]) }
}

/** The line of kafka-console-consumer.sh for a record, with every property that it can print. */
export function consoleLine(partition: number, { offset, timestamp, logAppendTime, key, value, headers }: SeenRecord): string {
  const told = headers.length === 0 ? 'NO_HEADERS' : headers.map(([name, text]) => `${name}:${text}`).join(',')
  const type = logAppendTime ? 'LogAppendTime' : 'CreateTime'
  return [`${type}:${timestamp}`, `Partition:${partition}`, `Offset:${offset}`, told, key ?? 'null', value ?? 'null'].join('\t')
}

export const CONSOLE_PROPERTIES = ['timestamp', 'partition', 'offset', 'headers', 'key'].flatMap((one) => [
  '--formatter-property',
  `print.${one}=true`
])
