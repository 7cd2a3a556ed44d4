/**
 * Framing of the records in a coordinator's topic: the key is an int16 record type and the key of that type, the value an int16 version and
 * the value, or null for a tombstone.
 */
import { WireError } from '../../errors.js'
import { decode, encode, type Precision } from '../compile.js'
import { Reader } from '../reader.js'
import type { InputOf, MessageOf, MessageSchema } from '../schema.js'
import { Writer } from '../writer.js'

export interface RecordType<K extends MessageSchema = MessageSchema, V extends MessageSchema = MessageSchema> {
  /** The number before the key. */
  readonly type: number
  readonly key: K
  readonly value: V
}

export function recordType<K extends MessageSchema, V extends MessageSchema>(type: number, key: K, value: V): RecordType<K, V> {
  return { type, key, value }
}

const KEY_VERSION = 0
const writer = new Writer()
const reader = new Reader()
/** The memory that the last record lay in. */
let memory: Buffer = Buffer.alloc(0)

export function encodeRecordKey<T extends RecordType>(recordType: T, key: InputOf<T['key']>): Buffer {
  writer.reset()
  writer.int16(recordType.type)
  encode(recordType.key, KEY_VERSION, writer, key)
  return writer.toBuffer()
}

export function encodeRecordValue<T extends RecordType>(recordType: T, version: number, value: InputOf<T['value']>): Buffer {
  writer.reset()
  writer.int16(version)
  encode(recordType.value, version, writer, value)
  return writer.toBuffer()
}

/** The type that a key names. */
export function recordTypeOf(key: Uint8Array): number {
  if (key.length < 2) throw new WireError('a coordinator record without a type')
  return (key[0]! << 8) | key[1]!
}

export function decodeRecordKey<T extends RecordType>(recordType: T, key: Uint8Array): MessageOf<T['key']> {
  read(key).skip(2)
  return decode(recordType.key, KEY_VERSION, reader)
}

/** Null for a tombstone. A version that is not known is a WireError. */
export function decodeRecordValue<T extends RecordType>(
  recordType: T,
  value: Uint8Array | null,
  precision: Precision = 'number'
): MessageOf<T['value']> | null {
  if (value === null) return null
  const version = read(value).int16()
  const [first, last] = recordType.value.versions
  if (version < first || version > last)
    throw new WireError(`${recordType.value.name} of version ${version}; ${first} to ${last} are known`)
  return decode(recordType.value, version, reader, precision)
}

/** Neighbours lie in one memory, so that a view of all of it serves for many. */
function read(bytes: Uint8Array): Reader {
  if (memory.buffer !== bytes.buffer) memory = Buffer.from(bytes.buffer)
  return reader.reset(memory, bytes.byteOffset, bytes.byteOffset + bytes.length)
}
