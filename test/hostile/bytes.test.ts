/** Bytes that no client should send. Each gets the protocol's error or a closed connection, stores nothing, and disturbs nobody else. */
import { once } from 'node:events'
import net from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.js'
import { metadata } from '../../src/protocol/messages/03-metadata.js'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.js'
import { createTopics } from '../../src/protocol/messages/19-create-topics.js'
import { buildBatch } from '../../src/record/builder.js'
import { crc32c } from '../../src/record/crc32c.js'
import { foreignBroker, startBroker, type TestBroker } from '../support/broker.js'
import { uniqueName } from '../support/names.js'
import { RawClient, framed, requestFrame } from '../support/raw-client.js'

let broker: TestBroker
test.before(async () => {
  broker = await startBroker()
})
test.after.always(() => broker.stop())

async function connect(t: ExecutionContext): Promise<RawClient> {
  const client = await RawClient.connect(broker)
  t.teardown(() => client.close())
  return client
}

async function newTopic(t: ExecutionContext, configs: Record<string, string> = {}): Promise<string> {
  const client = await connect(t)
  const name = uniqueName('hostile')
  const { topics } = await client.request(createTopics, 7, {
    topics: [
      {
        name,
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value }))
      }
    ],
    timeoutMs: 10_000
  })
  t.is(topics[0]?.errorCode, 0)
  await until(async () => (await errorOfEnd(client, name)) === 0)
  return name
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}

async function end(client: RawClient, name: string) {
  const { topics } = await client.request(listOffsets, 7, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name, partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 }] }]
  })
  return topics[0]?.partitions[0]
}

const errorOfEnd = async (client: RawClient, name: string) => (await end(client, name))?.errorCode

function produceBody(name: string, records: Uint8Array, acks = -1) {
  return { transactionalId: null, acks, timeoutMs: 5000, topicData: [{ name, partitionData: [{ index: 0, records }] }] }
}

async function produceError(client: RawClient, name: string, records: Uint8Array): Promise<number | undefined> {
  const { responses } = await client.request(produce, 9, produceBody(name, records))
  return responses[0]?.partitionResponses[0]?.errorCode
}

/** The rest of the world is served. */
async function stillServes(t: ExecutionContext): Promise<void> {
  t.is((await (await connect(t)).request(apiVersions, 3, { clientSoftwareName: 'raw', clientSoftwareVersion: '1' })).errorCode, 0)
}

for (const [what, length] of [
  ['negative', -1],
  ['the smallest', -0x80000000],
  ['above socket.request.max.bytes', 0x7fffffff],
  ['too short for a header', 3]
] as const) {
  test(`a length prefix that is ${what} closes the connection`, async (t) => {
    const client = await connect(t)
    const bytes = Buffer.alloc(7)
    bytes.writeInt32BE(length)
    client.write(bytes)
    await t.notThrowsAsync(client.closing())
    await stillServes(t)
  })
}

test('an unknown ApiVersions version is answered in version 0 with UNSUPPORTED_VERSION', async (t) => {
  const client = await connect(t)
  const frame = requestFrame(apiVersions, 3, { clientSoftwareName: 'raw', clientSoftwareVersion: '1' })
  frame.writeInt16BE(99, 6)
  client.write(frame)
  const answer = await client.frame()
  t.is(answer.readInt16BE(4), ErrorCode.UNSUPPORTED_VERSION)
  t.deepEqual([answer.readInt32BE(6), answer.readInt16BE(10)], [1, 18], 'only ApiVersions is listed')
})

for (const [what, key, version] of [
  ['an unknown API', 999, 0],
  ['a negative API', -1, 0],
  ['an unknown version', 3, 99],
  ['a negative version', 3, -1],
  ['a version below the first', 1, 3]
] as const) {
  test(`${what} closes the connection`, async (t) => {
    const client = await connect(t)
    const payload = Buffer.alloc(64)
    payload.writeInt16BE(key)
    payload.writeInt16BE(version, 2)
    payload.writeInt16BE(-1, 8)
    client.write(framed(payload))
    await t.notThrowsAsync(client.closing())
    await stillServes(t)
  })
}

test('a request cut at any byte closes the connection or is refused, and stores nothing', async (t) => {
  const name = await newTopic(t)
  const batch = buildBatch([{ value: Buffer.from('never stored') }], { timestamp: Date.now() })
  const whole = requestFrame(produce, 9, produceBody(name, batch)).subarray(4)
  for (let length = 0; length < whole.length; length++) {
    const client = await RawClient.connect(broker)
    client.write(framed(whole.subarray(0, length)))
    // Whether the cut hits the envelope (closed) or the tags at its end, the partition must not grow.
    await client.frame().catch(() => undefined)
    client.close()
  }
  t.is((await end(await connect(t), name))?.offset, 0)
})

test('an array that claims more elements than there are bytes closes the connection', async (t) => {
  const client = await connect(t)
  const frame = requestFrame(metadata, 4, { topics: [], allowAutoTopicCreation: false })
  frame.writeInt32BE(0x7ffffff0, frame.length - 5)
  client.write(frame)
  await t.notThrowsAsync(client.closing())
  await stillServes(t)
})

