/**
 * The codecs of Fetch, Produce and Metadata with 1, 100 and 1,000 partitions, next to those of two clients for the same message.
 *
 * Clients encode requests and decode responses, so that only these directions can be compared; a broker's own directions are timed alone.
 * kafkajs is met in the newest version that it has, @platformatic/kafka in a flexible one. Both give int64 as string or bigint; ours are
 * numbers. Record sets are empty: a client would decode the records, too. A client's producer encodes the records together with the
 * request, so that Produce is compared by its response. Some of kafkajs' codecs are asynchronous.
 */
import { strict as assert } from 'node:assert'
import { createRequire } from 'node:module'
import { fetchV12, metadataV12, produceV9, Reader as PlatformaticReader } from '@platformatic/kafka'
import { decode, encode } from '../../src/protocol/compile.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { metadata } from '../../src/protocol/messages/03-metadata.js'
import { Reader } from '../../src/protocol/reader.js'
import type { InputOf, MessageSchema } from '../../src/protocol/schema.js'
import { Writer } from '../../src/protocol/writer.js'
import { type Comparison, plainSuite, type Subject } from './suite.js'

interface KafkajsRequest {
  encode(): Promise<{ buffer: Buffer }>
}
interface KafkajsResponse {
  decode(bytes: Buffer): Promise<unknown>
}
interface PlatformaticCodec {
  parseResponse(correlationId: number, key: number, version: number, reader: PlatformaticReader): unknown
}
const require = createRequire(import.meta.url)
const kafkajs = <T>(path: string): T => require(`kafkajs/src/protocol/requests/${path}`) as T

const writer = new Writer()
const reader = new Reader()

function encoded<M extends MessageSchema>(schema: M, version: number, value: InputOf<M>): Buffer {
  writer.reset()
  encode(schema, version, writer, value)
  return writer.toBuffer()
}

function encodes<M extends MessageSchema>(schema: M, version: number, value: InputOf<M>): Subject {
  const run = (): number => {
    writer.reset()
    encode(schema, version, writer, value)
    return writer.totalLength
  }
  return { name: 'Sluice', run }
}

function decodes(schema: MessageSchema, version: number, bytes: Buffer): Subject {
  return { name: 'Sluice', run: () => decode(schema, version, reader.reset(bytes)) }
}

function kafkajsDecodes(path: string, version: number, bytes: Buffer): Subject {
  const codec = kafkajs<KafkajsResponse>(`${path}/v${version}/response`)
  return { name: KAFKAJS, run: () => codec.decode(bytes) }
}

function platformaticDecodes(codec: PlatformaticCodec, key: number, version: number, bytes: Buffer): Subject {
  return { name: PLATFORMATIC, run: () => codec.parseResponse(1, key, version, PlatformaticReader.from(bytes)) }
}

/** `subjects`: ours first. */
function comparison(title: string, version: number, count: number, bytes: number, subjects: readonly Subject[]): Comparison {
  const name = `v${version}, ${count === 1 ? '1 entry' : `${count.toLocaleString('en-US')} entries`}`
  return { group: `codec: ${title}`, name, parameters: { version, entries: count, bytes }, subjects }
}

const range = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index))
const KAFKAJS = 'kafkajs'
const PLATFORMATIC = '@platformatic/kafka'
const TOPIC = 'orders'
const NO_RECORDS = Buffer.alloc(0)

async function fetches(count: number): Promise<Comparison[]> {
  const limits = { maxWaitMs: 500, minBytes: 1, maxBytes: 1 << 26, isolationLevel: 1 }
  const asked = range(count, (partition) => ({
    partition,
    currentLeaderEpoch: 7,
    fetchOffset: 1e9 + partition,
    partitionMaxBytes: 1 << 20
  }))
  const request = { replicaId: -1, ...limits, topics: [{ topic: TOPIC, partitions: asked }], forgottenTopicsData: [] }
  const response = {
    sessionId: 5,
    responses: [
      {
        topic: TOPIC,
        partitions: range(count, (partitionIndex) => ({
          partitionIndex,
          errorCode: 0,
          highWatermark: 1e9,
          lastStableOffset: 1e9,
          logStartOffset: 0,
          abortedTransactions: [],
          preferredReadReplica: -1,
          records: NO_RECORDS
        }))
      }
    ]
  }
  const theirs = kafkajs<(request: unknown) => KafkajsRequest>('fetch/v11/request')
  const theirTopics = [{ topic: TOPIC, partitions: asked.map((each) => ({ ...each, maxBytes: each.partitionMaxBytes })) }]
  const kafkajsEncodes = (): Promise<{ buffer: Buffer }> =>
    theirs({ replicaId: -1, ...limits, maxWaitTime: limits.maxWaitMs, topics: theirTopics }).encode()
  const otherTopics = [
    { topicId: TOPIC, partitions: asked.map((each) => ({ ...each, fetchOffset: BigInt(each.fetchOffset), lastFetchedEpoch: -1 })) }
  ]
  const otherEncodes = (): { buffer: Buffer } =>
    fetchV12.createRequest(limits.maxWaitMs, limits.minBytes, limits.maxBytes, limits.isolationLevel, 0, -1, otherTopics, [], '')
  const asked11 = encoded(fetch.request, 11, request)
  const asked12 = encoded(fetch.request, 12, request)
  assert.deepEqual((await kafkajsEncodes()).buffer, asked11)
  assert.deepEqual(Buffer.from(otherEncodes().buffer), asked12)
  const answer11 = encoded(fetch.response, 11, response)
  const answer12 = encoded(fetch.response, 12, response)
  const regions = { segment: 1, position: 0, length: 4096 }
  const withRegions = {
    ...response,
    responses: [{ topic: TOPIC, partitions: response.responses[0]!.partitions.map((each) => ({ ...each, records: regions })) }]
  }
  return [
    comparison('Fetch request, encode', 11, count, asked11.length, [
      encodes(fetch.request, 11, request),
      { name: KAFKAJS, run: kafkajsEncodes }
    ]),
    comparison('Fetch request, encode', 12, count, asked12.length, [
      encodes(fetch.request, 12, request),
      { name: PLATFORMATIC, run: otherEncodes }
    ]),
    comparison('Fetch response, decode', 11, count, answer11.length, [
      decodes(fetch.response, 11, answer11),
      kafkajsDecodes('fetch', 11, answer11)
    ]),
    comparison('Fetch response, decode', 12, count, answer12.length, [
      decodes(fetch.response, 12, answer12),
      platformaticDecodes(fetchV12, 1, 12, answer12)
    ]),
    comparison('Fetch request, decode', 12, count, asked12.length, [decodes(fetch.request, 12, asked12)]),
    comparison('Fetch response with file regions, encode', 12, count, answer12.length, [encodes(fetch.response, 12, withRegions)])
  ]
}

