/**
 * Writes the wire types of the Kafka protocol into one growing buffer, and notes the file regions that stand between its bytes: the records of
 * a fetch are never read, the network layer sends them from the file (see `ioSend` in src/native/binding.ts).
 */
import { strict as assert } from 'node:assert'
import { ZERO_UUID } from './reader.js'

/** A range of a segment's file, by the segment's native handle. */
export interface FileRegion {
  readonly segment: number
  readonly position: number
  readonly length: number
}

export type Records = Uint8Array | FileRegion | readonly FileRegion[]

const REGION_COLUMNS = 4
const INITIAL_BYTES = 4096
const INITIAL_REGIONS = 64
const MAX_STRING_BYTES = 0x7fff
const TOO_LONG = `a string is longer than ${MAX_STRING_BYTES} bytes`
const HIGH = 0x1_0000_0000
const LONG_MAX = 2n ** 63n - 1n
const LONG_MIN = -(2n ** 63n)
/** Up to here a loop over the characters beats the call into the runtime. */
const SHORT_STRING = 32

export class Writer {
  #buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  #view = new DataView(this.#buffer.buffer)
  #at = 0
  #regions = new Float64Array(INITIAL_REGIONS * REGION_COLUMNS)
  #regionCount = 0
  #regionBytes = 0

  /** Forgets what was written; keeps the memory. */
  reset(): void {
    this.#at = 0
    this.#regionCount = 0
    this.#regionBytes = 0
  }

