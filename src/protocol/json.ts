/**
 * Messages as JSON, in the form that Apache Kafka's tools print them: fields by name in the order of the schema, bytes as base64, tagged
 * fields only where they differ from their default. Made by hand, not by JSON.stringify: int64 keeps all its digits, float64 its fraction.
 */
import { presence, type Field, type Fields, type MessageSchema } from './schema.js'

/** `value` as `decode` gives it, best with the precision `exact`. */
export function jsonOf(schema: MessageSchema, version: number, value: unknown): string {
  return structJson(schema.fields, version, value as Record<string, unknown>, {})
}

/** As jsonOf, but the fields named in `texts` are given as JSON already, wherever in the message they stand. */
export function jsonWith(schema: MessageSchema, version: number, value: unknown, texts: Replaced): string {
  return structJson(schema.fields, version, value as Record<string, unknown>, texts)
}

/** By field name: the JSON that stands for a value. */
export type Replaced = Readonly<Record<string, (value: unknown) => string>>

/** A JSON string with Jackson's escapes: upper-case hexadecimal digits. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(/(?<!\\)((?:\\\\)*)\\u([0-9a-f]{4})/g, (_, before: string, digits: string) => {
    return `${before}\\u${digits.toUpperCase()}`
  })
}

function structJson(fields: Fields, version: number, value: Record<string, unknown>, texts: Replaced): string {
  const parts: string[] = []
  for (const [name, field] of Object.entries(fields)) {
    const { sent, tagged } = presence(field, version)
    if (!sent) continue
    const one = value[name]
    if (tagged && isDefault(field, one)) continue
    parts.push(`${quoted(name)}:${texts[name]?.(one) ?? fieldJson(field, version, one, texts)}`)
  }
  return `{${parts.join(',')}}`
}

function fieldJson(field: Field, version: number, value: unknown, texts: Replaced): string {
  if (value === null || value === undefined) return 'null'
  switch (field.type) {
    case 'array':
      return `[${(value as unknown[]).map((each) => fieldJson(field.of!, version, each, texts)).join(',')}]`
    case 'struct':
      return structJson(field.fields!, version, value as Record<string, unknown>, texts)
    case 'bytes':
    case 'records':
      return quoted(base64(value as Uint8Array))
    case 'string':
    case 'uuid':
      return quoted(value as string)
    case 'float64':
      return javaDouble(value as number)
    default:
      return String(value as number | bigint | boolean)
  }
}

function isDefault(field: Field, value: unknown): boolean {
  if (value === null || value === undefined) return field.absent === null
  if (field.absent !== undefined) return value === field.absent || (typeof value === 'bigint' && Number(value) === field.absent)
  switch (field.type) {
    case 'array':
    case 'bytes':
    case 'records':
      return (value as ArrayLike<unknown>).length === 0
    case 'string':
      return value === ''
    case 'uuid':
      return /^A{22}$/.test(value as string)
    case 'bool':
      return value === false
    case 'struct':
      return Object.entries(field.fields!).every(([name, inner]) => isDefault(inner, (value as Record<string, unknown>)[name]))
    default:
      return Number(value) === 0
  }
}

// As Double.toString writes it: always with a fraction, with an exponent from 10^7 on and below 10^-3.
function javaDouble(value: number): string {
  if (!Number.isFinite(value)) return quoted(Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity')
  const size = Math.abs(value)
  if (size === 0 || (size >= 1e-3 && size < 1e7))
    return Number.isInteger(value) ? `${Object.is(value, -0) ? '-0' : value}.0` : String(value)
  const [digits = '', exponent = ''] = value.toExponential().split('e')
  return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
