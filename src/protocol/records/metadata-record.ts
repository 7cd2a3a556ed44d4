/** Framing of a record of the metadata log: uvarint frame version (1), uvarint record type, uvarint record version, then the record. */
import { WireError } from '../../errors.js'
import { decode, encode, type Precision } from '../compile.js'
import { Reader } from '../reader.js'
import type { InputOf, MessageSchema } from '../schema.js'
import { Writer } from '../writer.js'
import { metadataRecordTypes } from './metadata/index.js'

const FRAME_VERSION = 1
const writer = new Writer()

export interface MetadataRecord {
  readonly type: number
  readonly version: number
  readonly schema: MessageSchema
  readonly value: unknown
}

export function encodeMetadataRecord<M extends MessageSchema>(type: number, version: number, schema: M, value: InputOf<M>): Buffer {
  writer.reset()
  writer.uvarint(FRAME_VERSION)
  writer.uvarint(type)
  writer.uvarint(version)
  encode(schema, version, writer, value)
  return writer.toBuffer()
}

/** Undefined for a type or a version that is not known: such a record is kept as it is. */
export function decodeMetadataRecord(bytes: Uint8Array, precision: Precision = 'number'): MetadataRecord | undefined {
  const reader = new Reader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  const frame = reader.uvarint()
  if (frame !== FRAME_VERSION) throw new WireError(`a metadata record in a frame of version ${frame}`)
  const type = reader.uvarint()
  const version = reader.uvarint()
  const schema = metadataRecordTypes.get(type)
  if (schema === undefined || version < schema.versions[0] || version > schema.versions[1]) return undefined
  return { type, version, schema, value: decode(schema, version, reader, precision) }
}
