/** Whether a recovery point is ahead of what is on the disk, in the moment in which its checkpoint gets its name: in a journal, across processes. */
import path from 'node:path'
import { ALL_FILES, JournalOp, type JournalEntry } from '../../src/cli/crash-journal.js'
import { batch } from '../../src/record/index.js'
import { parseSegmentFile, RECOVERY_POINT_FILE } from '../../src/storage/names.js'
import { readTransactionEntry, TRANSACTION_ENTRY_BYTES } from '../../src/storage/transaction-index.js'

interface Unsynced {
  /** The number of the journal entry. */
  readonly at: number
  readonly position: number
  /** The first offset of which the bytes tell. */
  readonly offset: number
}

interface SegmentFile {
  name: string
  writes: Unsynced[]
  /** The entry by which it came to be in its folder; -1: before the journal, or by a swap, which a start completes. */
  readonly named: number
  /** The first offset of which it tells. */
  first: number
  /** Up to where its bytes were flushed. */
  flushed: number
  /** A cut that is not flushed: when, and what the recovery point was then. What was cut off may come back below a later one. */
  cut: { readonly at: number; readonly point: number } | undefined
}

/** What a start with this recovery point does not make anew: the log, the offset index and the aborted transactions. */
const OFFSETS: Readonly<Record<string, ((data: Buffer, base: number) => number | undefined) | undefined>> = {
  // Where the first half of a batch was written alone, the second tells of no offset.
  '.log': (data, base) => {
    if (data.length < 8 || (data.length > batch.At.magic && batch.magic(data, 0) !== 2)) return undefined
    const offset = batch.baseOffset(data, 0)
    return offset < base ? undefined : offset
  },
  '.index': (data, base) => (data.length < 8 ? undefined : base + data.readInt32BE(0)),
  '.txnindex': (data) => (data.length < TRANSACTION_ENTRY_BYTES ? undefined : readTransactionEntry(data, 0).lastOffset)
}

export class RecoveryPoints {
  readonly #files = new Map<number, SegmentFile>()
  readonly #folders = new Map<string, number>()
  readonly #begun = new Map<string, number[]>()
  readonly #checkpoints = new Map<string, string>()
  /** By folder of a log: what the checkpoint in force says. */
  readonly #inForce = new Map<string, number>()
  #at = 0

  /** The process ended: syncs that it had begun are nobody's. */
  processEnded(): void {
    this.#begun.clear()
  }

  /** Takes the next entry of the journal. Returns what is wrong with it. */
  apply(entry: JournalEntry): string[] {
    const at = this.#at++
    const { op, file, length } = entry
    if (op === JournalOp.create) this.#create(entry, at)
    else if (op === JournalOp.write) return this.#write(entry, at)
    else if (op === JournalOp.truncate) {
      // One that a kill has left is written anew.
      if (isCheckpoint(entry.path)) this.#checkpoints.set(entry.path, '')
      const state = this.#files.get(file)
      if (state) this.#cut(state, length, at)
    } else if (op === JournalOp.unlink) this.#forget(entry.path)
    else if (op === JournalOp.syncBegin) this.#begun.set(entry.path, [...(this.#begun.get(entry.path) ?? []), at])
    else if (op === JournalOp.syncEnd) {
      const since = this.#begun.get(entry.path)?.shift()
      if (since !== undefined && !entry.failed) this.#synced(entry, since)
    } else if (op === JournalOp.rename) return this.#rename(entry)
    return []
  }

  #cut(state: SegmentFile, length: number, at: number): void {
    const gone = state.writes.filter(({ position }) => position >= length)
    state.writes = state.writes.filter(({ position }) => position < length)
    // Bytes that were flushed may come back whole: they are of offsets above what was the recovery point then.
    const point =
      state.flushed > length ? (this.#inForce.get(path.dirname(state.name)) ?? 0) : Math.min(...gone.map(({ offset }) => offset))
    state.flushed = Math.min(state.flushed, length)
    // One that is emptied goes, or is written anew.
    if (length > 0 && point < Infinity) state.cut = { at, point: Math.min(point, state.cut?.point ?? Infinity) }
  }

