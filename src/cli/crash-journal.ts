/** The journal that the fault library keeps of a run (native/faults/journal.h): every change under a folder, in order. */

export const JournalOp = {
  create: 1,
  write: 2,
  truncate: 3,
  rename: 4,
  unlink: 5,
  makeFolder: 6,
  removeFolder: 7,
  syncBegin: 8,
  syncEnd: 9,
  mark: 10,
  link: 11
} as const

/** The `file` of a sync of the whole file system. */
export const ALL_FILES = 0

export interface JournalEntry {
  /** Of JournalOp. */
  readonly op: number
  /** syncEnd: the sync failed. */
  readonly failed: boolean
  /** Inode number: the same for all that happens to a file, whatever it is called. Of a sync: ALL_FILES, or of one file. */
  readonly file: number
  readonly offset: number
  /** truncate: the new size. */
  readonly length: number
  /** Milliseconds since the epoch, with fractions. */
  readonly timeMs: number
  /** Below the watched folder. */
  readonly path: string
  /** rename, link: the second name. */
  readonly to: string
  /** write: the bytes; mark: what the program said. A view of the journal. */
  readonly data: Buffer
}

const HEADER_BYTES = 48

/** Entries in order. A last one that a kill cut off is left out. */
export function readJournal(bytes: Buffer): JournalEntry[] {
  const entries: JournalEntry[] = []
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const total = bytes.readUInt32LE(at)
    if (total < HEADER_BYTES || at + total > bytes.length) break
    const pathBytes = bytes.readUInt16LE(at + 6)
    const toBytes = bytes.readUInt16LE(at + 8)
    const names = at + HEADER_BYTES
    entries.push({
      op: bytes[at + 4]!,
      failed: bytes[at + 5] !== 0,
      file: Number(bytes.readBigUInt64LE(at + 16)),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      length: Number(bytes.readBigUInt64LE(at + 32)),
      timeMs: Number(bytes.readBigUInt64LE(at + 40)) / 1000,
      path: bytes.toString('utf8', names, names + pathBytes),
      to: bytes.toString('utf8', names + pathBytes, names + pathBytes + toBytes),
      data: bytes.subarray(names + pathBytes + toBytes, at + total)
    })
    at += total
  }
  return entries
}
