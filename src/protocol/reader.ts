/**
 * Reads the wire types of the Kafka protocol from a range of a buffer. Every read is checked against the end of the range; what does not fit
 * is a WireError. Strings and bytes are copied out, `records` are a view: the frame they lie in must outlive them.
 *
 * int64 is a JavaScript number, exact to 2^53 - 1; beyond that it is rounded. No offset, timestamp or producer id of a real log comes near.
 */
import { WireError } from '../errors.js'

/** Kafka's reader refuses more. */
const MAX_ARRAY_LENGTH = 1_000_000
const MAX_TAGS = 10_000
/** The compact form could say more; Kafka refuses it there, too. */
const MAX_STRING_BYTES = 0x7fff
const HIGH = 0x1_0000_0000

/** No id: topics before KIP-516, directories that are not known. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

interface Slab extends Buffer {
  utf8Slice(start: number, end: number): string
}

const views = new WeakMap<Buffer, DataView>()
const NOTHING = Buffer.alloc(0) as unknown as Slab
const NO_VIEW = new DataView(NOTHING.buffer)

export class Reader {
  #buffer = NOTHING
  #view = NO_VIEW
  #at = 0
  #end = 0

  constructor(buffer?: Buffer, start = 0, end = buffer?.length ?? 0) {
    if (buffer !== undefined) this.reset(buffer, start, end)
  }

  /** Starts anew on `buffer[start, end)`. */
  reset(buffer: Buffer, start = 0, end = buffer.length): this {
    if (buffer !== this.#buffer) {
      let view = views.get(buffer)
      // A slab whose memory was given back has a detached view.
      if (view === undefined) views.set(buffer, (view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)))
      this.#buffer = buffer as Slab
      this.#view = view
    }
    this.#at = start
    this.#end = end
    return this
  }

  get position(): number {
    return this.#at
  }

  get remaining(): number {
    return this.#end - this.#at
  }

  int8(): number {
    return this.#view.getInt8(this.#take(1))
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  bool(): boolean {
    return this.#view.getUint8(this.#take(1)) !== 0
  }

  int16(): number {
    return this.#view.getInt16(this.#take(2))
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2))
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4))
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  int64(): number {
    const at = this.#take(8)
    return this.#view.getInt32(at) * HIGH + this.#view.getUint32(at + 4)
  }

  /** The exact value, for those few that need all 64 bits. */
  bigint64(): bigint {
    return this.#view.getBigInt64(this.#take(8))
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8))
  }

  /** 16 bytes in Kafka's text form: base64url without padding. */
  uuid(): string {
    const at = this.#take(16)
    return this.#buffer.toString('base64url', at, at + 16)
  }

  /** At most 5 bytes; the value is below 2^32. */
  uvarint(): number {
    let value = 0
    let factor = 1
    for (let n = 0; n < 5; n++) {
      const byte = this.uint8()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) {
        if (value >= HIGH) break
        return value
      }
      factor *= 128
    }
    throw new WireError('a varint is longer than 32 bits')
  }

  string(): string {
    return this.#nonNull(this.nullableString(), 'string')
  }

  nullableString(): string | null {
    return this.#text(this.int16())
  }

  compactString(): string {
    return this.#nonNull(this.compactNullableString(), 'string')
  }

  compactNullableString(): string | null {
    return this.#text(this.uvarint() - 1)
  }

  bytes(): Buffer {
    return this.#nonNull(this.nullableBytes(), 'bytes')
  }

  nullableBytes(): Buffer | null {
    return this.#copy(this.int32())
  }

  compactBytes(): Buffer {
    return this.#nonNull(this.compactNullableBytes(), 'bytes')
  }

  compactNullableBytes(): Buffer | null {
    return this.#copy(this.uvarint() - 1)
  }

  records(): Uint8Array {
    return this.#nonNull(this.nullableRecords(), 'records')
  }

  nullableRecords(): Uint8Array | null {
    return this.#slice(this.int32())
  }

  compactRecords(): Uint8Array {
    return this.#nonNull(this.compactNullableRecords(), 'records')
  }

  compactNullableRecords(): Uint8Array | null {
    return this.#slice(this.uvarint() - 1)
  }

  /** The number of elements of an array, -1 for null. More than could fit into what is left, `minBytes` each, is refused before anything is allocated. */
  count(minBytes: number): number {
    return this.#checkCount(this.int32(), minBytes)
  }

  compactCount(minBytes: number): number {
    return this.#checkCount(this.uvarint() - 1, minBytes)
  }

  tagCount(): number {
    const count = this.uvarint()
    if (count > MAX_TAGS) throw new WireError(`${count} tagged fields; at most ${MAX_TAGS} are allowed`)
    return count
  }

  /** The tag of the next tagged field. Tags must rise. */
  tag(previous: number): number {
    const tag = this.uvarint()
    if (tag <= previous) throw new WireError(`tag ${tag} follows tag ${previous}`)
    return tag
  }

  skip(bytes: number): void {
    this.#take(bytes)
  }

  /** Skips tagged fields, all of them unknown. */
  skipTags(): void {
    const count = this.tagCount()
    for (let n = 0, previous = -1; n < count; n++) {
      previous = this.tag(previous)
      this.#take(this.uvarint())
    }
  }

  /** Whether a nullable struct is there. */
  present(): boolean {
    const mark = this.int8()
    if (mark !== 1 && mark !== -1) throw new WireError(`${mark} marks neither a struct nor null`)
    return mark === 1
  }

  /** The same of a struct in a tagged field: Kafka marks it there by an unsigned number, 0 for null. */
  presentInTag(): boolean {
    const mark = this.uvarint()
    if (mark > 1) throw new WireError(`${mark} marks neither a struct nor null`)
    return mark === 1
  }

  /** A tagged field must fill the size it claims. */
  expectEnd(position: number): void {
    if (this.#at !== position) throw new WireError('a tagged field is not as long as it says')
  }

  isNull(what: string): never {
    throw new WireError(`${what} must not be null`)
  }

  #take(bytes: number): number {
    const at = this.#at
    if (bytes > this.#end - at) throw new WireError(`${bytes} bytes are needed where ${this.#end - at} are left`)
    this.#at = at + bytes
    return at
  }

  #text(length: number): string | null {
    if (length < 0) return this.#nullLength(length)
    if (length > MAX_STRING_BYTES) throw new WireError(`a string of ${length} bytes; at most ${MAX_STRING_BYTES} are allowed`)
    const at = this.#take(length)
    const text = this.#buffer.utf8Slice(at, at + length)
    // Bytes that are no UTF-8 become U+FFFD, three bytes each: an answer that repeats the text must be able to hold it.
    if (length > MAX_STRING_BYTES / 3 && Buffer.byteLength(text) > MAX_STRING_BYTES) throw new WireError('a string that is not UTF-8')
    return text
  }

  #copy(length: number): Buffer | null {
    if (length < 0) return this.#nullLength(length)
    const at = this.#take(length)
    return Buffer.from(this.#buffer.subarray(at, at + length))
  }

  #slice(length: number): Uint8Array | null {
    if (length < 0) return this.#nullLength(length)
    const at = this.#take(length)
    return this.#buffer.subarray(at, at + length)
  }

  #nullLength(length: number): null {
    if (length !== -1) throw new WireError(`${length} is not a length`)
    return null
  }

  #nonNull<T>(value: T | null, what: string): T {
    return value ?? this.isNull(what)
  }

  #checkCount(count: number, minBytes: number): number {
    if (count < 0) return count === -1 ? -1 : (this.#nullLength(count) ?? -1)
    if (count > MAX_ARRAY_LENGTH || count * minBytes > this.#end - this.#at) {
      throw new WireError(`an array of ${count} elements where ${this.#end - this.#at} bytes are left`)
    }
    return count
  }
}
