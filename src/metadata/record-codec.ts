/** Records of the metadata log to and from bytes, and batches of them. */
import { strict as assert } from 'node:assert'
import { decodeMetadataRecord, encodeMetadataRecord } from '../protocol/records/metadata-record.js'
import { metadataRecordTypes } from '../protocol/records/metadata/index.js'
import { RecordBatchBuilder } from '../record/builder.js'
import type { MetadataRecord } from './records.js'

/** Throws WireError on malformed bytes. A type or version of a later Kafka is kept as bytes. */
export function decodeRecord(bytes: Buffer): MetadataRecord {
  const decoded = decodeMetadataRecord(bytes)
  if (decoded === undefined) return { type: -1, bytes: Buffer.from(bytes) }
  // The schemas' fields are those of records.ts: test/metadata/record-codec.test.ts checks it with the records of a real Kafka.
  return { type: decoded.type, version: decoded.version, data: decoded.value } as MetadataRecord
}

export function encodeRecord(record: MetadataRecord): Buffer {
  if (record.type === -1) return record.bytes
  const schema = metadataRecordTypes.get(record.type)
  assert(schema, `metadata record type ${record.type}`)
  return encodeMetadataRecord(record.type, record.version, schema, record.data as Record<string, unknown>)
}

export interface BatchPlace {
  readonly baseOffset: number
  readonly epoch: number
  readonly timestamp: number
}

/** Whole batches of at most about `maxBytes`, their offsets one after the other. */
export function* encodeBatches(records: Iterable<MetadataRecord>, place: BatchPlace, maxBytes: number): Generator<Buffer> {
  let baseOffset = place.baseOffset
  let builder: RecordBatchBuilder | undefined
  for (const record of records) {
    const value = encodeRecord(record)
    if (builder && builder.sizeInBytes + RecordBatchBuilder.sizeOf({ value }) > maxBytes) {
      baseOffset += builder.count
      yield builder.build()
      builder = undefined
    }
    builder ??= new RecordBatchBuilder({ baseOffset, partitionLeaderEpoch: place.epoch, timestamp: place.timestamp })
    builder.append({ value })
  }
  if (builder) yield builder.build()
}