function produces(count: number): Comparison[] {
  const batch = Buffer.alloc(100, 1)
  const request = {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: TOPIC, partitionData: range(count, (index) => ({ index, records: batch })) }]
  }
  const partitionResponses = range(count, (index) => ({ index, errorCode: 0, baseOffset: 1e9, logAppendTimeMs: -1, logStartOffset: 0 }))
  const response = { responses: [{ name: TOPIC, partitionResponses }] }
  const asked = encoded(produce.request, 9, request)
  const answer7 = encoded(produce.response, 7, response)
  const answer9 = encoded(produce.response, 9, response)
  return [
    comparison('Produce response, decode', 7, count, answer7.length, [
      decodes(produce.response, 7, answer7),
      kafkajsDecodes('produce', 7, answer7)
    ]),
    comparison('Produce response, decode', 9, count, answer9.length, [
      decodes(produce.response, 9, answer9),
      platformaticDecodes(produceV9, 0, 9, answer9)
    ]),
    comparison('Produce request, decode', 9, count, asked.length, [decodes(produce.request, 9, asked)]),
    comparison('Produce response, encode', 9, count, answer9.length, [encodes(produce.response, 9, response)])
  ]
}

async function metadatas(count: number): Promise<Comparison[]> {
  const names = range(count, (index) => `topic-${index}`)
  const partitions = range(count, (partitionIndex) => ({
    errorCode: 0,
    partitionIndex,
    leaderId: 1,
    leaderEpoch: 7,
    replicaNodes: [1, 2, 3],
    isrNodes: [1, 2, 3],
    offlineReplicas: []
  }))
  const response = {
    brokers: range(3, (index) => ({ nodeId: index + 1, host: `broker-${index + 1}.example`, port: 9092, rack: null })),
    clusterId: 'golden',
    controllerId: 1,
    topics: [{ errorCode: 0, name: TOPIC, topicId: 'bxmB-6D_R3-Rm1lbZUC5bg', isInternal: false, partitions }]
  }
  const request = { topics: names.map((name) => ({ name })), allowAutoTopicCreation: true }
  const theirs = kafkajs<(request: unknown) => KafkajsRequest>('metadata/v6/request')
  const kafkajsEncodes = (): Promise<{ buffer: Buffer }> => theirs({ topics: names, allowAutoTopicCreation: true }).encode()
  const otherEncodes = (): { buffer: Buffer } => metadataV12.createRequest(names, true)
  const asked12 = encoded(metadata.request, 12, request)
  const asked6 = encoded(metadata.request, 6, request)
  assert.deepEqual((await kafkajsEncodes()).buffer, asked6)
  assert.deepEqual(Buffer.from(otherEncodes().buffer), asked12)
  const answer6 = encoded(metadata.response, 6, response)
  const answer12 = encoded(metadata.response, 12, response)
  return [
    comparison('Metadata request, encode', 6, count, asked6.length, [
      encodes(metadata.request, 6, request),
      { name: KAFKAJS, run: kafkajsEncodes }
    ]),
    comparison('Metadata request, encode', 12, count, asked12.length, [
      encodes(metadata.request, 12, request),
      { name: PLATFORMATIC, run: otherEncodes }
    ]),
    comparison('Metadata response, decode', 6, count, answer6.length, [
      decodes(metadata.response, 6, answer6),
      kafkajsDecodes('metadata', 6, answer6)
    ]),
    comparison('Metadata response, decode', 12, count, answer12.length, [
      decodes(metadata.response, 12, answer12),
      platformaticDecodes(metadataV12, 3, 12, answer12)
    ]),
    comparison('Metadata request, decode', 12, count, asked12.length, [decodes(metadata.request, 12, asked12)]),
    comparison('Metadata response, encode', 12, count, answer12.length, [encodes(metadata.response, 12, response)])
  ]
}

async function comparisons(): Promise<Comparison[]> {
  const all: Comparison[] = []
  for (const count of [1, 100, 1000]) all.push(...(await fetches(count)), ...produces(count), ...(await metadatas(count)))
  return all
}

export default plainSuite('codec', comparisons)
