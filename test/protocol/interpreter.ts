/**
 * A plain interpreter of the schema language: slow, and short enough to be seen to be right. The oracle of the compiled codecs.
 * int64 is a bigint here.
 */
import { isFlexible } from '../../src/protocol/api.js'
import { defaultOf, presence, type Field, type Fields, type MessageSchema } from '../../src/protocol/schema.js'

type Value = Record<string, unknown>

export function interpretEncode(schema: MessageSchema, version: number, value: Value): Buffer {
  const out: Buffer[] = []
  writeStruct(schema.fields, version, isFlexible(schema, version), value, out)
  return Buffer.concat(out)
}

function writeStruct(fields: Fields, version: number, flexible: boolean, value: Value, out: Buffer[]): void {
  const sent = Object.entries(fields).filter(([, field]) => presence(field, version).sent)
  for (const [name, field] of sent)
    if (!presence(field, version).tagged) writeField(field, version, flexible && !field.neverFlexible, value[name], out)
  if (!flexible) return
  const tagged = sent
    .filter(([name, field]) => presence(field, version).tagged && !isDefault(field, value[name]))
    .toSorted((a, b) => a[1].tag! - b[1].tag!)
  out.push(uvarint(tagged.length))
  for (const [name, field] of tagged) {
    const inner: Buffer[] = []
    // In a tag, null is marked by an unsigned 0.
    if (field.type === 'struct' && value[name] === null) inner.push(Buffer.from([0]))
    else writeField(field, version, true, value[name], inner)
    const bytes = Buffer.concat(inner)
    out.push(uvarint(field.tag!), uvarint(bytes.length), bytes)
  }
}

function isDefault(field: Field, value: unknown): boolean {
  const plain = (each: unknown): string =>
    JSON.stringify(each, (_, inner: unknown) =>
      typeof inner === 'bigint' ? Number(inner) : inner instanceof Uint8Array ? [...inner] : inner
    )
  return plain(value) === plain(defaultOf(field))
}

function writeField(field: Field, version: number, flexible: boolean, value: unknown, out: Buffer[]): void {
  const { nullable } = presence(field, version)
  switch (field.type) {
    case 'array': {
      const list = value as unknown[] | null
      out.push(length(list?.length ?? -1, flexible, 4))
      for (const each of list ?? []) writeField(field.of!, version, flexible, each, out)
      return
    }
    case 'struct':
      if (nullable) out.push(Buffer.from([value === null ? 0xff : 1]))
      if (value !== null) writeStruct(field.fields!, version, flexible, value as Value, out)
      return
    case 'string':
    case 'bytes':
    case 'records': {
      const bytes = value === null ? null : Buffer.from(value as string)
      out.push(length(bytes?.length ?? -1, flexible, field.type === 'string' ? 2 : 4))
      if (bytes !== null) out.push(bytes)
      return
    }
    case 'uuid':
      out.push(Buffer.from(value as string, 'base64url'))
      return
    default:
      out.push(fixed(field.type, value))
  }
}

function fixed(type: Exclude<Field['type'], 'array' | 'struct' | 'string' | 'bytes' | 'records' | 'uuid'>, value: unknown): Buffer {
  const bytes = Buffer.alloc(8)
  switch (type) {
    case 'bool':
      return bytes.subarray(0, bytes.writeUInt8(value ? 1 : 0))
    case 'int8':
      return bytes.subarray(0, bytes.writeInt8(value as number))
    case 'int16':
      return bytes.subarray(0, bytes.writeInt16BE(value as number))
    case 'uint16':
      return bytes.subarray(0, bytes.writeUInt16BE(value as number))
    case 'int32':
      return bytes.subarray(0, bytes.writeInt32BE(value as number))
    case 'uint32':
      return bytes.subarray(0, bytes.writeUInt32BE(value as number))
    case 'int64':
      return bytes.subarray(0, bytes.writeBigInt64BE(value as bigint))
    case 'float64':
      return bytes.subarray(0, bytes.writeDoubleBE(value as number))
  }
}

function length(count: number, flexible: boolean, width: 2 | 4): Buffer {
  if (flexible) return uvarint(count + 1)
  const bytes = Buffer.alloc(width)
  bytes.writeIntBE(count, 0, width)
  return bytes
}

function uvarint(value: number): Buffer {
  const bytes: number[] = []
  for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80)
  return Buffer.from([...bytes, value])
}
