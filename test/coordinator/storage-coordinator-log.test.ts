/** The port to storage over a file in memory; and a partition of `__consumer_offsets` that a real Kafka 4.3.1 wrote. */
import test from 'ava'
import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { groupCodec } from '../../src/coordinator/group/group-codec.js'
import { DEFAULT_GROUP_CONFIG } from '../../src/coordinator/group/group-config.js'
import { GroupCoordinator } from '../../src/coordinator/group/group-coordinator.js'
import { StorageCoordinatorLog, type CoordinatorLogFile } from '../../src/coordinator/storage-coordinator-log.js'
import type { Frame } from '../../src/native/runtime.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { decodeBatches } from '../../src/record/index.js'
import { fixturePath } from '../support/fixtures.js'
import { SimClock } from './support/sim-clock.js'

/** Stamps offsets as a log does. */
class FileInMemory implements CoordinatorLogFile {
  logStartOffset = 0
  readonly config = { maxMessageBytes: 1000 }
  endOffset = 0
  bytes = Buffer.alloc(0)
  readonly reads: number[] = []
  readonly producers = new Map<number, { epoch: number }>()

  producer(producerId: number): { epoch: number } | undefined {
    return this.producers.get(producerId)
  }

  async append({ frame, offset, length, leaderEpoch }: { frame: Frame; offset: number; length: number; leaderEpoch: number }) {
    const batch = Buffer.from(frame.buffer.subarray(frame.start + offset, frame.start + offset + length))
    batch.writeBigInt64BE(BigInt(this.endOffset), 0)
    batch.writeInt32BE(leaderEpoch, 12)
    this.bytes = Buffer.concat([this.bytes, batch])
    for (const { lastOffset } of decodeBatches(batch)) this.endOffset = lastOffset + 1
    return { errorCode: 0, lastOffset: this.endOffset - 1 }
  }

  /** Whole batches, at least one. */
  async readBytes(offset: number, maxBytes: number): Promise<Buffer> {
    const batches = [...decodeBatches(this.bytes)].filter(({ lastOffset }) => lastOffset >= offset)
    if (batches.length === 0) return Buffer.alloc(0)
    let end = batches[0]!.position + batches[0]!.sizeInBytes
    for (const { position, sizeInBytes } of batches)
      if (position + sizeInBytes - batches[0]!.position <= maxBytes) end = position + sizeInBytes
    this.reads.push(end - batches[0]!.position)
    return this.bytes.subarray(batches[0]!.position, end)
  }
}

function setUp({ compression = 0, loadBufferBytes = 300 } = {}) {
  const file = new FileInMemory()
  let frames = 0
  const log = new StorageCoordinatorLog({
    log: (partition) => (partition === 0 ? file : undefined),
    whenReady: async (partition) => (partition === 0 ? file : undefined),
    leaderEpoch: () => 5,
    frames: {
      frameFrom: (bytes) => {
        frames++
        return { id: frames, buffer: Buffer.from(bytes), start: 0, end: bytes.length }
      },
      release: () => void frames--
    },
    clock: new SimClock(),
    loadBufferBytes: () => loadBufferBytes,
    compression: () => compression
  })
  return { file, log, frames: () => frames }
}

async function loadedRecords(log: StorageCoordinatorLog) {
  const records: string[] = []
  await log.load(0, {
    record: (key, value, offset, producerId) =>
      records.push(`${offset} ${text(key)}=${value === null ? 'null' : text(value)} ${producerId}`),
    marker: (producerId, committed) => records.push(`marker ${producerId} ${committed}`)
  })
  return records
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const record = (key: string, value: string | null) => ({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value) })

