/**
 * Walks the bytes of a segment file, whatever they are: whole sound batches, and in between what is none. By itself, for tools that judge what
 * the engine wrote: it shares no code with the engine's own scan. Memory is bounded, whatever lengths the file claims.
 */
import * as batch from '../../record/batch.js'
import { crc32c } from '../../record/crc32c.js'
import { FileWindow } from './file-window.js'

/** Larger batches are checked, but their records are not looked into. */
const MAX_HELD_BYTES = 128 * 1024 * 1024
const SEARCH_BYTES = 1024 * 1024
const MAX_INT32 = 0x7fffffff
const ZEROS = Buffer.alloc(SEARCH_BYTES)

export interface SoundBatch {
  readonly kind: 'batch'
  readonly position: number
  readonly size: number
  /** The 61 bytes of the header; valid until the next piece. */
  readonly header: Buffer
  /** The whole batch; undefined when it is too large to be held. Valid until the next piece. */
  readonly bytes: Buffer | undefined
}

export interface BadBytes {
  readonly kind: 'bad'
  readonly from: number
  readonly to: number
  readonly reason: string
  /** Nothing sound follows in the file. */
  readonly tail: boolean
  /** All of it is zeros: allocated, never written. */
  readonly zeros: boolean
}

export type Piece = SoundBatch | BadBytes

/** `base`: of the segment. Pieces in the order of the file, without gaps. */
export async function* walkSegment(window: FileWindow, base: number): AsyncGenerator<Piece> {
  let next = base
  for (let position = 0; position < window.end;) {
    const header = Buffer.from(await window.at(position, batch.BATCH_OVERHEAD))
    let reason = flawOf(header, window.end - position, base, next)
    const size = reason === undefined ? batch.sizeInBytes(header, 0) : 0
    if (reason === undefined && (await crcOf(window, position, size)) !== batch.crc(header, 0)) reason = 'its CRC does not match its bytes'
    if (reason === undefined) {
      const bytes = size <= MAX_HELD_BYTES ? await window.at(position, size) : undefined
      yield { kind: 'batch', position, size, header, bytes }
      next = batch.lastOffset(header, 0) + 1
      position += size
      continue
    }
    const to = await soundAgain(window, position, size, base, next)
    yield { kind: 'bad', from: position, to, reason, tail: to === window.end, zeros: await isZeros(window, position, to) }
    position = to
  }
}

/** Why a header can't be that of a batch here; undefined: it may be. `left`: bytes of the file from it on. */
function flawOf(header: Buffer, left: number, base: number, next: number): string | undefined {
  if (header.length < batch.LOG_OVERHEAD) return `${left} bytes are too few for a batch`
  const size = batch.sizeInBytes(header, 0)
  if (header.length > batch.At.magic && batch.batchLength(header, 0) >= 14) {
    const magic = batch.magic(header, 0)
    if (magic === 0 || magic === 1) return `message format v${magic}, which is no longer written`
    if (magic !== batch.CURRENT_MAGIC) return `${magic} is no magic number`
  }
  if (size < batch.BATCH_OVERHEAD) return `it claims ${size} bytes`
  if (size > left) return `it claims ${size} bytes, the file has ${left} more`
  const first = batch.baseOffset(header, 0)
  const delta = batch.lastOffsetDelta(header, 0)
  const count = batch.recordCount(header, 0)
  if (first < next) return `it begins at offset ${first}, before ${next}`
  if (delta < 0 || first + delta - base > MAX_INT32) return `it claims to end ${delta} offsets behind ${first}`
  if (count < 0 || count > delta + 1) return `it claims ${count} records in ${delta + 1} offsets`
  return undefined
}

async function crcOf(window: FileWindow, position: number, size: number): Promise<number> {
  let crc = 0
  for await (const piece of window.pieces(position + batch.At.attributes, position + size)) crc = crc32c(piece, crc)
  return crc
}

/** Where the next sound batch begins; the end of the file when there is none. `size`: of the bad batch where its length may be true, else 0. */
async function soundAgain(window: FileWindow, bad: number, size: number, base: number, next: number): Promise<number> {
  // Most often only the inside of one batch is bad.
  if (size > 0 && (bad + size === window.end || (await soundAt(window, bad + size, base, next)))) return bad + size
  for (let from = bad + 1; from + batch.BATCH_OVERHEAD <= window.end; from += SEARCH_BYTES) {
    const bytes = Buffer.from(await window.at(from, SEARCH_BYTES + batch.BATCH_OVERHEAD - 1))
    const last = Math.min(SEARCH_BYTES, bytes.length - batch.BATCH_OVERHEAD + 1)
    for (let at = 0; at < last; at++) {
      // Cheap first: the magic number, and an offset below 2^48.
      if (bytes[at + batch.At.magic] !== batch.CURRENT_MAGIC || bytes[at] !== 0 || bytes[at + 1] !== 0) continue
      if (await soundAt(window, from + at, base, next)) return from + at
    }
  }
  return window.end
}

/** Whether a sound batch begins at or behind `from`. `base`: of the segment; `next`: the first offset that it may have. */
export async function hasSoundBatch(file: string, from: number, base: number, next: number): Promise<boolean> {
  const window = await FileWindow.open(file)
  try {
    return (await soundAgain(window, from - 1, 0, base, next)) < window.end
  } finally {
    await window.close()
  }
}

async function soundAt(window: FileWindow, position: number, base: number, next: number): Promise<boolean> {
  const header = Buffer.from(await window.at(position, batch.BATCH_OVERHEAD))
  if (flawOf(header, window.end - position, base, next) !== undefined) return false
  return (await crcOf(window, position, batch.sizeInBytes(header, 0))) === batch.crc(header, 0)
}

async function isZeros(window: FileWindow, from: number, to: number): Promise<boolean> {
  for await (const piece of window.pieces(from, to)) if (!piece.equals(ZEROS.subarray(0, piece.length))) return false
  return true
}