  /** Gives the memory back when it has grown above `keepBytes`. */
  shrink(keepBytes: number): void {
    if (this.#buffer.length > keepBytes) this.#use(Buffer.allocUnsafeSlow(INITIAL_BYTES))
    if (this.#regions.byteLength > keepBytes) this.#regions = new Float64Array(INITIAL_REGIONS * REGION_COLUMNS)
  }

  /** The memory behind: `[0, length)` is written. The same only until the next write. */
  get buffer(): Buffer {
    return this.#buffer
  }

  get length(): number {
    return this.#at
  }

  /** With the file regions. */
  get totalLength(): number {
    return this.#at + this.#regionBytes
  }

  /** Rows of [at, segment, position, length]: the region stands before byte `at` of the buffer. */
  get regions(): Float64Array {
    return this.#regions
  }

  get regionCount(): number {
    return this.#regionCount
  }

  /** A copy of what was written; there must be no file region in it. */
  toBuffer(): Buffer {
    assert.equal(this.#regionCount, 0)
    return Buffer.from(this.#buffer.subarray(0, this.#at))
  }

  int8(value: number): void {
    const at = this.#room(1)
    this.#view.setInt8(at, value)
  }

  uint8(value: number): void {
    const at = this.#room(1)
    this.#view.setUint8(at, value)
  }

  bool(value: boolean): void {
    const at = this.#room(1)
    this.#view.setUint8(at, value ? 1 : 0)
  }

  int16(value: number): void {
    const at = this.#room(2)
    this.#view.setInt16(at, value)
  }

  uint16(value: number): void {
    const at = this.#room(2)
    this.#view.setUint16(at, value)
  }

  int32(value: number): void {
    const at = this.#room(4)
    this.#view.setInt32(at, value)
  }

  uint32(value: number): void {
    const at = this.#room(4)
    this.#view.setUint32(at, value)
  }

  int64(value: number | bigint): void {
    const at = this.#room(8)
    if (typeof value === 'number' && Number.isSafeInteger(value)) {
      const high = Math.floor(value / HIGH)
      this.#view.setInt32(at, high)
      this.#view.setUint32(at + 4, value - high * HIGH)
    } else {
      const exact = BigInt(value)
      this.#view.setBigInt64(at, exact > LONG_MAX ? LONG_MAX : exact < LONG_MIN ? LONG_MIN : exact)
    }
  }

  float64(value: number): void {
    const at = this.#room(8)
    this.#view.setFloat64(at, value)
  }

  uuid(value: string): void {
    const at = this.#room(16)
    if (value === ZERO_UUID) this.#buffer.fill(0, at, at + 16)
    else if (value.length !== 22 || this.#buffer.write(value, at, 16, 'base64url') !== 16) assert.fail(`${value} is not a uuid`)
  }

  uvarint(value: number): void {
    while (value >= 0x80) {
      this.uint8((value & 0x7f) | 0x80)
      value = Math.floor(value / 128)
    }
    this.uint8(value)
  }

  string(value: string): void {
    const start = this.#room(2)
    const length = this.#text(value)
    assert(length <= MAX_STRING_BYTES, TOO_LONG)
    this.#view.setInt16(start, length)
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1)
    else this.string(value)
  }

  compactString(value: string): void {
    if (value.length < 42) {
      // At most 3 bytes a character: the length fits into one byte.
      const start = this.#room(1)
      const length = this.#text(value)
      this.#view.setUint8(start, length + 1)
    } else {
      const length = Buffer.byteLength(value)
      assert(length <= MAX_STRING_BYTES, TOO_LONG)
      this.uvarint(length + 1)
      this.#text(value)
    }
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.uint8(0)
    else this.compactString(value)
  }

  bytes(value: Uint8Array): void {
    this.int32(value.length)
    this.raw(value)
  }

  nullableBytes(value: Uint8Array | null): void {
    if (value === null) this.int32(-1)
    else this.bytes(value)
  }

  compactBytes(value: Uint8Array): void {
    this.uvarint(value.length + 1)
    this.raw(value)
  }

  compactNullableBytes(value: Uint8Array | null): void {
    if (value === null) this.uint8(0)
    else this.compactBytes(value)
  }

  records(value: Records): void {
    this.int32(sizeOf(value))
    this.#parts(value)
  }

  nullableRecords(value: Records | null): void {
    if (value === null) this.int32(-1)
    else this.records(value)
  }

  compactRecords(value: Records): void {
    this.uvarint(sizeOf(value) + 1)
    this.#parts(value)
  }

  compactNullableRecords(value: Records | null): void {
    if (value === null) this.uint8(0)
    else this.compactRecords(value)
  }

  /** Bytes without a length. */
  raw(value: Uint8Array): void {
    const at = this.#room(value.length)
    this.#buffer.set(value, at)
  }

  /** Begins something whose size stands before it as a varint; give the result to `endSized`. */
  beginSized(): number {
    return this.#room(1)
  }

  endSized(start: number): void {
    const size = this.#at - start - 1
    let lengthBytes = 1
    for (let rest = Math.floor(size / 128); rest > 0; rest = Math.floor(rest / 128)) lengthBytes++
    if (lengthBytes > 1) {
      this.#room(lengthBytes - 1)
      this.#buffer.copyWithin(start + lengthBytes, start + 1, start + 1 + size)
    }
    const end = this.#at
    this.#at = start
    this.uvarint(size)
    this.#at = end
  }

  /** Overwrites four bytes that were written before. */
  patchInt32(at: number, value: number): void {
    this.#view.setInt32(at, value)
  }

  /** Makes room for `bytes` and returns where. May replace buffer and view: ask for it before you touch them. */
  #room(bytes: number): number {
    const at = this.#at
    const end = at + bytes
    if (end > this.#buffer.length) this.#grow(end)
    this.#at = end
    return at
  }

  #grow(bytes: number): void {
    let size = this.#buffer.length
    while (size < bytes) size *= 2
    const larger = Buffer.allocUnsafeSlow(size)
    larger.set(this.#buffer.subarray(0, this.#at))
    this.#use(larger)
  }

  #use(buffer: Buffer<ArrayBuffer>): void {
    this.#buffer = buffer
    this.#view = new DataView(buffer.buffer)
  }

  /** Writes the characters in UTF-8; returns their bytes. */
  #text(value: string): number {
    const { length } = value
    const start = this.#at
    if (length <= SHORT_STRING) {
      const at = this.#room(length)
      let n = 0
      for (; n < length; n++) {
        const code = value.charCodeAt(n)
        if (code > 0x7f) break
        this.#buffer[at + n] = code
      }
      if (n === length) return length
      this.#at = start
    }
    this.#room(length * 3)
    const written = this.#buffer.write(value, start, 'utf8')
    this.#at = start + written
    return written
  }

  #parts(value: Records): void {
    if (value instanceof Uint8Array) this.raw(value)
    else if (isList(value)) for (const region of value) this.#region(region)
    else this.#region(value)
  }

  #region({ segment, position, length }: FileRegion): void {
    if (length === 0) return
    const row = this.#regionCount * REGION_COLUMNS
    if (row === this.#regions.length) {
      const larger = new Float64Array(row * 2)
      larger.set(this.#regions)
      this.#regions = larger
    }
    this.#regions[row] = this.#at
    this.#regions[row + 1] = segment
    this.#regions[row + 2] = position
    this.#regions[row + 3] = length
    this.#regionCount++
    this.#regionBytes += length
  }
}

function isList(value: FileRegion | readonly FileRegion[]): value is readonly FileRegion[] {
  return Array.isArray(value)
}

function sizeOf(value: Records): number {
  if (value instanceof Uint8Array) return value.length
  if (!isList(value)) return value.length
  let size = 0
  for (const region of value) size += region.length
  return size
}
