/**
 * The aborted transactions of one segment: `.txnindex`, in Apache Kafka's format. An entry stands in the segment that holds the abort marker,
 * whatever segments the transaction's records are in.
 *
 *   entries of 34 bytes: int16 version 0 · int64 producer id · int64 first offset of the transaction · int64 offset of its marker · int64 last stable offset
 *
 * An entry is known to readers as soon as `append` has returned; the file follows on the threads of node:fs, in order. What a crash keeps from
 * it recovery finds again: the recovery point moves only behind `write` and `sync`. There is no file as long as nothing was aborted.
 */
import { strict as assert } from 'node:assert'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { StorageError } from '../errors.js'
import { readInt64, writeInt64 } from '../record/batch.js'
import { isMissing, openFile, readFile, removeFile, storageError, writeFlushed } from './files.js'

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Of the marker. */
  readonly lastOffset: number
  /** Once the marker was written: every transaction that begins below it is decided. */
  readonly lastStableOffset: number
}

export interface AbortedSearch {
  readonly transactions: readonly AbortedTransaction[]
  /** No later segment can tell of another one. */
  readonly complete: boolean
}

export const TRANSACTION_ENTRY_BYTES = 34
const VERSION = 0
const LAST_OFFSET_AT = 18
/** More than this is given back to the garbage collector between look-ups, when it is in the file. */
const KEPT_BYTES = 64 * 1024
const NONE: AbortedSearch = { transactions: [], complete: false }
const EMPTY = Buffer.alloc(0)

export function writeTransactionEntry(into: Buffer, at: number, entry: AbortedTransaction): void {
  into.writeInt16BE(VERSION, at)
  writeInt64(into, entry.producerId, at + 2)
  writeInt64(into, entry.firstOffset, at + 10)
  writeInt64(into, entry.lastOffset, at + LAST_OFFSET_AT)
  writeInt64(into, entry.lastStableOffset, at + 26)
}

export function readTransactionEntry(from: Buffer, at: number): AbortedTransaction {
  return {
    producerId: readInt64(from, at + 2),
    firstOffset: readInt64(from, at + 10),
    lastOffset: readInt64(from, at + LAST_OFFSET_AT),
    lastStableOffset: readInt64(from, at + 26)
  }
}

/** What is wrong with the bytes of a file, whose segment begins at `startOffset`; undefined: nothing. */
export function transactionIndexFlaw(bytes: Buffer, startOffset: number): string | undefined {
  let before = startOffset - 1
  for (let at = 0; at + TRANSACTION_ENTRY_BYTES <= bytes.length; at += TRANSACTION_ENTRY_BYTES) {
    const version = bytes.readInt16BE(at)
    if (version !== VERSION) return `the entry at byte ${at} has the unknown version ${version}`
    const { firstOffset, lastOffset } = readTransactionEntry(bytes, at)
    if (lastOffset <= before) return `the marker of the entry at byte ${at} is at offset ${lastOffset}, not above ${before}`
    // A transaction that wrote nothing has no entry. One of zeros is what a power cut leaves where the size of the file came to the disk and its bytes did not.
    if (firstOffset < 0 || firstOffset >= lastOffset)
      return `the entry at byte ${at} ends at ${lastOffset}, at or before its start ${firstOffset}`
    before = lastOffset
  }
  const torn = bytes.length % TRANSACTION_ENTRY_BYTES
  return torn === 0 ? undefined : `it ends in ${torn} bytes that are no whole entry`
}

export class TransactionIndex {
  readonly #file: () => string
  readonly #startOffset: number
  // Entries: those of the file and those on their way. Undefined: in the file only, or (with #weak) perhaps still in memory.
  #bytes: Buffer | undefined
  #weak: WeakRef<Buffer> | undefined
  /** Bytes of entries; undefined: the file was not looked at. */
  #length: number | undefined
  /** Bytes at the front of the file that are as they should be. */
  #written = 0
  /** The file must become as short as this before more is written. */
  #cutTo = Infinity
  #synced = true
  #created = false
  #writing: Promise<void> | undefined
  #loading: Promise<Buffer> | undefined

  /** `file`: its path now. `isNew`: there is none yet; else it is read when it is first needed, and may be missing. */
  constructor(file: () => string, startOffset: number, isNew: boolean) {
    this.#file = file
    this.#startOffset = startOffset
    if (!isNew) return
    this.#bytes = EMPTY
    this.#length = 0
  }

  /** Something of it is not known to be on the disk: bytes, or the file's name, of which `write` tells. */
  get dirty(): boolean {
    return !this.#synced || this.#created || this.#behind()
  }

  /** It is known that there is no entry. */
  get isEmpty(): boolean {
    return this.#length === 0
  }

