/**
 * The codecs of Fetch, Produce and Metadata with 1, 100 and 1,000 partitions, next to those of two clients for the same message.
 *
 * Clients encode requests and decode responses, so that only these directions can be compared; a broker's own directions are timed alone.
 * kafkajs is met in the newest version that it has, @platformatic/kafka in a flexible one; ours in the same version, on the line
 * before. Both clients give int64 as string or bigint; ours are numbers. Record sets are empty: a client would decode the records, too.
 * A client's producer encodes the records together with the request, so that Produce is compared by its response.
 *
 * Run: npm run build:ts && node dist/bench/micro/codec.bench.js [--seconds 0.5] [--only fetch] [--json]
 */
import { strict as assert } from 'node:assert'
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import Benchmark from 'benchmark'
import { fetchV12, metadataV12, produceV9, Reader as PlatformaticReader } from '@platformatic/kafka'
import { decode, encode } from '../../src/protocol/compile.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { metadata } from '../../src/protocol/messages/03-metadata.js'
import { Reader } from '../../src/protocol/reader.js'
import type { InputOf, MessageSchema } from '../../src/protocol/schema.js'
import { Writer } from '../../src/protocol/writer.js'

interface KafkajsRequest {
  encode(): Promise<{ buffer: Buffer }>
}
interface KafkajsResponse {
  decode(bytes: Buffer): Promise<unknown>
}
interface PlatformaticCodec {
  parseResponse(correlationId: number, key: number, version: number, reader: PlatformaticReader): unknown
}
interface Case {
  readonly who: string
  /** A promise where the codec is asynchronous. */
  readonly run: () => unknown
}
interface Group {
  readonly title: string
  readonly bytes: number
  readonly cases: readonly Case[]
}
interface Result {
  readonly group: string
  readonly codec: string
  readonly microseconds: number
  readonly margin: number
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

function encodes<M extends MessageSchema>(schema: M, version: number, value: InputOf<M>): Case {
  const run = (): void => {
    writer.reset()
    encode(schema, version, writer, value)
  }
  return { who: `sluice v${version}`, run }
}

function decodes(schema: MessageSchema, version: number, bytes: Buffer): Case {
  return { who: `sluice v${version}`, run: () => decode(schema, version, reader.reset(bytes)) }
}

function kafkajsDecodes(path: string, version: number, bytes: Buffer): Case {
  const codec = kafkajs<KafkajsResponse>(`${path}/v${version}/response`)
  return { who: `kafkajs v${version}`, run: () => codec.decode(bytes) }
}

function platformaticDecodes(codec: PlatformaticCodec, key: number, version: number, bytes: Buffer): Case {
  return { who: `platformatic v${version}`, run: () => codec.parseResponse(1, key, version, PlatformaticReader.from(bytes)) }
}

const range = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index))
const TOPIC = 'orders'
const NO_RECORDS = Buffer.alloc(0)

async function fetchGroups(count: number): Promise<Group[]> {
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
  const compare: Case[] = [
    encodes(fetch.request, 11, request),
    { who: 'kafkajs v11', run: kafkajsEncodes },
    encodes(fetch.request, 12, request),
    { who: 'platformatic v12', run: otherEncodes }
  ]
  const regions = { segment: 1, position: 0, length: 4096 }
  const withRegions = {
    ...response,
    responses: [{ topic: TOPIC, partitions: response.responses[0]!.partitions.map((each) => ({ ...each, records: regions })) }]
  }
  return [
    { title: `Fetch request encode, ${count}`, bytes: asked12.length, cases: compare },
    {
      title: `Fetch response decode, ${count}`,
      bytes: answer12.length,
      cases: [
        decodes(fetch.response, 11, answer11),
        kafkajsDecodes('fetch', 11, answer11),
        decodes(fetch.response, 12, answer12),
        platformaticDecodes(fetchV12, 1, 12, answer12)
      ]
    },
    { title: `Fetch request decode, ${count}`, bytes: asked12.length, cases: [decodes(fetch.request, 12, asked12)] },
    {
      title: `Fetch response encode with file regions, ${count}`,
      bytes: answer12.length,
      cases: [encodes(fetch.response, 12, withRegions)]
    }
  ]
}

