/** Judges what stands inside batches, and the indexes beside them, while the batches of a segment pass by once. */
import { batch, decompressedRecords, recordsOf, type DecodedBatch } from '../../record/index.js'
import { indexEntries, INDEX_ENTRY_BYTES, timeIndexEntries, TIME_ENTRY_BYTES } from './dump-index.js'
import type { FileFindings } from './findings.js'

/** What one batch may expand to. */
const MAX_DECOMPRESSED_BYTES = 512 * 1024 * 1024

/** Decompresses and walks the records: their number, offsets and timestamps must be what the header says. Returns what is wrong. */
export async function flawOfRecords(bytes: Buffer, header: DecodedBatch): Promise<string | undefined> {
  try {
    const payload = await decompressedRecords(bytes, header, MAX_DECOMPRESSED_BYTES)
    let before = header.baseOffset - 1
    let largest = batch.NO_TIMESTAMP
    for (const { offset, timestamp } of recordsOf(bytes, header, payload)) {
      if (offset <= before) return `the record at offset ${offset} does not come after ${before}`
      if (offset > header.lastOffset) return `the record at offset ${offset} lies behind the batch's last offset ${header.lastOffset}`
      before = offset
      largest = Math.max(largest, timestamp)
    }
    if (header.recordCount > 0 && largest > header.maxTimestamp)
      return `its records reach the timestamp ${largest}, its header says ${header.maxTimestamp}`
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** The offset index: each entry stands for a batch that begins at its position and ends in its offset; both rise. */
export class OffsetIndexCheck {
  readonly #entries: { offset: number; position: number }[] = []
  readonly #findings: FileFindings
  #at = 0

  /** `bytes`: of the file. Zeros at its end were allocated ahead. */
  constructor(bytes: Buffer, base: number, findings: FileFindings) {
    this.#findings = findings
    if (bytes.length % INDEX_ENTRY_BYTES !== 0) findings.damage(`${bytes.length} bytes are no whole entries of ${INDEX_ENTRY_BYTES}`)
    const used = usedBytes(bytes, INDEX_ENTRY_BYTES)
    let before = { offset: -1, position: -1 }
    for (const entry of indexEntries(used, base)) {
      if (entry.offset <= before.offset) findings.damage(`the offset ${entry.offset} does not rise above ${before.offset}`)
      else if (entry.position <= before.position) findings.damage(`the position ${entry.position} does not rise above ${before.position}`)
      else this.#entries.push(entry)
      if (entry.offset > before.offset) before = entry
    }
    if (used.length < bytes.length) findings.note(`${bytes.length - used.length} bytes are allocated and not used`)
  }

  get count(): number {
    return this.#entries.length
  }

  batch(position: number, lastOffset: number): void {
    for (; this.#at < this.#entries.length; this.#at++) {
      const entry = this.#entries[this.#at]!
      if (entry.position > position) return
      if (entry.position < position) this.#findings.damage(`no batch begins at ${entry.position}, where offset ${entry.offset} is to be`)
      else if (entry.offset !== lastOffset)
        this.#findings.damage(`the batch at ${position} ends in offset ${lastOffset}, not in ${entry.offset}`)
    }
  }

  end(): void {
    for (; this.#at < this.#entries.length; this.#at++) {
      const { position, offset } = this.#entries[this.#at]!
      this.#findings.damage(`no batch begins at ${position}, where offset ${offset} is to be`)
    }
    this.#findings.end()
  }
}

/** The time index: up to the offset of an entry, its timestamp is the largest. */
export class TimeIndexCheck {
  readonly #entries: { timestamp: number; offset: number }[] = []
  readonly #findings: FileFindings
  #at = 0
  #largest = -1

  constructor(bytes: Buffer, base: number, findings: FileFindings) {
    this.#findings = findings
    if (bytes.length % TIME_ENTRY_BYTES !== 0) findings.damage(`${bytes.length} bytes are no whole entries of ${TIME_ENTRY_BYTES}`)
    const used = usedBytes(bytes, TIME_ENTRY_BYTES)
    let before = { timestamp: -1, offset: -1 }
    for (const entry of timeIndexEntries(used, base)) {
      if (entry.timestamp <= before.timestamp) findings.damage(`the timestamp ${entry.timestamp} does not rise above ${before.timestamp}`)
      else if (entry.offset < before.offset) findings.damage(`the offset ${entry.offset} falls below ${before.offset}`)
      else this.#entries.push(entry)
      if (entry.timestamp > before.timestamp) before = entry
    }
    if (used.length < bytes.length) findings.note(`${bytes.length - used.length} bytes are allocated and not used`)
  }

  get count(): number {
    return this.#entries.length
  }

  batch(baseOffset: number, maxTimestamp: number): void {
    this.#judge(baseOffset)
    this.#largest = Math.max(this.#largest, maxTimestamp)
  }

  end(): void {
    this.#judge(Number.POSITIVE_INFINITY)
    this.#findings.end()
  }

  // Entries whose batches have all passed: of offsets below `baseOffset`.
  #judge(baseOffset: number): void {
    for (; this.#at < this.#entries.length && this.#entries[this.#at]!.offset < baseOffset; this.#at++) {
      const { timestamp, offset } = this.#entries[this.#at]!
      if (timestamp !== this.#largest)
        this.#findings.damage(`up to offset ${offset} the largest timestamp is ${this.#largest}, not ${timestamp}`)
    }
  }
}

/** Without the zeros at the end, but whole entries: the first may be all zeros and true (offset 0 of the segment, position 0). */
function usedBytes(bytes: Buffer, entry: number): Buffer {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  const whole = Math.ceil(end / entry) * entry
  return bytes.subarray(0, Math.min(bytes.length, end === 0 && bytes.length === entry ? entry : whole))
}
