/** Numbers as people read them: three digits that mean something, units, ratios, byte counts. */
import type { FigureName, Unit } from './result.js'
import { FIGURES } from './result.js'
import type { Comparison } from './statistics.js'
import { KIB } from './units.js'

/** Finer than a figure of any suite. */
const MOST_DECIMALS = 9
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** Three significant digits, no exponent, thousands apart: 0.285, 27.6, 2638, 1,230,000. Whole numbers below 1,000 stay whole. */
export function number(value: number): string {
  if (value === 0) return '0'
  // Four digits are shown whole: 2638 MiB/s reads better than 2640.
  const digits = Math.abs(value) >= 1000 && Math.abs(value) < 10_000 ? 4 : 3
  const rounded = Number(value.toPrecision(digits))
  const decimals = Number.isInteger(value) ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(rounded))))
  return thousands(rounded.toFixed(Math.min(decimals, MOST_DECIMALS)))
}

/** A value of a figure without its unit, which stands at the head of the column. */
export function figureValue(value: number, figure: FigureName): string {
  return FIGURES[figure].unit === 'bytes' ? bytes(value) : number(value)
}

/** A value with its unit: "0.285 CPU-s/GiB". */
export function withUnit(value: number, figure: FigureName): string {
  const { unit } = FIGURES[figure]
  return unit === 'bytes' ? bytes(value) : `${number(value)}${unit === '%' ? ' %' : ` ${unitText(unit)}`}`
}

export function unitText(unit: Unit): string {
  return unit === 'us' ? 'µs' : unit === 'count' ? '' : unit
}

/** 65536 → "64 KiB", 1500 → "1.46 KiB". */
export function bytes(value: number): string {
  let scaled = value
  let unit = 0
  while (Math.abs(scaled) >= KIB && unit < BYTE_UNITS.length - 1) {
    scaled /= KIB
    unit++
  }
  return `${number(scaled)} ${BYTE_UNITS[unit] ?? 'B'}`
}

/** "0.52", "1.8" is "1.80", "12.3", "140". */
export function ratio(value: number): string {
  if (value >= 100) return thousands(value.toFixed(0))
  if (value >= 10) return value.toFixed(1)
  return value >= 0.01 ? value.toFixed(2) : value.toPrecision(1)
}

/** The interval of a comparison: "0.50–0.55"; one value when both ends read the same. */
export function ratioInterval({ ratio: { low, high } }: Comparison): string {
  const [from, to] = [ratio(low), ratio(high)]
  return from === to ? from : `${from}–${to}`
}

/** Values from lowest to highest: "2033–2745". */
export function range(lowest: number, highest: number, figure: FigureName): string {
  const [from, to] = [figureValue(lowest, figure), figureValue(highest, figure)]
  return from === to ? from : `${from}–${to}`
}

/** A parameter as its name asks for: fetchBytes 65536 → "64 KiB", connections 10000 → "10,000". */
export function parameterValue(name: string, value: number | string): string {
  if (typeof value === 'string') return value
  if (/bytes$/i.test(name)) return bytes(value)
  return number(value)
}

/** Camel case in words: fetchBytes → "fetch size", logBytes → "log size", cpuPerRequest → "cpu per request". */
export function parameterLabel(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)
  return words.replace(/ bytes$/i, ' size').replace(/^bytes$/i, 'size')
}

/** "3 rounds", "1 round". */
export function plural(count: number, one: string): string {
  return `${thousands(String(count))} ${count === 1 ? one : `${one}s`}`
}

/** 3725 → "1 h 2 min", 95 → "1 min 35 s". */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** Words joined as in a sentence: "a, b and c". */
export function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`
}

/** With a capital at its head; only for words of our own, never for names. "p99" stays. */
export function capital(text: string): string {
  return /^[a-z]\d/.test(text) ? text : text.slice(0, 1).toUpperCase() + text.slice(1)
}

function thousands(digits: string): string {
  const [whole = '', fraction] = digits.split('.')
  // Numbers of four digits stay together: 2638.
  const grouped = whole.replace('-', '').length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, ',') : whole
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}
