/**
 * Reads what clients push (KIP-714): MetricsData of OpenTelemetry in its protobuf form. Only what is kept is decoded: numbers of gauges and sums
 * with their names and attributes. Hostile input is bounded by its length: every step takes at least one byte.
 */
import { WireError } from '../../errors.js'

export interface MetricPoint {
  readonly name: string
  /** `name=value`, sorted, parted by commas. */
  readonly attributes: string
  readonly value: number
  /** A sum that holds only what was added since the last push. */
  readonly delta: boolean
}

/** Wire types of protobuf. */
const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5
const DELTA = 1
const LONGEST_TEXT = 256

/** Throws WireError on malformed bytes. At most `most` points are given. */
export function decodeMetrics(bytes: Buffer, most: number): MetricPoint[] {
  const points: MetricPoint[] = []
  each(bytes, (field, value) => {
    if (field === 1) each(asBytes(value), (inner, scope) => inner === 2 && readScope(asBytes(scope), points, most))
  })
  return points
}

function readScope(scope: Buffer, points: MetricPoint[], most: number): void {
  each(scope, (field, value) => {
    if (field === 2 && points.length < most) readMetric(asBytes(value), points, most)
  })
}

function readMetric(metric: Buffer, points: MetricPoint[], most: number): void {
  let name = ''
  const series: Buffer[] = []
  each(metric, (field, value) => {
    if (field === 1) name = text(value)
    // 5: gauge, 7: sum
    else if (field === 5 || field === 7) series.push(asBytes(value))
  })
  for (const each of series) readSeries(name, each, points, most)
}

function readSeries(name: string, series: Buffer, points: MetricPoint[], most: number): void {
  let delta = false
  const found: Buffer[] = []
  each(series, (field, value) => {
    if (field === 1) found.push(asBytes(value))
    else if (field === 2 && typeof value === 'number') delta = value === DELTA
  })
  for (const point of found) {
    if (points.length >= most) return
    const { value, attributes } = readPoint(point)
    if (value !== undefined) points.push({ name, attributes, value, delta })
  }
}

function readPoint(point: Buffer): { value: number | undefined; attributes: string } {
  let value: number | undefined
  const attributes: string[] = []
  each(point, (field, content) => {
    if (field === 4) value = asBytes(content).readDoubleLE()
    else if (field === 6) value = Number(asBytes(content).readBigInt64LE())
    else if (field === 7) attributes.push(attribute(asBytes(content)))
  })
  return { value, attributes: attributes.toSorted().join() }
}

function attribute(pair: Buffer): string {
  let key = ''
  let shown = ''
  each(pair, (field, value) => {
    if (field === 1) key = text(value)
    else if (field === 2) {
      each(asBytes(value), (kind, content) => {
        if (kind === 1) shown = text(content)
        else if (kind === 4) shown = String(asBytes(content).readDoubleLE())
        else if (typeof content === 'number') shown = String(content)
      })
    }
  })
  return `${key}=${shown}`
}

function text(value: number | Buffer): string {
  return asBytes(value).toString('utf8').slice(0, LONGEST_TEXT)
}

function asBytes(value: number | Buffer): Buffer {
  if (typeof value === 'number') throw new WireError('a number where protobuf should have bytes')
  return value
}

/** Calls `take` for each field of a message: a varint as a number, all else as the bytes of it. */
function each(message: Buffer, take: (field: number, value: number | Buffer) => unknown): void {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++]
      if (byte === undefined || scale > 2 ** 63) throw new WireError('protobuf ends inside of a number')
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  const slice = (length: number): Buffer => {
    if (length > message.length - at) throw new WireError(`protobuf needs ${length} bytes where ${message.length - at} are left`)
    at += length
    return message.subarray(at - length, at)
  }
  while (at < message.length) {
    const tag = varint()
    const field = Math.floor(tag / 8)
    switch (tag % 8) {
      case VARINT:
        take(field, varint())
        break
      case FIXED64:
        take(field, slice(8))
        break
      case BYTES:
        take(field, slice(varint()))
        break
      case FIXED32:
        take(field, slice(4))
        break
      default:
        throw new WireError(`protobuf has no wire type ${tag % 8}`)
    }
  }
}