  #create({ path: name, file }: JournalEntry, at: number): void {
    const parsed = parseSegmentFile(path.basename(name))
    if (parsed)
      this.#files.set(file, { name, writes: [], named: parsed.state === '' ? at : -1, first: Infinity, flushed: 0, cut: undefined })
    if (isCheckpoint(name)) this.#checkpoints.set(name, '')
  }

  #write({ path: name, file, data, offset: position }: JournalEntry, at: number): string[] {
    if (isCheckpoint(name)) this.#checkpoints.set(name, (this.#checkpoints.get(name) ?? '') + data.toString())
    const parsed = parseSegmentFile(path.basename(name))
    const offset = parsed && OFFSETS[parsed.suffix]?.(data, parsed.offset)
    if (offset === undefined) return []
    let state = this.#files.get(file)
    if (state === undefined) this.#files.set(file, (state = { name, writes: [], named: -1, first: Infinity, flushed: 0, cut: undefined }))
    state.writes.push({ at, position, offset })
    state.first = Math.min(state.first, offset)
    const point = parsed!.state === '' ? (this.#inForce.get(path.dirname(name)) ?? 0) : 0
    return offset < point ? [`${name} is written at offset ${offset}, below the recovery point ${point}`] : []
  }

  #synced({ path: name, file }: JournalEntry, since: number): void {
    if (file === ALL_FILES) {
      for (const one of this.#files.values()) {
        flushedSince(one, since)
        this.#folders.set(path.dirname(one.name), since)
      }
      return
    }
    const state = this.#files.get(file)
    if (state) flushedSince(state, since)
    else this.#folders.set(name, since)
  }

  #forget(name: string): void {
    for (const [file, state] of this.#files) if (state.name === name) this.#files.delete(file)
  }

  #rename({ path: from, to }: JournalEntry): string[] {
    const text = this.#checkpoints.get(from)
    if (text !== undefined) return this.#compare(path.dirname(to), text)
    const since = this.#folders.get(from)
    if (since !== undefined) this.#folders.set(to, since)
    this.#folders.delete(from)
    for (const state of this.#files.values()) {
      if (state.name === from) state.name = to
      else if (state.name.startsWith(`${from}/`)) state.name = to + state.name.slice(from.length)
    }
    return []
  }

  #compare(dir: string, checkpoint: string): string[] {
    const problems: string[] = []
    for (const folder of this.#inForce.keys()) if (path.dirname(folder) === dir) this.#inForce.delete(folder)
    for (const line of checkpoint.split('\n').slice(2)) {
      const [topic, partition, point] = line.split(' ')
      if (point === undefined) continue
      const folder = path.join(dir, `${topic}-${partition}`)
      const recoveryPoint = Number(point)
      this.#inForce.set(folder, recoveryPoint)
      for (const { name, writes, named, first, cut } of this.#files.values()) {
        if (path.dirname(name) !== folder || parseSegmentFile(path.basename(name))?.state !== '') continue
        const write = writes.find(({ offset }) => offset < recoveryPoint)
        if (write) problems.push(`the recovery point ${point} is ahead of ${name}, where offset ${write.offset} is not flushed`)
        if (cut !== undefined && recoveryPoint > cut.point)
          problems.push(`the recovery point ${point} is ahead of ${name}, of which a cut is not flushed`)
        const isIndex = name.endsWith('.index')
        if (!isIndex && first < recoveryPoint && named > (this.#folders.get(folder) ?? -1))
          problems.push(`the recovery point ${point} is ahead of the name of ${name}, which begins with offset ${first}`)
      }
    }
    return problems
  }
}

function flushedSince(file: SegmentFile, since: number): void {
  for (const { at, position } of file.writes) if (at <= since) file.flushed = Math.max(file.flushed, position + 1)
  file.writes = file.writes.filter((write) => write.at > since)
  if (file.cut !== undefined && file.cut.at <= since) file.cut = undefined
}

function isCheckpoint(name: string): boolean {
  return path.basename(name) === `${RECOVERY_POINT_FILE}.tmp`
}
