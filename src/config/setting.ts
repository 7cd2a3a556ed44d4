/**
 * What one row of the table of settings holds, and the builders that the table is written with. The rows are data: parsing, bounds,
 * DescribeConfigs, AlterConfigs, topic overrides and docs/configuration.md are all driven by them.
 */

/** Kafka's `Long.MAX_VALUE`, which a JavaScript number cannot hold: rows keep it as text. */
export const LONG_MAX = '9223372036854775807'

export type SettingType = 'boolean' | 'string' | 'int' | 'short' | 'long' | 'double' | 'list' | 'class' | 'password'

/** How a setting may change: `per-broker` for one broker at a time, `cluster-wide` also for all at once, `topic` with the topic. */
export type Change = 'read-only' | 'per-broker' | 'cluster-wide' | 'topic'

/** A broker setting that a topic setting falls back to; its value is multiplied by `factor` (hours to milliseconds). */
export interface Synonym {
  readonly name: string
  readonly factor: number
}

export interface Setting<V = unknown> {
  readonly type: SettingType
  /** The default in the text form of a properties file; null: no value. */
  readonly default: string | null
  readonly about: string
  readonly change: Change
  readonly min?: number
  readonly max?: number
  /** One number outside `min` and `max` that is allowed as well. */
  readonly also?: number
  readonly oneOf?: readonly string[]
  /** What the items of a list must match, and how that is told. */
  readonly items?: { readonly pattern: RegExp; readonly shown: string }
  readonly ignoreCase?: boolean
  /** Not listed unless it is set. */
  readonly internal?: boolean
  /** Accepted and listed, but nothing in this broker depends on it. */
  readonly ignored?: boolean
  /** Any value but the default is refused, for this reason. */
  readonly refused?: string
  /** Of a topic setting: where the value comes from when the topic has none, first wins. */
  readonly synonyms?: readonly Synonym[]
  /** Of a broker setting: the settings that mean the same in another unit, first wins. Includes itself. */
  readonly group?: readonly string[]
  /** The type of its value; never present at run time. */
  readonly valueType?: V
}

export type ValueOf<S> = S extends Setting<infer V> ? V : never

export interface Options {
  readonly change?: Change
  readonly min?: number
  readonly max?: number
  readonly also?: number
  readonly ignoreCase?: boolean
  readonly internal?: boolean
  readonly ignored?: boolean
  readonly refused?: string
  readonly synonyms?: readonly Synonym[]
  readonly group?: readonly string[]
}

type OrNull<D, V> = D extends null ? V | null : V

function row<V>(type: SettingType, fallback: string | number | boolean | null, about: string, options: object): Setting<V> {
  return { type, default: fallback === null ? null : String(fallback), about, change: 'read-only', ...options }
}

export function int<const D extends number | null>(fallback: D, about: string, options: Options = {}): Setting<OrNull<D, number>> {
  return row('int', fallback, about, options)
}

export function short(fallback: number, about: string, options: Options = {}): Setting<number> {
  return row('short', fallback, about, options)
}

/** An int64. Values beyond 2^53-1 are kept exactly as text and become the largest safe integer as a number. */
export function long<const D extends number | typeof LONG_MAX | null>(
  fallback: D,
  about: string,
  options: Options = {}
): Setting<OrNull<D, number>> {
  return row('long', fallback, about, options)
}

export function double(fallback: number | string, about: string, options: Options = {}): Setting<number> {
  return row('double', fallback, about, options)
}

export function boolean(fallback: boolean, about: string, options: Options = {}): Setting<boolean> {
  return row('boolean', fallback, about, options)
}

export function string<const D extends string | null, const O extends string = string>(
  fallback: D,
  about: string,
  options: Options & { readonly oneOf?: readonly O[] } = {}
): Setting<OrNull<D, O>> {
  return row('string', fallback, about, options)
}

/** Items are parted by commas; the default is written in that form. */
export function list<const D extends string | null, const O extends string = string>(
  fallback: D,
  about: string,
  options: Options & { readonly oneOf?: readonly O[]; readonly items?: Setting['items'] } = {}
): Setting<OrNull<D, readonly O[]>> {
  return row('list', fallback, about, options)
}

/** The name of a Java class: known, so that a file of Apache Kafka is understood. */
export function javaClass<const D extends string | null>(fallback: D, about: string, options: Options = {}): Setting<OrNull<D, string>> {
  return row('class', fallback, about, options)
}

/** Never shown: not in logs, not in answers. */
export function password(about: string, options: Options = {}): Setting<string | null> {
  return row('password', null, about, options)
}

/** Marks rows that are accepted and listed without effect. */
export function ignored<const R extends Readonly<Record<string, Setting>>>(rows: R): R {
  return withFlags(rows, { ignored: true })
}

/** Marks rows of which any other value than the default is refused, with the reason. */
export function refused<const R extends Readonly<Record<string, Setting>>>(reason: string, rows: R): R {
  return withFlags(rows, { refused: reason })
}

function withFlags<R extends Readonly<Record<string, Setting>>>(rows: R, flags: Partial<Setting>): R {
  return Object.fromEntries(Object.entries(rows).map(([name, setting]) => [name, { ...setting, ...flags }])) as R
}
