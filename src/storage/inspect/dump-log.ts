/** A `.log` or `.checkpoint` file as events: its batches and, deeper, their records. By the rules of Kafka's FileLogInputStream. */
import path from 'node:path'
import zlib from 'node:zlib'
import { WireError } from '../../errors.js'
import { decode } from '../../protocol/compile.js'
import { jsonOf } from '../../protocol/json.js'
import { Reader } from '../../protocol/reader.js'
import { kRaftVersionRecord } from '../../protocol/records/data/kraft-version-record.js'
import { leaderChangeMessage } from '../../protocol/records/data/leader-change-message.js'
import { snapshotFooterRecord } from '../../protocol/records/data/snapshot-footer-record.js'
import { snapshotHeaderRecord } from '../../protocol/records/data/snapshot-header-record.js'
import { votersRecord } from '../../protocol/records/data/voters-record.js'
import type { MessageSchema } from '../../protocol/schema.js'
import {
  batch,
  COMPRESSION_NAMES,
  ControlType,
  controlTypeOf,
  decompressedRecords,
  describeBatch,
  readEndTransaction,
  recordsOf,
  type DecodedBatch,
  type DecodedRecord
} from '../../record/index.js'
import type { BatchEvent, DumpEvent, TimestampType } from './dump-events.js'
import { FileWindow } from './file-window.js'
import type { RecordDecoder } from './record-decoders.js'

export interface LogDumpOptions {
  /** Records too, not only batches. */
  readonly deep: boolean
  /** Undefined: keys and values are not shown. */
  readonly decoder: RecordDecoder | undefined
  readonly skipRecordMetadata: boolean
  /** Of the file; undefined: all of it. */
  readonly maxBytes: number | undefined
  /** Told of each record whose offset does not follow the one before it. */
  readonly gap: (before: number, offset: number) => void
}

/** What one batch may expand to. */
const MAX_DECOMPRESSED_BYTES = 1024 * 1024 * 1024
/** Up to and with the magic byte: what tells the format. */
const HEADER_UP_TO_MAGIC = 17
const LEGACY_OVERHEAD = 14
const SNAPSHOT_FILE = /^(\d{20})-(\d{10})\.checkpoint$/
const BOOTSTRAP_FILE = 'bootstrap.checkpoint'

/** A batch as it stands in a file. `bytes` holds it from its first byte on; valid until the next one is asked for. */
export interface FileBatch {
  readonly position: number
  readonly size: number
  readonly magic: number
  readonly bytes: Buffer
}

/** Events in the order of the file. Throws a WireError where Kafka's tool dies of what the bytes are. */
export async function* dumpLog(file: string, options: LogDumpOptions): AsyncGenerator<DumpEvent> {
  const name = path.basename(file)
  yield* startOf(name)
  const window = await FileWindow.open(file, options.maxBytes)
  try {
    let valid = 0
    let last = -1
    for await (const one of batchesOf(window)) {
      yield describe(one)
      if (options.deep) {
        for await (const record of recordsIn(one)) {
          if (last >= 0 && record.event.offset !== last + 1) options.gap(last, record.event.offset)
          last = record.event.offset
          yield recordEvent(record.event, record.header, options)
        }
      }
      valid += one.size
    }
    if (valid < window.end && options.maxBytes === undefined) yield { type: 'trailing-bytes', bytes: window.end - valid, file: name }
  } finally {
    await window.close()
  }
}

function* startOf(name: string): Generator<DumpEvent> {
  if (name.endsWith('.log')) yield { type: 'log-start', offset: baseOffsetOf(name) }
  else if (name === BOOTSTRAP_FILE) yield { type: 'bootstrap-snapshot' }
  else {
    const match = SNAPSHOT_FILE.exec(name)
    if (!match) throw new WireError(`${name} is not the name of a snapshot: OFFSET-EPOCH.checkpoint`)
    yield { type: 'snapshot', endOffset: Number(match[1]), epoch: Number(match[2]) }
  }
}

/** The offset in the name of a segment's file. */
export function baseOffsetOf(name: string): number {
  const digits = name.split('.')[0]!
  if (!/^\d+$/.test(digits)) throw new WireError(`${name} does not begin with an offset`)
  return Number(digits)
}

/** The batches from `from` on, up to the first that the file does not hold whole. Throws a WireError at a length that no batch has. */
export async function* batchesOf(window: FileWindow, from = 0): AsyncGenerator<FileBatch> {
  for (let position = from; position < window.end - HEADER_UP_TO_MAGIC;) {
    const head = await window.at(position, HEADER_UP_TO_MAGIC)
    const length = head.readInt32BE(8)
    if (length < LEGACY_OVERHEAD)
      throw new WireError(`found record size ${length} smaller than minimum record overhead (${LEGACY_OVERHEAD}) at ${position}`)
    const size = length + batch.LOG_OVERHEAD
    if (size > window.end - position) return
    const magic = head.readInt8(16)
    if (magic >= 2 && size < batch.BATCH_OVERHEAD)
      throw new WireError(`the batch at ${position} claims ${size} bytes, less than its header has`)
    yield { position, size, magic, bytes: await window.at(position, size) }
    position += size
  }
}

