/**
 * Cold reads stall nobody: while readers wait for a disk that does not answer, others produce and fetch, in every transfer mode. The disk is a file
 * system that holds reads back until it is told to answer, so order is asserted and not time.
 */
import { setTimeout as delay } from 'node:timers/promises'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { mountSlowFs, whyNoSlowFs, type SlowFs } from '../../bench/lib/slowfs.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { produce } from '../../src/protocol/messages/00-produce.js'
import { fetch } from '../../src/protocol/messages/01-fetch.js'
import { buildBatch } from '../../src/record/builder.js'
import { decodeRecords } from '../../src/record/decode.js'
import { foreignBroker, startChildBroker, type ChildBroker } from '../support/broker.js'
import { RawClient } from '../support/raw-client.js'
import { tempDir } from '../support/temp-dir.js'

const KiB = 1024
const MiB = KiB * KiB
const MODES = ['auto', 'sendfile', 'splice', 'mmap', 'readwrite'] as const
/** Longer than any test: only `clear` ends the wait. */
const FOR_EVER_MS = 3_600_000
const PATIENCE_MS = 15_000

const why = foreignBroker ? 'the broker is not ours' : await whyNoSlowFs()
if (why !== undefined) process.stderr.write(`cold-isolation is skipped: ${why}\n`)
const testOnSlowDisk = why === undefined ? test.serial : test.serial.skip

/** Topics whose batches are of one record each, so that a fetch may ask for as little. */
const SMALL = { topic: 'cold-small', records: 256, bytes: 4 * KiB }
const LARGE = { topic: 'cold-large', records: 256, bytes: 64 * KiB }
type Cold = typeof SMALL

const valueOf = (offset: number, bytes: number) => Buffer.alloc(bytes, `${offset} `)

async function send(client: RawClient, topic: string, values: readonly Buffer[]): Promise<void> {
  for (const value of values) {
    client.post(produce, 9, {
      transactionalId: null,
      acks: 1,
      timeoutMs: 5000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records: buildBatch([{ value }], { timestamp: 1 }) }] }]
    })
  }
  for (const _ of values) await client.frame()
}

function fetchRequest(topic: string, fetchOffset: number, bytes: number) {
  return {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 64 * MiB,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic, partitions: [{ partition: 0, currentLeaderEpoch: -1, fetchOffset, logStartOffset: -1, partitionMaxBytes: bytes }] }],
    forgottenTopicsData: [],
    rackId: ''
  }
}

/** Values by offset. */
async function read(client: RawClient, topic: string, offset: number, bytes: number): Promise<Map<number, Buffer>> {
  const { responses } = await client.request(fetch, 12, fetchRequest(topic, offset, bytes))
  const answer = responses[0]?.partitions[0]
  if (answer?.errorCode !== ErrorCode.NONE) throw new Error(`fetch of ${topic} at ${offset}: error ${answer?.errorCode}`)
  const found = new Map<number, Buffer>()
  if (answer.records === null || answer.records.length === 0) return found
  // What a fetch cuts off is fetched again by a client.
  const whole = wholeBatches(Buffer.from(answer.records as Uint8Array))
  for (const record of decodeRecords(whole)) found.set(record.offset, record.value ?? Buffer.alloc(0))
  return found
}

function wholeBatches(bytes: Buffer): Buffer {
  let end = 0
  while (bytes.length - end >= 12 && end + 12 + bytes.readInt32BE(end + 8) <= bytes.length) end += 12 + bytes.readInt32BE(end + 8)
  return bytes.subarray(0, end)
}

interface World {
  readonly disk: SlowFs
  readonly broker: ChildBroker
  readonly connect: () => Promise<RawClient>
}

/** A broker whose data lies on the slow disk; its cold topics are written and dropped from memory. */
async function begin(t: ExecutionContext, settings: Readonly<Record<string, string>> = {}): Promise<World> {
  const disk = await mountSlowFs(await tempDir(t))
  t.teardown(() => disk.unmount())
  const start = async () => {
    const broker = await startChildBroker({
      dir: path.join(disk.folder, 'data'),
      topics: { [SMALL.topic]: 1, [LARGE.topic]: 1, hot: 1 },
      settings: { 'num.network.threads': '1', ...settings }
    })
    t.teardown(() => broker.kill())
    return broker
  }
  const writing = await start()
  const client = await RawClient.connect(writing)
  for (const { topic, records, bytes } of [SMALL, LARGE]) {
    for (let from = 0; from < records; from += 16)
      await send(
        client,
        topic,
        Array.from({ length: 16 }, (_, i) => valueOf(from + i, bytes))
      )
  }
  client.close()
  await writing.stop()
  // Started anew, the broker does not take for resident what was written a moment ago.
  const broker = await start()
  await disk.drop('cold-')
  const connect = async () => {
    const connected = await RawClient.connect(broker)
    t.teardown(() => connected.close())
    return connected
  }
  return { disk, broker, connect }
}

interface ColdReader {
  readonly client: RawClient
  readonly cold: Cold
  readonly offset: number
  readonly bytes: number
}

/** Readers of all sizes, most at places of their own, some at one and the same. */
async function coldReaders({ connect }: World, count: number): Promise<ColdReader[]> {
  const shapes = [
    { cold: SMALL, bytes: 4 * KiB },
    { cold: SMALL, bytes: 28 * KiB },
    { cold: LARGE, bytes: 64 * KiB },
    { cold: LARGE, bytes: MiB }
  ]
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const shape = shapes[i % shapes.length]!
      const offset = i % 5 === 0 ? 100 : (i * 37) % 200
      return { client: await connect(), offset, ...shape }
    })
  )
}

