/** Every recorded batch of the real client library: decoded, built again bit for bit where nothing is compressed, refused where it is bad. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import test from 'ava'
import { WireError } from '../../src/errors.js'
import {
  batch,
  compress,
  COMPRESSION_NAMES,
  controlTypeOf,
  decodeBatches,
  decompressedRecords,
  RecordBatchBuilder,
  recordsOf,
  readEndTransaction,
  type DecodedBatch,
  type DecodedRecord
} from '../../src/record/index.js'

interface GoldenRecord {
  offset: string
  timestamp: string
  sequence: number
  key: string | null
  value: string | null
  headers: [string, string | null][]
  controlType?: string
  controlTypeId?: number
  coordinatorEpoch?: number
}

interface GoldenBatch {
  magic: number
  sizeInBytes: number
  baseOffset: string
  lastOffset: string
  crc: number
  crcValid: boolean
  compression: string
  timestampType: string
  attributes: number
  partitionLeaderEpoch: number
  baseTimestamp: string
  maxTimestamp: string
  producerId: string
  producerEpoch: number
  baseSequence: number
  lastSequence: number
  recordCount: number
  transactional: boolean
  control: boolean
  deleteHorizonMs: string | null
  records?: GoldenRecord[]
}

interface Golden {
  name: string
  hex: string
  json?: { batches: GoldenBatch[] }
}

const MAX_BYTES = 1024 * 1024
const path = new URL('../../../test/fixtures/onwire/record-batches.jsonl.gz', import.meta.url)
const lines = gunzipSync(readFileSync(path)).toString('utf8').trim().split('\n')
const goldens = lines.map((line) => JSON.parse(line) as Golden)

const hex = (bytes: Buffer | null) => bytes?.toString('hex') ?? null

function plainRecord(record: DecodedRecord, golden: GoldenRecord) {
  const control = golden.controlTypeId === undefined ? {} : { controlTypeId: controlTypeOf(record.key) }
  const marker = golden.coordinatorEpoch === undefined ? {} : { coordinatorEpoch: readEndTransaction(record)?.coordinatorEpoch }
  return {
    offset: String(record.offset),
    timestamp: String(record.timestamp),
    sequence: record.sequence,
    key: hex(record.key),
    value: hex(record.value),
    headers: record.headers.map((header) => [header.key, hex(header.value)]),
    ...control,
    ...marker
  }
}

function expectedRecord({ offset, timestamp, sequence, key, value, headers, controlTypeId, coordinatorEpoch }: GoldenRecord) {
  const control = controlTypeId === undefined ? {} : { controlTypeId }
  const marker = coordinatorEpoch === undefined ? {} : { coordinatorEpoch }
  return { offset, timestamp, sequence, key, value, headers, ...control, ...marker }
}

function plainBatch(bytes: Buffer, header: DecodedBatch) {
  return {
    magic: batch.magic(bytes, header.position),
    sizeInBytes: header.sizeInBytes,
    baseOffset: String(header.baseOffset),
    lastOffset: String(header.lastOffset),
    crc: header.crc,
    compression: COMPRESSION_NAMES[header.compression],
    timestampType: header.logAppendTime ? 'LogAppendTime' : 'CreateTime',
    attributes: header.attributes,
    partitionLeaderEpoch: header.partitionLeaderEpoch,
    baseTimestamp: String(header.baseTimestamp),
    maxTimestamp: String(header.maxTimestamp),
    // Above 2^53 a number holds the nearest double; no real producer id comes near it.
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    lastSequence: batch.lastSequence(bytes, header.position),
    recordCount: header.recordCount,
    transactional: header.transactional,
    control: header.control,
    deleteHorizonMs: header.deleteHorizonMs === null ? null : String(header.deleteHorizonMs)
  }
}

function expectedBatch(golden: GoldenBatch) {
  const { crcValid: _valid, records: _records, ...rest } = golden
  return { ...rest, producerId: Number(golden.producerId) }
}

/** Builds the batch anew from its decoded form; what the builder can't be told (a producer id above 2^53) is taken from the original. */
function rebuild(bytes: Buffer, header: DecodedBatch, records: DecodedRecord[]): Buffer {
  const builder = new RecordBatchBuilder({
    baseOffset: header.baseOffset,
    partitionLeaderEpoch: header.partitionLeaderEpoch,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    transactional: header.transactional,
    control: header.control,
    lastOffsetDelta: header.lastOffset - header.baseOffset,
    ...(header.logAppendTime ? { logAppendTime: header.maxTimestamp } : {})
  })
  const deltas = rawTimestamps(bytes, header, records.length)
  for (const [index, record] of records.entries()) {
    builder.append(
      { key: record.key, value: record.value, headers: record.headers, timestamp: deltas[index]! },
      record.offset - header.baseOffset
    )
  }
  const built = builder.build()
  if (!Number.isSafeInteger(header.producerId)) {
    bytes.copy(built, batch.At.producerId, header.position + batch.At.producerId, header.position + batch.At.producerEpoch)
    built.writeUInt32BE(batch.computeCrc(built, 0), batch.At.crc)
  }
  return built
}

