/** Keys and values of records as text, by the topic that they stand in. What can't be decoded is said so, in the words of Kafka's tool. */
import { WireError } from '../../errors.js'
import { decode } from '../../protocol/compile.js'
import { jsonOf, jsonWith, quoted } from '../../protocol/json.js'
import { Reader } from '../../protocol/reader.js'
import { decodeMetadataRecord } from '../../protocol/records/metadata-record.js'
import { recordTypeOf, type RecordType } from '../../protocol/records/coordinator-record.js'
import { consumerProtocolAssignment } from '../../protocol/records/data/consumer-protocol-assignment.js'
import { consumerProtocolSubscription } from '../../protocol/records/data/consumer-protocol-subscription.js'
import { groupRecordTypes } from '../../protocol/records/group/index.js'
import { groupMetadata } from '../../protocol/records/group/group-metadata.js'
import { shareRecordTypes } from '../../protocol/records/share/index.js'
import { transactionRecordTypes } from '../../protocol/records/transaction/index.js'
import type { MessageSchema } from '../../protocol/schema.js'
import type { DecodedRecord } from '../../record/index.js'

export interface DecodedText {
  readonly key: string | undefined
  readonly payload: string | undefined
}

export type RecordDecoder = (record: DecodedRecord) => DecodedText

/** How bytes of a key or value are shown. `string` is what Kafka's tool does when nothing is asked for. */
export const BYTE_DECODERS = {
  string: (bytes: Buffer) => bytes.toString('utf8'),
  integer: (bytes: Buffer) => (bytes.length === 4 ? String(bytes.readInt32BE(0)) : wrongSize(bytes, 4)),
  long: (bytes: Buffer) => (bytes.length === 8 ? String(bytes.readBigInt64BE(0)) : wrongSize(bytes, 8)),
  hex: (bytes: Buffer) => bytes.toString('hex'),
  base64: (bytes: Buffer) => bytes.toString('base64')
} as const

export type ByteDecoder = keyof typeof BYTE_DECODERS

export function bytesDecoder(keys: ByteDecoder, values: ByteDecoder): RecordDecoder {
  return ({ key, value }) => ({
    key: key === null ? undefined : BYTE_DECODERS[keys](key),
    payload: value === null ? undefined : BYTE_DECODERS[values](value)
  })
}

/** `__consumer_offsets` */
export const offsetsDecoder = coordinatorDecoder(groupRecordTypes)
/** `__transaction_state` */
export const transactionLogDecoder = coordinatorDecoder(transactionRecordTypes)
/** `__share_group_state` */
export const shareGroupStateDecoder = coordinatorDecoder(shareRecordTypes)

/** `__cluster_metadata`: records have no keys. */
export const clusterMetadataDecoder: RecordDecoder = ({ value, offset }) => {
  let payload: string
  try {
    if (value === null) throw new WireError('the record has no value')
    const decoded = decodeMetadataRecord(value, 'exact')
    if (decoded === undefined) throw new WireError('the type or version of the record is not known')
    const { schema, version } = decoded
    payload = `{"type":${quoted(metadataTypeName(schema.name))},"version":${version},"data":${jsonOf(schema, version, decoded.value)}}`
  } catch (error) {
    payload = `Error at ${offset}, skipping. ${(error as Error).message}`
  }
  return { key: undefined, payload }
}

function coordinatorDecoder(types: ReadonlyMap<number, RecordType>): RecordDecoder {
  return ({ key, value, offset }) => {
    if (key === null)
      throw new WireError(`Failed to decode message at offset ${offset} using the specified decoder (message had a missing key)`)
    try {
      const type = recordTypeOf(key)
      const recordType = types.get(type)
      if (recordType === undefined) return { key: `Unknown record type ${type} at offset ${offset}, skipping.`, payload: undefined }
      return { key: keyJson(recordType, key), payload: value === null ? '<DELETE>' : valueJson(recordType, value) }
    } catch (error) {
      return { key: `Error at offset ${offset}, skipping. ${(error as Error).message}`, payload: undefined }
    }
  }
}

function keyJson({ type, key: schema }: RecordType, bytes: Buffer): string {
  const reader = new Reader(bytes)
  reader.skip(2)
  return `{"type":"${type}","data":${jsonOf(schema, 0, decode(schema, 0, reader, 'exact'))}}`
}

function valueJson({ type, value: schema }: RecordType, bytes: Buffer): string {
  const reader = new Reader(bytes)
  const version = knownVersion(schema, reader.int16())
  const value = decode(schema, version, reader, 'exact')
  const json =
    type === groupMetadata.type && (value as { protocolType: string }).protocolType === 'consumer'
      ? jsonWith(schema, version, value, {
          subscription: (each) => protocolJson(consumerProtocolSubscription, each as Uint8Array),
          assignment: (each) => protocolJson(consumerProtocolAssignment, each as Uint8Array)
        })
      : jsonOf(schema, version, value)
  return `{"version":"${version}","data":${json}}`
}

// What members of a classic group tell each other: their version stands before it.
function protocolJson(schema: MessageSchema, bytes: Uint8Array): string {
  const reader = new Reader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  const version = knownVersion(schema, reader.int16())
  return jsonOf(schema, version, decode(schema, version, reader, 'exact'))
}

function knownVersion(schema: MessageSchema, version: number): number {
  const [first, last] = schema.versions
  if (version < first || version > last) throw new WireError(`${schema.name} of version ${version}; ${first} to ${last} are known`)
  return version
}

// `FeatureLevelRecord` → `FEATURE_LEVEL_RECORD`
function metadataTypeName(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()
}

function wrongSize(bytes: Buffer, expected: number): never {
  throw new WireError(`${bytes.length} bytes, not the ${expected} that this decoder reads`)
}