for (const compression of [0, 1, 2, 3, 4]) {
  test(`what is appended is loaded in order, frames are given back, codec ${compression}`, async (t) => {
    const { file, log, frames } = setUp({ compression, loadBufferBytes: 100 })
    const results = await Promise.all([
      log.append(0, [record('a', 'x'.repeat(5000)), record('b', null)]),
      log.append(0, [record('c', '2')]),
      log.append(0, [record('d', '3')])
    ])
    t.deepEqual(
      results.map(({ lastOffset }) => lastOffset),
      [1, 2, 3]
    )
    t.is(frames(), 0)
    t.deepEqual(
      [...decodeBatches(file.bytes)].map((batch) => [batch.partitionLeaderEpoch, batch.recordCount, batch.compression]),
      [
        [5, 2, compression],
        [5, 1, compression],
        [5, 1, compression]
      ]
    )
    t.deepEqual(await loadedRecords(log), [`0 a=${'x'.repeat(5000)} -1`, '1 b=null -1', '2 c=2 -1', '3 d=3 -1'])
    t.true(file.reads.length > 1)
    file.logStartOffset = 1
    t.is((await loadedRecords(log))[0], '1 b=null -1')
  })
}

test('a partition that this broker does not have', async (t) => {
  const { log } = setUp()
  t.deepEqual(await log.append(3, [record('a', '1')]), { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, lastOffset: -1 })
  await log.load(3, { record: () => t.fail(), marker: () => t.fail() })
})

test('the groups and offsets that a real Kafka left: classic, consumer, of aborted transactions', async (t) => {
  const { file, log } = setUp()
  file.bytes = readFileSync(fixturePath('coordinator/consumer-offsets-4.3.1.bin'))
  for (const { lastOffset } of decodeBatches(file.bytes)) file.endOffset = lastOffset + 1
  const groups = new GroupCoordinator({
    clock: new SimClock(1_795_227_275_000),
    logger: { info() {}, warn() {}, error() {} },
    log,
    config: DEFAULT_GROUP_CONFIG,
    partitions: () => 1,
    newUuid: () => 'uuid'
  })
  await groups.elect(0)
  const { groups: listed } = await groups.listGroups([], [])
  t.deepEqual(listed.map(({ groupId, groupType, groupState }) => `${groupId} ${groupType} ${groupState}`).toSorted(), [
    'group-classic classic Empty',
    'group-consumer consumer Empty',
    'txn-group classic Empty'
  ])
  const offsets = async (groupId: string) =>
    (await groups.fetchOffsets({ groupId, memberId: null, memberEpoch: -1, topics: null, requireStable: true })).topics.flatMap(
      ({ name, partitions }) => partitions.map(({ partitionIndex, committedOffset }) => `${name}-${partitionIndex} ${committedOffset}`)
    )
  t.deepEqual(await offsets('group-classic'), ['plain-1 150', 'plain-0 450', 'logappend-0 80'])
  t.deepEqual(await offsets('group-consumer'), ['plain-1 150', 'plain-0 450', 'logappend-0 80'])
  t.deepEqual(await offsets('txn-group'), [])
  t.deepEqual(await offsets('group-admin'), [])
  await groups.close()
})

test('records of groups and offsets are written as a real Kafka wrote them', async (t) => {
  const { file, log } = setUp()
  file.bytes = readFileSync(fixturePath('coordinator/consumer-offsets-4.3.1.bin'))
  for (const { lastOffset } of decodeBatches(file.bytes)) file.endOffset = lastOffset + 1
  let compared = 0
  await log.load(0, {
    record: (key, value, offset) => {
      const decoded = groupCodec.decode(key, value)
      if (!decoded || decoded.type === 'other') return
      const encoded = groupCodec.encode(decoded)
      t.is(hex(encoded.key), hex(key), `offset ${offset}`)
      t.is(encoded.value && hex(encoded.value), value && hex(value), `offset ${offset}`)
      compared++
    },
    marker: () => {}
  })
  t.true(compared > 15)
})

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('a batch of a transaction names its producer; a fenced one is known before', async (t) => {
  const { file, log } = setUp()
  await log.append(0, [record('a', '1')], { producerId: 7, producerEpoch: 3 })
  const [batch] = [...decodeBatches(file.bytes)]
  t.like(batch, { transactional: true, control: false, producerId: 7, producerEpoch: 3, baseSequence: 0 })
  t.is(log.checkProducer(0, { producerId: 7, producerEpoch: 0 }), 0)
  file.producers.set(7, { epoch: 3 })
  t.is(log.checkProducer(0, { producerId: 7, producerEpoch: 3 }), 0)
  t.is(log.checkProducer(0, { producerId: 7, producerEpoch: 2 }), 47)
})
