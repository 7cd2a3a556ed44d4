/**
 * XXH3, 64 bits, seed 0, after its specification (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). Kafka's group coordinator stores such hashes of
 * topics (KIP-1101). BigInt makes it slow, 15 us for the topic of one partition, which is no matter: a topic is hashed once for each change of it.
 */
import { Buffer } from 'node:buffer'

const SECRET = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c' +
    '3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364' +
    'eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex'
)
const SHORT_1 = 0x9e3779b1n
const SHORT_2 = 0x85ebca77n
const SHORT_3 = 0xc2b2ae3dn
const LONG_1 = 0x9e3779b185ebca87n
const LONG_2 = 0xc2b2ae3d27d4eb4fn
const LONG_3 = 0x165667b19e3779f9n
const LONG_4 = 0x85ebca77c2b2ae63n
const LONG_5 = 0x27d4eb2f165667c5n
const MIX_1 = 0x165667919e3779f9n
const MIX_2 = 0x9fb21c651e98df25n
const HALF = 0xffffffffn

const LANES = 8
const STRIPE = 64
const STRIPES_OF_BLOCK = 16
const LAST_SECRET = 192 - STRIPE

function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value)
}

function secret(at: number): bigint {
  return SECRET.readBigUInt64LE(at)
}

/** The product of 128 bits, its halves folded into one. */
function folded(a: bigint, b: bigint): bigint {
  const product = a * b
  return u64(product) ^ (product >> 64n)
}

function rotated(value: bigint, bits: bigint): bigint {
  return u64((value << bits) | (value >> (64n - bits)))
}

function avalanche(value: bigint): bigint {
  const mixed = u64((value ^ (value >> 37n)) * MIX_1)
  return mixed ^ (mixed >> 32n)
}

/** That of XXH64. */
function olderAvalanche(value: bigint): bigint {
  let mixed = u64((value ^ (value >> 33n)) * LONG_2)
  mixed = u64((mixed ^ (mixed >> 29n)) * LONG_3)
  return mixed ^ (mixed >> 32n)
}

/** As an unsigned number. */
export function xxh3(input: Buffer): bigint {
  const { length } = input
  if (length > 240) return ofMany(input)
  if (length > 128) return upTo240(input)
  if (length > 16) return upTo128(input)
  if (length > 8) return upTo16(input)
  if (length > 3) return upTo8(input)
  if (length > 0) return upTo3(input)
  return olderAvalanche(secret(56) ^ secret(64))
}

function upTo3(input: Buffer): bigint {
  const { length } = input
  const bytes = ((input[0]! << 16) | (input[length >> 1]! << 24) | input[length - 1]! | (length << 8)) >>> 0
  return olderAvalanche(BigInt((bytes ^ SECRET.readUInt32LE(0) ^ SECRET.readUInt32LE(4)) >>> 0))
}

function upTo8(input: Buffer): bigint {
  const both = (BigInt(input.readUInt32LE(0)) << 32n) + BigInt(input.readUInt32LE(input.length - 4))
  let mixed = both ^ secret(8) ^ secret(16)
  mixed ^= rotated(mixed, 49n) ^ rotated(mixed, 24n)
  mixed = u64(mixed * MIX_2)
  mixed ^= u64((mixed >> 35n) + BigInt(input.length))
  mixed = u64(mixed * MIX_2)
  return mixed ^ (mixed >> 28n)
}

function upTo16(input: Buffer): bigint {
  const low = input.readBigUInt64LE(0) ^ secret(24) ^ secret(32)
  const high = input.readBigUInt64LE(input.length - 8) ^ secret(40) ^ secret(48)
  const swapped = Buffer.alloc(8)
  swapped.writeBigUInt64LE(low)
  return avalanche(u64(BigInt(input.length) + swapped.readBigUInt64BE(0) + high + folded(low, high)))
}

function mixed16(input: Buffer, at: number, secretAt: number): bigint {
  return folded(input.readBigUInt64LE(at) ^ secret(secretAt), input.readBigUInt64LE(at + 8) ^ secret(secretAt + 8))
}

function upTo128(input: Buffer): bigint {
  const { length } = input
  let sum = BigInt(length) * LONG_1
  // From the middle outwards, from both ends of the input.
  for (let at = 16 * Math.floor((length - 1) / 32); at >= 0; at -= 16) {
    sum += mixed16(input, at, at * 2) + mixed16(input, length - 16 - at, at * 2 + 16)
  }
  return avalanche(u64(sum))
}

function upTo240(input: Buffer): bigint {
  const { length } = input
  let sum = BigInt(length) * LONG_1
  for (let at = 0; at < 128; at += 16) sum += mixed16(input, at, at)
  sum = avalanche(u64(sum))
  for (let at = 128; at + 16 <= length; at += 16) sum += mixed16(input, at, at - 128 + 3)
  return avalanche(u64(sum + mixed16(input, length - 16, 136 - 17)))
}

function ofMany(input: Buffer): bigint {
  const { length } = input
  const sums = [SHORT_3, LONG_1, LONG_2, LONG_3, LONG_4, SHORT_2, LONG_5, SHORT_1]
  const lastStripe = length - 1 - ((length - 1) % STRIPE)
  for (let at = 0, inBlock = 0; at < lastStripe; at += STRIPE) {
    addStripe(sums, input, at, inBlock * 8)
    if (++inBlock < STRIPES_OF_BLOCK) continue
    inBlock = 0
    scramble(sums)
  }
  addStripe(sums, input, length - STRIPE, LAST_SECRET - 7)
  let result = BigInt(length) * LONG_1
  for (let lane = 0; lane < LANES; lane += 2) result += folded(sums[lane]! ^ secret(11 + lane * 8), sums[lane + 1]! ^ secret(19 + lane * 8))
  return avalanche(u64(result))
}

function addStripe(sums: bigint[], input: Buffer, at: number, secretAt: number): void {
  for (let lane = 0; lane < LANES; lane++) {
    const data = input.readBigUInt64LE(at + lane * 8)
    const key = data ^ secret(secretAt + lane * 8)
    sums[lane ^ 1] = u64(sums[lane ^ 1]! + data)
    sums[lane] = u64(sums[lane]! + (key & HALF) * (key >> 32n))
  }
}

function scramble(sums: bigint[]): void {
  for (let lane = 0; lane < LANES; lane++) {
    const sum = sums[lane]!
    sums[lane] = u64((sum ^ (sum >> 47n) ^ secret(LAST_SECRET + lane * 8)) * SHORT_1)
  }
}