  /** There is no file: it need not be looked for. */
  markMissing(): void {
    if (this.#length === undefined) [this.#bytes, this.#length] = [EMPTY, 0]
  }

  /** The index must be `ready`. Offsets of markers rise. The entry is written to the file soon; `write` waits for that. */
  append(entry: AbortedTransaction): void {
    const length = this.#length
    assert(length !== undefined && this.#bytes !== undefined, 'a transaction index is loaded before it is appended to')
    assert(entry.lastOffset > this.#lastOffset(), 'aborted transactions are appended in the order of their markers')
    const end = length + TRANSACTION_ENTRY_BYTES
    if (end > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(4 * TRANSACTION_ENTRY_BYTES, 2 * this.#bytes.length))
      this.#bytes.copy(larger, 0, 0, length)
      this.#bytes = larger
    }
    writeTransactionEntry(this.#bytes, length, entry)
    this.#length = end
    this.#synced = false
    this.#writeSoon()
  }

  /** Loads what is in the file, so that it can be appended to. Rejects with a StorageError, EBADMSG when the file is broken. */
  async ready(): Promise<void> {
    this.#bytes = await this.#load()
  }

  /** Loaded, and kept in memory: `append` may be called. */
  get isReady(): boolean {
    return this.#bytes !== undefined
  }

  /**
   * The aborted transactions with a record in [from, to) whose markers are in this segment, in the order of the markers. Markers below `from`
   * are not looked at, nor those behind the first by which everything below `to` was decided. Rejects with a StorageError.
   */
  collect(from: number, to: number): AbortedSearch | Promise<AbortedSearch> {
    if (this.#length === 0) return NONE
    const bytes = this.#inMemory()
    return bytes === undefined ? this.#load().then((loaded) => this.#collect(loaded, from, to)) : this.#collect(bytes, from, to)
  }

  /** As `append`, of an entry that may be there already. Loads the index. Rejects with a StorageError. */
  async appendMissing(entry: AbortedTransaction): Promise<void> {
    await this.ready()
    if (entry.lastOffset > this.#lastOffset()) this.append(entry)
  }

  /** All entries. Rejects with a StorageError. */
  async all(): Promise<AbortedTransaction[]> {
    const bytes = this.#inMemory() ?? (await this.#load())
    return Array.from({ length: this.#length! / TRANSACTION_ENTRY_BYTES }, (_, index) =>
      readTransactionEntry(bytes, index * TRANSACTION_ENTRY_BYTES)
    )
  }

  /** Removes the entries whose markers are at `offset` or behind it: at once for readers, soon in the file. The index must be `ready`. */
  truncateTo(offset: number): void {
    if (this.#length === 0) return
    assert(this.#bytes !== undefined, 'a transaction index is loaded before it is cut')
    const keep = this.#firstFrom(this.#bytes, offset) * TRANSACTION_ENTRY_BYTES
    if (keep < this.#length!) this.#cut(keep)
  }

  /** What a process that was killed has left of it, a cut too, may be in the page cache alone: the next flush takes it to the disk. */
  noteUnsynced(): void {
    if (this.#length !== 0) this.#synced = false
  }

  /** Removes all entries, whatever the file holds. */
  reset(): void {
    if (this.#length === 0 && this.#written === 0) return
    this.#bytes = EMPTY
    this.#cut(0)
  }

  /** What is wrong with the file; undefined: nothing. Rejects with a StorageError when it can't be read. */
  async check(): Promise<string | undefined> {
    try {
      if (this.#length === undefined) await this.#load()
      return undefined
    } catch (error) {
      if (error instanceof StorageError && error.code === 'EBADMSG') return error.message
      throw error
    }
  }

  /** Resolves when all is in the file: to whether a file was created by it since the last time. Rejects with a StorageError: the next call tries again. */
  async write(): Promise<boolean> {
    for (;;) {
      await this.#writing?.catch(() => undefined)
      if (!this.#behind()) break
      await (this.#writing ??= this.#writeAll())
    }
    const created = this.#created
    this.#created = false
    return created
  }

  /** Makes what is in the file durable; `write` comes first. Rejects with a StorageError: what is on the disk then is not known. */
  async sync(): Promise<void> {
    if (this.#synced) return
    const file = this.#file()
    this.#synced = true
    try {
      const handle = await openFile(file)
      try {
        await handle.datasync()
      } finally {
        await handle.close()
      }
    } catch (error) {
      // Nothing is in it yet: the entry that is on its way is not synced, and its writing tells so.
      if (isMissing(error) && this.#written === 0) return
      this.#synced = false
      // Its first entry came after `write`, and is not in a file yet: perhaps because the disk is full.
      if (isMissing(error) && this.#written === 0) return
      throw storageError(error, file)
    }
  }

  /** Resolves when nothing is on its way to the file, whether it got there or not. */
  async settle(): Promise<void> {
    while (this.#writing) await this.#writing.catch(() => undefined)
  }

  /** Nothing more will be appended: a large one needs not stay in memory once it is written. */
  release(): void {
    if (this.#bytes === undefined || this.#length! <= KEPT_BYTES || this.#behind() || this.#writing) return
    this.#weak = new WeakRef(this.#bytes)
    this.#bytes = undefined
  }

  #inMemory(): Buffer | undefined {
    return this.#bytes ?? this.#weak?.deref()
  }

  #lastOffset(): number {
    return this.#length === 0 ? -1 : readInt64(this.#bytes!, this.#length! - TRANSACTION_ENTRY_BYTES + LAST_OFFSET_AT)
  }

  #collect(bytes: Buffer, from: number, to: number): AbortedSearch {
    const transactions: AbortedTransaction[] = []
    const length = this.#length!
    for (let at = this.#firstFrom(bytes, from) * TRANSACTION_ENTRY_BYTES; at < length; at += TRANSACTION_ENTRY_BYTES) {
      const entry = readTransactionEntry(bytes, at)
      if (entry.firstOffset < to) transactions.push(entry)
      if (entry.lastStableOffset >= to) return { transactions, complete: true }
    }
    return transactions.length === 0 ? NONE : { transactions, complete: false }
  }

  /** The index of the first entry whose marker is at `offset` or behind it. */
  #firstFrom(bytes: Buffer, offset: number): number {
    let low = 0
    let high = this.#length! / TRANSACTION_ENTRY_BYTES
    while (low < high) {
      const middle = (low + high) >> 1
      if (readInt64(bytes, middle * TRANSACTION_ENTRY_BYTES + LAST_OFFSET_AT) < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  #cut(length: number): void {
    this.#length = length
    this.#cutTo = Math.min(this.#cutTo, length)
    this.#synced = false
    this.#writeSoon()
  }

  #load(): Promise<Buffer> {
    const bytes = this.#inMemory()
    if (bytes !== undefined) return Promise.resolve(bytes)
    return (this.#loading ??= this.#read().finally(() => (this.#loading = undefined)))
  }

  async #read(): Promise<Buffer> {
    const file = this.#file()
    let bytes: Buffer = EMPTY
    try {
      bytes = await readFile(file)
    } catch (error) {
      if (!isMissing(error)) throw storageError(error, file)
    }
    // It was emptied meanwhile.
    if (this.#bytes !== undefined) return this.#bytes
    const flaw = transactionIndexFlaw(bytes, this.#startOffset)
    if (flaw !== undefined) throw new StorageError('EBADMSG', file, `${file} is broken: ${flaw}`)
    this.#length = this.#written = bytes.length
    if (bytes.length > KEPT_BYTES) this.#weak = new WeakRef(bytes)
    else this.#bytes = bytes
    return bytes
  }

  #behind(): boolean {
    return this.#cutTo !== Infinity || (this.#length !== undefined && this.#written < this.#length)
  }

  // A failure is told to who calls `write`.
  #writeSoon(): void {
    if (this.#writing) return
    this.#writing = this.#writeAll()
    this.#writing.catch(() => undefined)
  }

  async #writeAll(): Promise<void> {
    // All that is appended in one turn of the event loop goes out together.
    await Promise.resolve()
    try {
      while (this.#behind()) await this.#writeOnce()
    } finally {
      this.#writing = undefined
    }
  }

  async #writeOnce(): Promise<void> {
    const file = this.#file()
    try {
      if (this.#length === 0) return await this.#remove(file)
      const handle = await openForWriting(file)
      try {
        const { size } = await handle.stat()
        if (size === 0) this.#created = true
        // What is there may be longer than what was written: a torn entry, or what a write that failed has left.
        const from = Math.min(this.#written, this.#cutTo)
        if (size > from) await handle.truncate(from)
        this.#written = from
        // Cut again meanwhile, and shorter: the next round does that.
        if (this.#cutTo < from) return
        this.#cutTo = Infinity
        const part = Buffer.from(this.#bytes!.subarray(from, this.#length))
        if (part.length === 0) return
        const { bytesWritten } = await handle.write(part, 0, part.length, from)
        this.#written = from + bytesWritten
        this.#synced = false
        if (bytesWritten === 0) throw new StorageError('ENOSPC', file)
      } finally {
        await handle.close()
      }
    } catch (error) {
      throw storageError(error, file)
    }
  }

  async #remove(file: string): Promise<void> {
    this.#cutTo = Infinity
    this.#written = 0
    try {
      if (await removeFile(file)) this.#created = true
    } catch (error) {
      // Still to be done.
      this.#cutTo = 0
      throw error
    }
  }
}

/** Writes a whole index anew, durably; no file where there is nothing to tell. Rejects with a StorageError. */
export async function writeTransactionFile(file: string, transactions: readonly AbortedTransaction[]): Promise<void> {
  if (transactions.length === 0) return
  const bytes = Buffer.alloc(transactions.length * TRANSACTION_ENTRY_BYTES)
  for (const [index, one] of transactions.entries()) writeTransactionEntry(bytes, index * TRANSACTION_ENTRY_BYTES, one)
  await writeFlushed(file, bytes)
}

async function openForWriting(file: string) {
  try {
    return await openFile(file, constants.O_RDWR)
  } catch (error) {
    if (!isMissing(error)) throw error
    return open(file, 'wx+', 0o644)
  }
}
