/** Requests as frames that are made once; what changes from one to the next is written into them. */
import { requestFrame } from '../../test/support/raw-client.js'
import { writeInt64 } from '../../src/record/batch.js'
import { buildBatch } from '../../src/record/index.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { randomBytes } from '../micro/suite.js'

export const FETCH_VERSION = 12
const PRODUCE_VERSION = 9
/** Values that stand nowhere else in a frame, to find where a field is. */
const SOME_OFFSET = 0x0012_3456_789a_bcde
const SOME_EPOCH = 0x5a6b_7c3d
const NO_SESSION = -1
const TIMEOUT_MS = 30_000

export interface FetchSpec {
  readonly topic: string
  /** How many partitions it names, from 0 on; or one of them. */
  readonly partitions: number | { readonly only: number }
  readonly maxWaitMs?: number
  readonly maxBytes?: number
  readonly sessionId?: number
  /** -1: no session. */
  readonly sessionEpoch?: number
}

/** The body of a Fetch from offset 0, or from `offset`. */
export function fetchBody(
  { topic, partitions, maxWaitMs = 0, maxBytes = 4096, sessionId = 0, sessionEpoch = NO_SESSION }: FetchSpec,
  offset = 0
) {
  const numbers = typeof partitions === 'number' ? Array.from({ length: partitions }, (_, number) => number) : [partitions.only]
  return {
    replicaId: -1,
    maxWaitMs,
    minBytes: 1,
    maxBytes: 0x7fffffff,
    isolationLevel: 0,
    sessionId,
    sessionEpoch,
    topics:
      numbers.length === 0
        ? []
        : [
            {
              topic,
              partitions: numbers.map((partition) => ({
                partition,
                currentLeaderEpoch: -1,
                fetchOffset: offset,
                partitionMaxBytes: maxBytes
              }))
            }
          ],
    forgottenTopicsData: []
  }
}

export function fetchFrame(spec: FetchSpec, offset = 0): Buffer {
  return requestFrame(fetch, FETCH_VERSION, fetchBody(spec, offset))
}

/** A Fetch of one partition, each time from another offset. */
export function movingFetch(spec: FetchSpec & { readonly partitions: { readonly only: number } }, nextOffset: () => number): () => Buffer {
  const frame = fetchFrame(spec, SOME_OFFSET)
  const wanted = Buffer.alloc(8)
  writeInt64(wanted, SOME_OFFSET, 0)
  const at = only(frame, wanted)
  return () => {
    writeInt64(frame, nextOffset(), at)
    return frame
  }
}

/** The incremental requests of a fetch session that name no partition: each with the next epoch. */
export function sessionFetch(topic: string, sessionId: number): () => Buffer {
  const frame = fetchFrame({ topic, partitions: 0, sessionId, sessionEpoch: SOME_EPOCH })
  const wanted = Buffer.alloc(4)
  wanted.writeInt32BE(SOME_EPOCH)
  const at = only(frame, wanted)
  let epoch = 1
  return () => {
    frame.writeInt32BE(epoch++, at)
    return frame
  }
}

function only(frame: Buffer, wanted: Buffer): number {
  const at = frame.indexOf(wanted)
  if (at < 0 || frame.indexOf(wanted, at + 1) >= 0) throw new Error('a field is not to be found in its request')
  return at
}

/** A Produce of one batch with one record of so many bytes. */
export function produceFrame(topic: string, partition: number, recordBytes: number): Buffer {
  const records = buildBatch([{ value: randomBytes(recordBytes) }], { timestamp: Date.now() })
  const body = { acks: 1, timeoutMs: TIMEOUT_MS, topicData: [{ name: topic, partitionData: [{ index: partition, records }] }] }
  return requestFrame(produce, PRODUCE_VERSION, body)
}
