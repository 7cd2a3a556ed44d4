/** The variable-length integers inside records: zigzag, then base-128 with the low group first. */
import { WireError } from '../errors.js'

/** Bytes that `value` (int32) takes as a varint, or an exact integer up to 2^52 as a varlong. */
export function sizeOfVarint(value: number): number {
  let rest = zigzag(value)
  let size = 1
  while (rest >= 128) {
    rest = Math.floor(rest / 128)
    size++
  }
  return size
}

/** Writes a varint or varlong; returns the position after it. */
export function writeVarint(buffer: Uint8Array, value: number, at: number): number {
  let rest = zigzag(value)
  while (rest >= 128) {
    buffer[at++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  buffer[at++] = rest
  return at
}

// Arithmetic, not bit operations: timestamps need more than 32 bits.
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1
}

/** A position in bytes that moves as values are read. Reading past `end`, or a varint that is too long, throws a WireError. */
export class VarintCursor {
  readonly bytes: Uint8Array
  at: number
  end: number

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  /** An int32 as zigzag varint of at most 5 bytes. */
  varint(): number {
    const bytes = this.bytes
    let at = this.at
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (at >= this.end) throw new WireError('a record ends inside a varint')
      const byte = bytes[at++]!
      value |= (byte & 127) << shift
      if (byte < 128) {
        this.at = at
        return (value >>> 1) ^ -(value & 1)
      }
    }
    throw new WireError('a varint is longer than 5 bytes')
  }

  /** An int64 as zigzag varint of at most 10 bytes; exact up to 2^53. */
  varlong(): number {
    const bytes = this.bytes
    let at = this.at
    let low = 0
    let high = 0
    for (let group = 0; group < 10; group++) {
      if (at >= this.end) throw new WireError('a record ends inside a varint')
      const byte = bytes[at++]!
      // 28 bits go to `low`; what is above is exact as long as the whole is below 2^53.
      if (group < 4) low |= (byte & 127) << (7 * group)
      else high += (byte & 127) * 2 ** (7 * (group - 4))
      if (byte < 128) {
        this.at = at
        const odd = low & 1
        const half = high * 2 ** 27 + (low >>> 1)
        return odd ? -half - 1 : half
      }
    }
    throw new WireError('a varint is longer than 10 bytes')
  }

  /** The next `length` bytes, as a view. */
  take(length: number): Uint8Array {
    const at = this.skip(length)
    return this.bytes.subarray(at, at + length)
  }

  /** Passes over the next `length` bytes; returns where they begin. */
  skip(length: number): number {
    const { at } = this
    if (length > this.end - at) throw new WireError('a record ends inside a field')
    this.at = at + length
    return at
  }
}
