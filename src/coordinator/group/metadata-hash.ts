/**
 * The hash of what an assignment depends on but the members (KIP-1101), as Apache Kafka's coordinator computes it: it stands in the group's record, and
 * a group that is taken over, from Kafka or by it, is not assigned anew for another number.
 */
import { Buffer } from 'node:buffer'
import { xxh3 } from './xxh3.js'

/** The version of what is hashed. */
const MAGIC = 0
const FIXED_BYTES = 1 + 16 + 4 + 4

export interface HashedTopic {
  readonly name: string
  readonly id: string
  /** Of the replicas of each partition, as far as they are known, in any order. */
  readonly racks: readonly (readonly string[])[]
}

/** Signed, 64 bits. */
export function topicHash({ name, id, racks }: HashedTopic): bigint {
  const inRacks = racks.reduce((bytes, each) => bytes + 4 + each.reduce((sum, rack) => sum + 8 + rack.length * 2, 0), 0)
  const writer = new Hashed(FIXED_BYTES + name.length * 2 + inRacks)
  writer.byte(MAGIC)
  // Two numbers of 64 bits, each the other way round than an id is written.
  const bytes = Buffer.from(id, 'base64url')
  writer.reversed(bytes.subarray(0, 8))
  writer.reversed(bytes.subarray(8))
  writer.string(name)
  writer.int32(racks.length)
  for (const [partition, each] of racks.entries()) {
    writer.int32(partition)
    for (const rack of each.toSorted()) {
      writer.int32(rack.length)
      writer.string(rack)
    }
  }
  return writer.hash()
}

/** Of the topics that a group subscribes to and that exist, in the order of their names; 0: of none. */
export function groupHash(topics: readonly bigint[]): bigint {
  if (topics.length === 0) return 0n
  const writer = new Hashed(topics.length * 8)
  for (const hash of topics) writer.int64(hash)
  return writer.hash()
}

class Hashed {
  readonly #bytes: Buffer
  #at = 0

  constructor(length: number) {
    this.#bytes = Buffer.alloc(length)
  }

  byte(value: number): void {
    this.#at = this.#bytes.writeUInt8(value, this.#at)
  }

  int32(value: number): void {
    this.#at = this.#bytes.writeInt32LE(value, this.#at)
  }

  int64(value: bigint): void {
    this.#at = this.#bytes.writeBigInt64LE(value, this.#at)
  }

  reversed(bytes: Uint8Array): void {
    this.#bytes.set(bytes.toReversed(), this.#at)
    this.#at += bytes.length
  }

  /** Its characters of 16 bits, then how many they are. */
  string(text: string): void {
    this.#at += this.#bytes.write(text, this.#at, 'utf16le')
    this.int32(text.length)
  }

  hash(): bigint {
    return BigInt.asIntN(64, xxh3(this.#bytes))
  }
}
