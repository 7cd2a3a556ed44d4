/**
 * Snappy as Java clients frame it (the xerial stream): a 16-byte header, then blocks with an int32 length each. Other clients send one bare
 * block, which begins with its decompressed length.
 */

/** Magic, version 1, oldest compatible version 1. */
export const XERIAL_HEADER = Buffer.from('82534e41505059000000000100000001', 'hex')
/** What the Java library puts into a block. */
export const XERIAL_BLOCK_BYTES = 32 * 1024

const MAGIC_BYTES = 8

/** The bare blocks of a stream, or why there are none. What they claim to expand to is at most `maxBytes` in all. */
export function snappyBlocks(bytes: Buffer, maxBytes: number): Buffer[] | 'broken' | 'too-large' {
  if (!XERIAL_HEADER.subarray(0, MAGIC_BYTES).equals(bytes.subarray(0, MAGIC_BYTES))) {
    const expanded = expandedBytes(bytes)
    if (expanded < 0) return 'broken'
    return expanded > maxBytes ? 'too-large' : [bytes]
  }
  if (bytes.length < XERIAL_HEADER.length) return 'broken'
  const blocks: Buffer[] = []
  let total = 0
  for (let at = XERIAL_HEADER.length; at < bytes.length;) {
    if (bytes.length - at < 4) return 'broken'
    const length = bytes.readInt32BE(at)
    at += 4
    if (length <= 0 || length > bytes.length - at) return 'broken'
    const block = bytes.subarray(at, at + length)
    const expanded = expandedBytes(block)
    if (expanded < 0) return 'broken'
    total += expanded
    if (total > maxBytes) return 'too-large'
    blocks.push(block)
    at += length
  }
  return blocks
}

// The preamble of a block: its decompressed length, a base-128 number of up to 32 bits. The decoder refuses a block that gives another.
function expandedBytes(block: Buffer): number {
  let value = 0
  for (let index = 0; index < 5 && index < block.length; index++) {
    const byte = block[index]!
    value += (byte & 127) * 2 ** (7 * index)
    if (byte < 128) return value > 0xffffffff ? -1 : value
  }
  return -1
}