/** Each spoils a good batch in place; `crc` is made right again unless the spoiling is about it. */
const spoilings: readonly (readonly [string, (batch: Buffer) => Buffer, readonly number[], boolean?])[] = [
  ['a wrong CRC', (b) => (b.writeUInt32BE((b.readUInt32BE(17) ^ 1) >>> 0, 17), b), [ErrorCode.CORRUPT_MESSAGE], false],
  ['a flipped bit in a record', (b) => ((b[b.length - 2] = b[b.length - 2]! ^ 4), b), [ErrorCode.CORRUPT_MESSAGE], false],
  ['magic 1', (b) => (b.writeInt8(1, 16), b), [ErrorCode.INVALID_RECORD, ErrorCode.CORRUPT_MESSAGE]],
  ['magic 3', (b) => (b.writeInt8(3, 16), b), [ErrorCode.INVALID_RECORD, ErrorCode.CORRUPT_MESSAGE]],
  ['a length beyond the bytes', (b) => (b.writeInt32BE(b.readInt32BE(8) + 1, 8), b), [ErrorCode.CORRUPT_MESSAGE, ErrorCode.INVALID_RECORD]],
  ['a negative length', (b) => (b.writeInt32BE(-5, 8), b), [ErrorCode.CORRUPT_MESSAGE]],
  ['a record count of 0', (b) => (b.writeInt32BE(0, 57), b), [ErrorCode.INVALID_RECORD]],
  ['more records than it holds', (b) => (b.writeInt32BE(1000, 57), b), [ErrorCode.INVALID_RECORD]],
  ['a last offset delta that does not match', (b) => (b.writeInt32BE(7, 23), b), [ErrorCode.INVALID_RECORD]],
  [
    'an unknown codec',
    (b) => (b.writeInt16BE(7, 21), b),
    [ErrorCode.INVALID_RECORD, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, ErrorCode.CORRUPT_MESSAGE, ErrorCode.UNKNOWN_SERVER_ERROR]
  ],
  [
    'a payload that is not gzip',
    (b) => (b.writeInt16BE(1, 21), b),
    [ErrorCode.INVALID_RECORD, ErrorCode.CORRUPT_MESSAGE, ErrorCode.UNKNOWN_SERVER_ERROR]
  ],
  [
    'a payload that is not zstd',
    (b) => (b.writeInt16BE(4, 21), b),
    [ErrorCode.INVALID_RECORD, ErrorCode.CORRUPT_MESSAGE, ErrorCode.UNKNOWN_SERVER_ERROR]
  ],
  ['noise behind it', (b) => Buffer.concat([b, Buffer.alloc(20, 0xee)]), [ErrorCode.INVALID_RECORD, ErrorCode.CORRUPT_MESSAGE]],
  ['the control bit', (b) => (b.writeInt16BE(0x20, 21), b), [ErrorCode.INVALID_RECORD]],
  ['only half of it', (b) => b.subarray(0, b.length >> 1), [ErrorCode.CORRUPT_MESSAGE, ErrorCode.INVALID_RECORD]]
]

for (const [what, spoil, expected, fixCrc = true] of spoilings) {
  test(`a batch with ${what} is refused and not stored`, async (t) => {
    const name = await newTopic(t)
    const client = await connect(t)
    const batch = spoil(
      Buffer.from(
        buildBatch([{ key: Buffer.from('k'), value: Buffer.alloc(50, 1) }, { value: Buffer.alloc(50, 2) }], { timestamp: Date.now() })
      )
    )
    if (fixCrc) batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
    const error = await produceError(client, name, batch)
    t.true(expected.includes(error ?? 0), `error ${error}`)
    t.is((await end(client, name))?.offset, 0)
  })
}

test('a record above max.message.bytes is refused and not stored', async (t) => {
  const name = await newTopic(t, { 'max.message.bytes': '1000' })
  const client = await connect(t)
  t.is(
    await produceError(client, name, buildBatch([{ value: Buffer.alloc(1000) }], { timestamp: Date.now() })),
    ErrorCode.MESSAGE_TOO_LARGE
  )
  t.is((await end(client, name))?.offset, 0)
})

test('invalid topic names are refused', async (t) => {
  const client = await connect(t)
  for (const name of ['', '.', '..', 'a/b', '../../etc', 'a b', 'ü', 'x'.repeat(250), 'a\0b']) {
    const { topics } = await client.request(createTopics, 7, {
      topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 5000
    })
    t.is(topics[0]?.errorCode, ErrorCode.INVALID_TOPIC_EXCEPTION, JSON.stringify(name))
  }
})

// Apache Kafka allocates what a prefix claims: with a heap of 1 GiB this ends it.
const oursTest = foreignBroker ? test.skip : test

oursTest('hundreds of connections that claim large frames and send nothing hold nobody up', async (t) => {
  const claim = Buffer.alloc(4)
  claim.writeInt32BE(100 * 1024 * 1024)
  const idle: net.Socket[] = []
  t.teardown(() => idle.forEach((socket) => socket.destroy()))
  for (let i = 0; i < 300; i++) {
    const socket = net.connect(broker).on('error', () => {})
    await once(socket, 'connect')
    socket.write(claim)
    idle.push(socket)
  }
  const client = await connect(t)
  const times: number[] = []
  for (let i = 0; i < 300; i++) {
    const begun = performance.now()
    await client.request(metadata, 4, { topics: [], allowAutoTopicCreation: false })
    times.push(performance.now() - begun)
  }
  const p99 = times.sort((a, b) => a - b)[296] ?? Infinity
  t.true(p99 < 100, `p99 ${p99} ms`)
})