function describe({ position, size, magic, bytes }: FileBatch): BatchEvent {
  if (magic < 2) return describeLegacy(position, size, magic, bytes)
  const header = describeBatch(bytes, 0)
  return {
    type: 'batch',
    baseOffset: header.baseOffset,
    lastOffset: header.lastOffset,
    v2: {
      count: header.recordCount,
      baseSequence: header.baseSequence,
      lastSequence: batch.lastSequence(bytes, 0),
      producerId: header.producerId,
      producerEpoch: header.producerEpoch,
      partitionLeaderEpoch: header.partitionLeaderEpoch,
      isTransactional: header.transactional,
      isControl: header.control,
      deleteHorizonMs: header.deleteHorizonMs
    },
    position,
    timestampType: timestampType(header),
    maxTimestamp: header.maxTimestamp,
    size,
    magic,
    compression: compressionName(header.compression),
    crc: header.crc,
    isValid: batch.computeCrc(bytes, 0) === header.crc
  }
}

// Message formats v0 and v1: a message, or a compressed set of them, with a CRC-32 from the magic byte on.
function describeLegacy(position: number, size: number, magic: number, bytes: Buffer): BatchEvent {
  const attributes = bytes[17] ?? 0
  const crc = bytes.readUInt32BE(12)
  const offset = batch.baseOffset(bytes, 0)
  return {
    type: 'batch',
    baseOffset: offset,
    lastOffset: offset,
    v2: null,
    position,
    timestampType: magic === 0 ? 'NoTimestampType' : (attributes & 8) === 0 ? 'CreateTime' : 'LogAppendTime',
    maxTimestamp: magic === 0 || size < 26 ? -1 : batch.readInt64(bytes, 18),
    size,
    magic,
    compression: compressionName(attributes & 7),
    crc,
    isValid: zlib.crc32(bytes.subarray(16, size)) === crc
  }
}

function compressionName(type: number): string {
  return COMPRESSION_NAMES[type] ?? `unknown(${type})`
}

function timestampType({ logAppendTime }: DecodedBatch): TimestampType {
  return logAppendTime ? 'LogAppendTime' : 'CreateTime'
}

/** The records of a batch with its header. Throws a WireError when they can't be read. */
export async function* recordsIn({ bytes, magic, position }: FileBatch): AsyncGenerator<{ event: DecodedRecord; header: DecodedBatch }> {
  if (magic < 2)
    throw new WireError(
      `the batch at ${position} has the message format v${magic}, whose records can't be shown; leave out --deep-iteration`
    )
  const header = describeBatch(bytes, 0)
  const payload = await decompressedRecords(bytes, header, MAX_DECOMPRESSED_BYTES)
  for (const event of recordsOf(bytes, header, payload)) yield { event, header }
}

function recordEvent(record: DecodedRecord, header: DecodedBatch, options: LogDumpOptions): DumpEvent {
  const { key, payload } =
    options.decoder === undefined || header.control ? { key: undefined, payload: undefined } : options.decoder(record)
  const metadata = options.skipRecordMetadata
    ? undefined
    : {
        offset: record.offset,
        timestampType: timestampType(header),
        timestamp: record.timestamp,
        keySize: record.key?.length ?? -1,
        valueSize: record.value?.length ?? -1,
        sequence: record.sequence,
        headerKeys: record.headers.map((each) => each.key),
        control: header.control ? controlText(record) : ''
      }
  return { type: 'record', metadata, key, payload }
}

function controlText(record: DecodedRecord): string {
  const type = controlTypeOf(record.key)
  switch (type) {
    case ControlType.abort:
    case ControlType.commit: {
      const end = readEndTransaction(record)
      if (end === undefined) throw new WireError(`the end of a transaction at offset ${record.offset} is malformed`)
      return ` endTxnMarker: ${end.commit ? 'COMMIT' : 'ABORT'} coordinatorEpoch: ${end.coordinatorEpoch}`
    }
    case ControlType.leaderChange:
      return ` LeaderChange: ${controlJson(leaderChangeMessage, record)}`
    case ControlType.snapshotHeader:
      return ` SnapshotHeader ${controlJson(snapshotHeaderRecord, record)}`
    case ControlType.snapshotFooter:
      return ` SnapshotFooter ${controlJson(snapshotFooterRecord, record)}`
    case ControlType.kraftVersion:
      return ` KRaftVersion ${controlJson(kRaftVersionRecord, record)}`
    case ControlType.kraftVoters:
      return ` KRaftVoters ${controlJson(votersRecord, record)}`
    default:
      return ` controlType: UNKNOWN(${type})`
  }
}

// The first field of each is its version.
function controlJson(schema: MessageSchema, { value, offset }: DecodedRecord): string {
  if (value === null || value.length < 2) throw new WireError(`the control record at offset ${offset} has no value`)
  const version = Math.min(Math.max(value.readInt16BE(0), schema.versions[0]), schema.versions[1])
  return jsonOf(schema, version, decode(schema, version, new Reader(value), 'exact'))
}
