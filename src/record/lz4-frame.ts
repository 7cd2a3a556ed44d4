/** The outside of an LZ4 frame: enough to know how much it can expand to before a byte is decompressed. */

const MAGIC = 0x184d2204
const BLOCK_BYTES = [0, 0, 0, 0, 64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024] as const
const UNCOMPRESSED = 0x8000_0000
/** One byte of a compressed block stands for at most so many. */
const MOST_EXPANSION = 255

const Flag = { dictionary: 0x01, contentChecksum: 0x04, contentSize: 0x08, blockChecksum: 0x10 } as const

/**
 * The most bytes that the one frame in `bytes` can give; -1 when it is no whole LZ4 frame. Stops early, above `enough`, once that is passed.
 */
export function lz4Bound(bytes: Buffer, enough: number): number {
  if (bytes.length < 11 || bytes.readUInt32LE(0) !== MAGIC) return -1
  const flags = bytes[4]!
  if (flags >> 6 !== 1) return -1
  const blockBytes = BLOCK_BYTES[(bytes[5]! >> 4) & 7]!
  if (blockBytes === 0) return -1
  let at = 7 + ((flags & Flag.contentSize) !== 0 ? 8 : 0) + ((flags & Flag.dictionary) !== 0 ? 4 : 0)
  let bound = 0
  for (;;) {
    if (bytes.length - at < 4) return -1
    const word = bytes.readUInt32LE(at)
    at += 4
    if (word === 0) break
    const size = word % UNCOMPRESSED
    if (size > blockBytes) return -1
    bound += word >= UNCOMPRESSED ? size : Math.min(blockBytes, size * MOST_EXPANSION)
    if (bound > enough) return bound
    at += size + ((flags & Flag.blockChecksum) !== 0 ? 4 : 0)
  }
  if ((flags & Flag.contentChecksum) !== 0) at += 4
  return at === bytes.length ? bound : -1
}
