/** CRC-32C (Castagnoli) for what JavaScript builds or opens. What clients produce is checked in native code. */
import { crc32c as nativeCrc32c } from '../native/functions.js'

/** Up to so many, the call into native code takes longer than the tables do. */
const SHORT_BYTES = 64

const tables = makeTables()

function makeTables(): Uint32Array {
  const all = new Uint32Array(4 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
    all[byte] = value
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let table = 1; table < 4; table++) {
      const before = all[(table - 1) * 256 + byte]!
      all[table * 256 + byte] = all[before & 0xff]! ^ (before >>> 8)
    }
  }
  return all
}

/** The checksum of `bytes`, continuing from the checksum of what stood before them. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  return bytes.length > SHORT_BYTES ? nativeCrc32c(bytes, seed) : crc32cByTables(bytes, seed)
}

/** The same; four tables, four bytes a step. */
export function crc32cByTables(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed
  let at = 0
  const whole = bytes.length & ~3
  for (; at < whole; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc = tables[768 + (crc & 0xff)]! ^ tables[512 + ((crc >>> 8) & 0xff)]! ^ tables[256 + ((crc >>> 16) & 0xff)]! ^ tables[crc >>> 24]!
  }
  for (; at < bytes.length; at++) crc = tables[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}