async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !(await condition());) {
    if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`)
    await delay(5)
  }
}

/** Produces and fetches `count` records one after the other. */
async function hotRoundTrips(t: ExecutionContext, client: RawClient, first: number, count: number): Promise<void> {
  for (let offset = first; offset < first + count; offset++) {
    const value = valueOf(offset, 2 * KiB)
    await send(client, 'hot', [value])
    const found = await read(client, 'hot', offset, MiB)
    t.true(found.get(offset)?.equals(value), `hot record ${offset}`)
  }
}

async function verify(t: ExecutionContext, { cold, offset }: ColdReader, found: ReadonlyMap<number, Buffer>): Promise<void> {
  t.true(found.has(offset), `${cold.topic} at ${offset}`)
  for (const [at, value] of found) t.true(value.equals(valueOf(at, cold.bytes)), `${cold.topic} at ${at}`)
}

for (const mode of MODES) {
  testOnSlowDisk(`${mode}: others produce and fetch while 40 cold readers wait, who get their bytes in the end`, async (t) => {
    t.timeout(120_000)
    const world = await begin(t, { 'sluice.transfer.mode': mode })
    const { disk } = world
    const hot = await world.connect()
    await hotRoundTrips(t, hot, 0, 10)
    await disk.set({ operation: 'read', delayMs: FOR_EVER_MS })
    const readers = await coldReaders(world, 20)
    let answered = 0
    const ask = async (reader: ColdReader) => {
      const found = await read(reader.client, reader.cold.topic, reader.offset, reader.bytes)
      answered++
      return { reader, found }
    }
    const answers = readers.map(ask)
    await until(async () => (await disk.stats()).read.waiting > 0, 'a cold read waits')
    await hotRoundTrips(t, hot, 10, 20)
    // The same again: now some of the pages stand in the cache already, and their reads have not ended.
    const late = await coldReaders(world, 20)
    answers.push(...late.map(ask))
    await hotRoundTrips(t, hot, 30, 20)
    // New connections are accepted, and one that reads what is hot but not of late is served.
    const fresh = await world.connect()
    t.is((await read(fresh, 'hot', 0, MiB)).size, 50)
    t.is(answered, 0)
    // What waits gets its answer, what asks next waits again: so every step of a cold fetch is met by hot ones.
    let next = 50
    for (let step = 0; step < 40 && answered < answers.length; step++) {
      await until(async () => answered === answers.length || (await disk.stats()).read.waiting > 0, 'the next cold read waits')
      await hotRoundTrips(t, hot, next, 2)
      next += 2
      await disk.release()
    }
    t.true(answered > 0)
    await disk.clear()
    for (const { reader, found } of await Promise.all(answers)) await verify(t, reader, found)
  })
}

for (const mode of MODES) {
  testOnSlowDisk(`${mode}: a page counts as resident when its read has ended, not when it has begun`, async (t) => {
    const world = await begin(t, { 'sluice.transfer.mode': mode })
    const { disk, connect } = world
    const [hot, first, second] = await Promise.all([connect(), connect(), connect()])
    // One batch: its header lets both look-ups succeed from memory.
    await read(hot, LARGE.topic, 100, 64 * KiB)
    await disk.set({ operation: 'read', delayMs: FOR_EVER_MS })
    const long = read(first, LARGE.topic, 100, MiB)
    await until(async () => (await disk.stats()).read.waiting > 0, 'a cold read waits')
    const short = [100 * KiB, 120 * KiB, 128 * KiB].map((bytes) => read(second, LARGE.topic, 100, bytes))
    await hotRoundTrips(t, hot, 0, 10)
    await disk.clear()
    for (const found of [await long, ...(await Promise.all(short))]) {
      await verify(t, { client: first, cold: LARGE, offset: 100, bytes: MiB }, found)
    }
  })
}

testOnSlowDisk('the broker stops in the middle of cold reads, which it does not read to the end', async (t) => {
  t.timeout(60_000)
  const world = await begin(t)
  const { disk, broker } = world
  await disk.set({ operation: 'read', delayMs: 200 })
  const readers = await coldReaders(world, 50)
  for (const { client, cold, offset } of readers) client.post(fetch, 12, fetchRequest(cold.topic, offset, 8 * MiB))
  await until(async () => (await disk.stats()).read.waiting > 0, 'a cold read waits')
  const began = Date.now()
  await broker.stop()
  t.log(`${Date.now() - began} ms`)
  t.true(Date.now() - began < PATIENCE_MS)
  t.notRegex(broker.log(), /error|fatal/i)
})

testOnSlowDisk('connections closed while their cold reads wait leave nothing behind', async (t) => {
  t.timeout(60_000)
  const world = await begin(t)
  const { disk, broker } = world
  const hot = await world.connect()
  await hotRoundTrips(t, hot, 0, 1)
  const before = broker.openSockets()
  await disk.set({ operation: 'read', delayMs: FOR_EVER_MS })
  const readers = await coldReaders(world, 40)
  for (const { client, cold, offset, bytes } of readers) client.post(fetch, 12, fetchRequest(cold.topic, offset, bytes))
  await until(async () => (await disk.stats()).read.waiting > 0, 'a cold read waits')
  await hotRoundTrips(t, hot, 1, 5)
  for (const { client } of readers) client.close()
  await until(() => broker.openSockets() <= before, 'the sockets are closed')
  await hotRoundTrips(t, hot, 6, 5)
  const { begun } = (await disk.stats()).read
  await disk.clear()
  await until(async () => (await disk.stats()).read.waiting === 0, 'the disk is idle')
  await hotRoundTrips(t, hot, 11, 5)
  // Whoever had not come to the disk yet did not go there for a peer that is gone: what came are the look-ups that were under way.
  t.true((await disk.stats()).read.begun - begun <= 2 * readers.length)
  await broker.stop()
})
