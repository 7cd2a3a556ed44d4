/** Produce and Fetch of one partition over a raw connection, for tests that care for bytes rather than for records. */
import { produce } from '../../src/protocol/messages/00-produce.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { buildBatch } from '../../src/record/builder.js'
import type { RawClient } from './raw-client.js'

/** Appends one record; returns the bytes of its batch and its offset. */
export async function produceValue(
  client: RawClient,
  topic: string,
  value: Uint8Array,
  partition = 0
): Promise<{ offset: number; batch: Buffer }> {
  const batch = buildBatch([{ value }], { timestamp: Date.now() })
  const topicData = [{ name: topic, partitionData: [{ index: partition, records: batch }] }]
  const { responses } = await client.request(produce, 9, { transactionalId: null, acks: -1, timeoutMs: 10_000, topicData })
  const answer = responses[0]?.partitionResponses[0]
  if (answer?.errorCode !== 0) throw new Error(`produce: error ${answer?.errorCode}`)
  return { offset: answer.baseOffset, batch }
}

/** What a Fetch of version 12 asks for. */
export function fetchBody(topic: string, fetchOffset: number, maxBytes: number, partition = 0) {
  return {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic, partitions: [{ partition, currentLeaderEpoch: -1, fetchOffset, logStartOffset: -1, partitionMaxBytes: maxBytes }] }],
    forgottenTopicsData: [],
    rackId: ''
  }
}

/** The record bytes from `offset` on, as the broker sent them. */
export async function fetchRecords(client: RawClient, topic: string, offset: number, maxBytes: number, partition = 0): Promise<Buffer> {
  const { responses } = await client.request(fetch, 12, fetchBody(topic, offset, maxBytes, partition))
  const answer = responses[0]?.partitions[0]
  if (answer?.errorCode !== 0) throw new Error(`fetch: error ${answer?.errorCode}`)
  const { records } = answer
  return records === null || records === undefined ? Buffer.alloc(0) : Buffer.from(records)
}
