/** Text to value by Kafka's rules: trimmed, lists parted by commas, bounds and allowed values of the row. */
import { ConfigError } from '../errors.js'
import type { Setting } from './setting.js'

export type SettingValue = boolean | number | string | readonly string[] | null

/** A value in both forms. `text` is the canonical one: what DescribeConfigs answers. */
export interface ParsedValue {
  readonly text: string | null
  readonly value: SettingValue
}

const INTEGER = /^[+-]?\d{1,19}$/
// As Java reads it, but for hexadecimal digits.
const DECIMAL = /^(?:[+-]?NaN|([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)[fFdD]?)$/
const BITS: Readonly<Record<string, bigint>> = { short: 16n, int: 32n, long: 64n }
const LIST_LIMIT = 10_000

/** Throws ConfigError with the name, the value and what is allowed. */
export function parseValue(name: string, setting: Setting, text: string | null): ParsedValue {
  if (text === null) {
    if (setting.default === null) return { text: null, value: null }
    throw invalid(name, setting, 'null')
  }
  const trimmed = text.trim()
  switch (setting.type) {
    case 'boolean':
      return parseBoolean(name, setting, trimmed)
    case 'short':
    case 'int':
    case 'long':
      return parseInteger(name, setting, trimmed)
    case 'double':
      return parseDouble(name, setting, trimmed)
    case 'list':
      return parseList(name, setting, trimmed)
    case 'string':
      return parseString(name, setting, trimmed)
    case 'class':
      return { text: trimmed, value: trimmed }
    case 'password':
      return { text, value: text }
  }
}

/** What a row allows, for messages and docs: `a whole number, at least 1`. */
export function allowedValues(setting: Setting): string {
  const { type, oneOf } = setting
  if (type === 'boolean') return 'true or false'
  if (oneOf) return type === 'list' ? `a list of ${oneOf.join(', ')}` : `one of ${oneOf.join(', ')}`
  if (type === 'list') return setting.items ? `a list of ${setting.items.shown}` : 'a list parted by commas'
  if (type === 'class') return 'the name of a class'
  if (type === 'password' || type === 'string') return 'text'
  const kind =
    type === 'double'
      ? 'a number'
      : type === 'long'
        ? 'a whole number of 64 bits'
        : `a whole number${type === 'short' ? ' of 16 bits' : ''}`
  return `${kind}${bounds(setting)}`
}

function bounds({ min, max, also }: Setting): string {
  const alone = also === undefined ? '' : `, or ${also}`
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}${alone}`
  return min === undefined ? '' : `, at least ${min}${alone}`
}

function invalid(name: string, setting: Setting, text: string): ConfigError {
  const shown = setting.type === 'password' ? '[hidden]' : text.length > 200 ? `${text.slice(0, 200)}…` : text
  return new ConfigError(name, `Invalid value ${JSON.stringify(shown)} for ${name}: it must be ${allowedValues(setting)}`)
}

function parseBoolean(name: string, setting: Setting, text: string): ParsedValue {
  const lower = text.toLowerCase()
  if (lower !== 'true' && lower !== 'false') throw invalid(name, setting, text)
  return { text: lower, value: lower === 'true' }
}

function parseInteger(name: string, setting: Setting, text: string): ParsedValue {
  if (!INTEGER.test(text)) throw invalid(name, setting, text)
  const exact = BigInt(text.startsWith('+') ? text.slice(1) : text)
  if (BigInt.asIntN(Number(BITS[setting.type]), exact) !== exact || !within(setting, Number(exact))) throw invalid(name, setting, text)
  const clamped = Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(exact)))
  return { text: exact.toString(), value: clamped }
}

function parseDouble(name: string, setting: Setting, text: string): ParsedValue {
  const found = DECIMAL.exec(text)
  const value = Number(found?.[1])
  if (found === null || Math.abs(value) === Infinity || !within(setting, value)) throw invalid(name, setting, text)
  return { text: doubleText(value), value }
}

/** As Java writes it: `1.0`, `1.0E-7`. */
function doubleText(value: number): string {
  if (Object.is(value, -0)) return '-0.0'
  const size = Math.abs(value)
  const [digits = '', exponent] = size === 0 || (size >= 1e-3 && size < 1e7) ? [String(value)] : value.toExponential().split('e')
  const whole = /^-?\d+$/.test(digits) ? `${digits}.0` : digits
  return exponent === undefined ? whole : `${whole}E${Number(exponent)}`
}

function within({ min = -Infinity, max = Infinity, also }: Setting, value: number): boolean {
  return (value >= min && value <= max) || Object.is(value, also)
}

// KIP-1161: no empty items, and repeated ones count once. An empty list stands for no items.
function parseList(name: string, setting: Setting, text: string): ParsedValue {
  if (text === '') return { text: '', value: [] }
  const items = [...new Set(text.split(',', LIST_LIMIT).map((item) => item.trim()))]
  const { oneOf } = setting
  const wrong =
    items.includes('') ||
    (oneOf && items.some((item) => !oneOf.includes(item))) ||
    !items.every((item) => setting.items?.pattern.test(item) ?? true)
  if (wrong) throw invalid(name, setting, text)
  return { text: items.join(','), value: items }
}

function parseString(name: string, setting: Setting, text: string): ParsedValue {
  const { oneOf, ignoreCase } = setting
  const matches = (allowed: string): boolean => (ignoreCase ? allowed.toLowerCase() === text.toLowerCase() : allowed === text)
  if (oneOf && !oneOf.some(matches)) throw invalid(name, setting, text)
  return { text, value: text }
}
