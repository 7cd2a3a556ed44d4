/** The outside of zstd frames (RFC 8878): enough to know how much they can expand to before a byte is decompressed. */

const MAGIC = 0xfd2fb528
const SKIPPABLE = 0x184d2a50
const BLOCK_MAX_BYTES = 128 * 1024
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const

/**
 * The most bytes that the frames in `bytes` can give; -1 when they are no whole zstd frames. Stops early, above `enough`, once that is passed.
 */
export function zstdBound(bytes: Buffer, enough: number): number {
  let bound = 0
  let at = 0
  while (at < bytes.length) {
    if (bytes.length - at < 8) return -1
    const magic = bytes.readUInt32LE(at)
    if (magic >= SKIPPABLE && magic <= SKIPPABLE + 15) {
      at += 8 + bytes.readUInt32LE(at + 4)
      continue
    }
    if (magic !== MAGIC) return -1
    const flags = bytes[at + 4]!
    at += 5 + headerBytes(flags)
    for (let last = false; !last;) {
      if (bytes.length - at < 3) return -1
      const head = bytes.readUIntLE(at, 3)
      last = (head & 1) === 1
      const type = (head >> 1) & 3
      const size = head >> 3
      if (type === 3 || size > BLOCK_MAX_BYTES) return -1
      bound += type === 2 ? BLOCK_MAX_BYTES : size
      if (bound > enough) return bound
      at += 3 + (type === 1 ? 1 : size)
    }
    if ((flags & 0x04) !== 0) at += 4
  }
  return at === bytes.length && at > 0 ? bound : -1
}

// After magic and descriptor: window, dictionary id and content size, each of which may be missing.
function headerBytes(flags: number): number {
  const singleSegment = (flags & 0x20) !== 0
  const contentSize = CONTENT_SIZE_BYTES[flags >> 6]!
  return (singleSegment ? 0 : 1) + DICTIONARY_ID_BYTES[flags & 3]! + (contentSize === 0 && singleSegment ? 1 : contentSize)
}