function produceGroups(count: number): Group[] {
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
    {
      title: `Produce response decode, ${count}`,
      bytes: answer9.length,
      cases: [
        decodes(produce.response, 7, answer7),
        kafkajsDecodes('produce', 7, answer7),
        decodes(produce.response, 9, answer9),
        platformaticDecodes(produceV9, 0, 9, answer9)
      ]
    },
    { title: `Produce request decode, ${count}`, bytes: asked.length, cases: [decodes(produce.request, 9, asked)] },
    { title: `Produce response encode, ${count}`, bytes: answer9.length, cases: [encodes(produce.response, 9, response)] }
  ]
}

async function metadataGroups(count: number): Promise<Group[]> {
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
  assert.deepEqual((await kafkajsEncodes()).buffer, encoded(metadata.request, 6, request))
  assert.deepEqual(Buffer.from(otherEncodes().buffer), asked12)
  const answer6 = encoded(metadata.response, 6, response)
  const answer12 = encoded(metadata.response, 12, response)
  const compare: Case[] = [
    encodes(metadata.request, 6, request),
    { who: 'kafkajs v6', run: kafkajsEncodes },
    encodes(metadata.request, 12, request),
    { who: 'platformatic v12', run: otherEncodes }
  ]
  return [
    { title: `Metadata request encode, ${count} topics`, bytes: asked12.length, cases: compare },
    {
      title: `Metadata response decode, ${count}`,
      bytes: answer12.length,
      cases: [
        decodes(metadata.response, 6, answer6),
        kafkajsDecodes('metadata', 6, answer6),
        decodes(metadata.response, 12, answer12),
        platformaticDecodes(metadataV12, 3, 12, answer12)
      ]
    },
    { title: `Metadata request decode, ${count} topics`, bytes: asked12.length, cases: [decodes(metadata.request, 12, asked12)] },
    { title: `Metadata response encode, ${count}`, bytes: answer12.length, cases: [encodes(metadata.response, 12, response)] }
  ]
}

/** Runs one codec; an asynchronous one is timed up to the settled promise. */
function measure({ who, run }: Case, group: string, seconds: number): Promise<Result> {
  const asynchronous = run() instanceof Promise
  const body = asynchronous
    ? (deferred: { resolve(): void }) => void (run() as Promise<unknown>).then(() => deferred.resolve())
    : () => run()
  return new Promise((resolve, reject) => {
    const bench = new Benchmark(who, body as never, { defer: asynchronous, async: true, maxTime: seconds, minSamples: 5 })
    bench.on('error', () => reject((bench as unknown as { error: Error }).error))
    bench.on('complete', () => resolve({ group, codec: who, microseconds: bench.stats.mean * 1e6, margin: bench.stats.rme }))
    bench.run()
  })
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '0.5' }, only: { type: 'string', default: '' }, json: { type: 'boolean', default: false } }
})
for (const count of [1, 100, 1000]) {
  for (const { title, bytes, cases } of [...(await fetchGroups(count)), ...produceGroups(count), ...(await metadataGroups(count))]) {
    if (!title.toLowerCase().includes(values.only.toLowerCase())) continue
    if (!values.json) console.log(`\n${title} (${bytes} bytes)`)
    for (const each of cases) {
      const result = await measure(each, title, Number(values.seconds))
      if (values.json) console.log(JSON.stringify(result))
      else console.log(`  ${result.codec.padEnd(20)} ${result.microseconds.toFixed(2).padStart(10)} µs  ±${result.margin.toFixed(1)} %`)
    }
  }
}
