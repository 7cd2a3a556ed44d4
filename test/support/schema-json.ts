/** Between the JSON of the golden files and decoded messages: int64 as decimal strings, bytes in base64. Driven by the schema. */
import { presence, type Field, type Fields } from '../../src/protocol/schema.js'

/** What a decoder with exact int64 would give for this JSON. */
export function fromJson(fields: Fields, json: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => json[name] !== undefined)
      .map(([name, field]) => [name, valueFrom(field, json[name])])
  )
}

function valueFrom(field: Field, json: unknown): unknown {
  if (json === null) return null
  switch (field.type) {
    case 'array':
      return (json as unknown[]).map((each) => valueFrom(field.of!, each))
    case 'struct':
      return fromJson(field.fields!, json as Record<string, unknown>)
    case 'int64':
      return BigInt(json as string)
    case 'bytes':
    case 'records':
      return Buffer.from(json as string, 'base64')
    default:
      return json
  }
}

/** A decoded message as the golden files would write it, without the fields that this version lacks. */
export function toJson(fields: Fields, value: Record<string, unknown>, version: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, field]) => presence(field, version).sent)
      .map(([name, field]) => [name, jsonFrom(field, value[name], version)])
  )
}

function jsonFrom(field: Field, value: unknown, version: number): unknown {
  if (value === null) return null
  switch (field.type) {
    case 'array':
      return (value as unknown[]).map((each) => jsonFrom(field.of!, each, version))
    case 'struct':
      return toJson(field.fields!, value as Record<string, unknown>, version)
    case 'int64':
      return (value as bigint).toString()
    case 'bytes':
    case 'records':
      return Buffer.from(value as Uint8Array).toString('base64')
    default:
      return value
  }
}