/** LogAppendTime hides the timestamps that the producer gave; the bytes still hold them. */
function rawTimestamps(bytes: Buffer, header: DecodedBatch, count: number): number[] {
  const plain = { ...header, logAppendTime: false }
  return [...recordsOf(bytes, plain)].slice(0, count).map((record) => record.timestamp)
}

async function readAll(bytes: Buffer): Promise<{ header: DecodedBatch; records: DecodedRecord[] }[]> {
  const all = []
  for (const header of decodeBatches(bytes)) {
    all.push({ header, records: [...recordsOf(bytes, header, await decompressedRecords(bytes, header, MAX_BYTES))] })
  }
  return all
}

test('all 55 recorded batches are there', (t) => {
  t.is(goldens.length, 55)
})

for (const golden of goldens) {
  const bytes = Buffer.from(golden.hex, 'hex')
  const batches = golden.json?.batches ?? []
  if (golden.name.startsWith('bad-')) {
    test(`${golden.name} is refused`, async (t) => {
      await t.throwsAsync(readAll(bytes), { instanceOf: WireError })
    })
  } else if (/^v[01]-/.test(golden.name)) {
    test(`${golden.name} is known as an old format`, (t) => {
      t.is(batch.frameAt(bytes, 0, bytes.length), 'old-format')
    })
  } else {
    test(`${golden.name} decodes`, async (t) => {
      const read = await readAll(bytes)
      t.deepEqual(
        read.map(({ header }) => plainBatch(bytes, header)),
        batches.map(expectedBatch)
      )
      for (const [index, { records }] of read.entries()) {
        const expected = batches[index]!.records!
        t.is(records.length, expected.length)
        for (const [at, record] of records.entries()) t.deepEqual(plainRecord(record, expected[at]!), expectedRecord(expected[at]!))
      }
    })
    // A batch without records or with a delete horizon comes only from the cleaner.
    const buildable =
      batches.length > 0 && batches.every((one) => one.compression === 'none' && one.recordCount > 0 && one.deleteHorizonMs === null)
    if (buildable) {
      test(`${golden.name} is built again bit for bit`, async (t) => {
        const read = await readAll(bytes)
        for (const { header, records } of read) {
          const original = bytes.subarray(header.position, header.position + header.sizeInBytes)
          t.is(hex(rebuild(bytes, header, records)), hex(original))
        }
      })
    }
    if (batches.some((one) => one.compression !== 'none')) {
      test(`${golden.name}: what we compress is read back`, async (t) => {
        for (const header of decodeBatches(bytes)) {
          const plain = await decompressedRecords(bytes, header, MAX_BYTES)
          if (plain === undefined) continue
          const packed = await compress(header.compression, plain)
          const head = Buffer.from(bytes.subarray(header.position, header.position + batch.BATCH_OVERHEAD))
          const whole = Buffer.concat([head, packed])
          whole.writeInt32BE(whole.length - batch.LOG_OVERHEAD, batch.At.batchLength)
          whole.writeUInt32BE(batch.computeCrc(whole, 0), batch.At.crc)
          const [again] = await readAll(whole)
          t.is(again!.records.length, header.recordCount)
        }
      })
    }
  }
}
