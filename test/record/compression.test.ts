/** Codecs: both ways, bounded, and clear about what is broken. */
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { Compression, COMPRESSION_NAMES, compress, decompress } from '../../src/record/index.js'
import { lz4Bound } from '../../src/record/lz4-frame.js'
import { zstdBound } from '../../src/record/zstd-frame.js'

const CODECS = [Compression.gzip, Compression.snappy, Compression.lz4, Compression.zstd]
const random = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (Math.imul(index, 2_654_435_761) >>> 13) & 255))
const samples = { empty: Buffer.alloc(0), short: Buffer.from('a'), zeros: Buffer.alloc(1_000_000), random }

for (const codec of CODECS) {
  const name = COMPRESSION_NAMES[codec]!
  test(`${name} gives back what it took`, async (t) => {
    for (const [what, bytes] of Object.entries(samples)) {
      const packed = await compress(codec, bytes)
      t.deepEqual(await decompress(codec, packed, bytes.length + 4 * 1024 * 1024), bytes, what)
    }
  })

  test(`${name} never gives more than is asked for`, async (t) => {
    const bomb = await compress(codec, Buffer.alloc(20_000_000))
    t.true(bomb.length < 1_200_000)
    t.deepEqual(await decompress(codec, bomb, 1_000_000), { flaw: 'too-large' })
  })

  test(`${name} says when bytes are broken`, async (t) => {
    const packed = await compress(codec, random)
    t.deepEqual(await decompress(codec, packed.subarray(0, packed.length - 5), 10_000_000), { flaw: 'broken' })
    t.deepEqual(await decompress(codec, Buffer.from('something else entirely'), 10_000_000), { flaw: 'broken' })
  })
}

test('snappy without the framing of Java clients is read too', async (t) => {
  const { compress: bare } = await import('snappy')
  t.deepEqual(await decompress(Compression.snappy, Buffer.from(await bare(random)), 1_000_000), random)
})

test('an unknown codec is called so', async (t) => {
  t.deepEqual(await decompress(7, Buffer.alloc(3), 10), { flaw: 'unknown-codec' })
})

test('gzip that ends early or goes on is not taken for whole', async (t) => {
  const packed = gzipSync(random)
  t.deepEqual(await decompress(Compression.gzip, packed.subarray(0, 100), 1_000_000), { flaw: 'broken' })
})

test('the bound of a frame is never below what it gives', async (t) => {
  for (const bytes of Object.values(samples)) {
    t.true(lz4Bound(await compress(Compression.lz4, bytes), Infinity) >= bytes.length)
    t.true(zstdBound(await compress(Compression.zstd, bytes), Infinity) >= bytes.length)
  }
})
