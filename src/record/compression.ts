/**
 * The codecs of compressed batches. All run off the JavaScript thread, and none gives out more than it is allowed to: where a library can't be
 * told a limit, the frame is walked first and the most that it can expand to is computed from its block headers.
 *
 * The packages are loaded at their first use: a broker whose clients don't compress never pays for them.
 */
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { lz4Bound } from './lz4-frame.js'
import { snappyBlocks, XERIAL_BLOCK_BYTES, XERIAL_HEADER } from './snappy-framing.js'
import { zstdBound } from './zstd-frame.js'

export const Compression = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const
export const COMPRESSION_NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** Why bytes could not be decompressed: they are not what the codec expects, or more than the limit would come out. */
export interface CompressionFlaw {
  readonly flaw: 'broken' | 'too-large' | 'unknown-codec'
}

const require = createRequire(import.meta.url)
const BROKEN: CompressionFlaw = { flaw: 'broken' }
const TOO_LARGE: CompressionFlaw = { flaw: 'too-large' }
const UNKNOWN: CompressionFlaw = { flaw: 'unknown-codec' }

const gunzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip)
const gzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gzip)

/** The decompressed bytes, at most `maxBytes` of them, or why not. Never rejects. */
export async function decompress(type: number, bytes: Buffer, maxBytes: number): Promise<Buffer | CompressionFlaw> {
  try {
    switch (type) {
      case Compression.none:
        return bytes.length > maxBytes ? TOO_LARGE : bytes
      case Compression.gzip:
        return await gunzip(bytes, { maxOutputLength: Math.max(1, maxBytes) })
      case Compression.snappy:
        return await decompressSnappy(bytes, maxBytes)
      case Compression.lz4:
        return await decompressWhole(bytes, maxBytes, lz4Bound(bytes, maxBytes), (all) => lz4().decompressFrame(all))
      case Compression.zstd:
        return await decompressWhole(bytes, maxBytes, zstdBound(bytes, maxBytes), (all) => zstd().decompress(all))
      default:
        return UNKNOWN
    }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? TOO_LARGE : BROKEN
  }
}

/** `bytes` compressed as Kafka's own clients frame it. */
export async function compress(type: number, bytes: Buffer, level?: number): Promise<Buffer> {
  switch (type) {
    case Compression.none:
      return bytes
    case Compression.gzip:
      return gzip(bytes, level === undefined ? {} : { level })
    case Compression.snappy:
      return compressSnappy(bytes)
    case Compression.lz4:
      return lz4().compressFrame(bytes)
    case Compression.zstd:
      return zstd().compress(bytes, level)
    default:
      throw new RangeError(`no compression type ${type}`)
  }
}

async function decompressWhole(
  bytes: Buffer,
  maxBytes: number,
  bound: number,
  run: (bytes: Buffer) => Promise<Buffer>
): Promise<Buffer | CompressionFlaw> {
  if (bound < 0) return BROKEN
  if (bound > maxBytes) return TOO_LARGE
  const result = await run(bytes)
  return result.length > maxBytes ? TOO_LARGE : result
}

async function decompressSnappy(bytes: Buffer, maxBytes: number): Promise<Buffer | CompressionFlaw> {
  const blocks = snappyBlocks(bytes, maxBytes)
  if (!Array.isArray(blocks)) return blocks === 'broken' ? BROKEN : TOO_LARGE
  const { uncompress } = snappy()
  const parts: Buffer[] = []
  for (const block of blocks) parts.push((await uncompress(block)) as Buffer)
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

async function compressSnappy(bytes: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [XERIAL_HEADER]
  for (let at = 0; at < bytes.length; at += XERIAL_BLOCK_BYTES) {
    const block = await snappy().compress(bytes.subarray(at, at + XERIAL_BLOCK_BYTES))
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

function snappy(): typeof import('snappy') {
  return require('snappy') as typeof import('snappy')
}

function lz4(): typeof import('lz4-napi') {
  return require('lz4-napi') as typeof import('lz4-napi')
}

interface Zstd {
  compress(bytes: Buffer, level?: number): Promise<Buffer>
  decompress(bytes: Buffer): Promise<Buffer>
}

let zstdCodec: Zstd | undefined

// Node has zstd of its own from 22.15 on; before it, a package with prebuilt libraries does.
function zstd(): Zstd {
  if (zstdCodec !== undefined) return zstdCodec
  const own = zlib as unknown as { zstdCompress?: NodeZstd; zstdDecompress?: NodeZstd; constants: Record<string, number> }
  // The package's own face (1.2.2) drops the level; what lies behind it takes it.
  if (own.zstdCompress === undefined || own.zstdDecompress === undefined)
    return (zstdCodec = require('@mongodb-js/zstd/bindings.js') as Zstd)
  const pack = promisify(own.zstdCompress)
  const unpack = promisify(own.zstdDecompress)
  const levelKey = own.constants['ZSTD_c_compressionLevel']!
  return (zstdCodec = {
    compress: (bytes, level) => pack(bytes, level === undefined ? {} : { params: { [levelKey]: level } }),
    decompress: (bytes) => unpack(bytes, {})
  })
}

type NodeZstd = (bytes: Buffer, options: object, done: (error: Error | null, result: Buffer) => void) => void
