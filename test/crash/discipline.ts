/**
 * Rules that every journal of the engine must keep, wherever it ends: what a name is given to is on the disk before, an index is whole when it is
 * flushed, a compaction's swap goes step by step, and an orderly stop leaves no name that is not flushed.
 */
import path from 'node:path'
import { ALL_FILES, JournalOp, type JournalEntry } from '../../src/cli/crash-journal.js'
import { CLEAN_SHUTDOWN_FILE } from '../../src/storage/names.js'
import { SwapDiscipline } from './swap-discipline.js'

/** Names that mean: this file is complete. Kafka's engine and this one believe them after a crash. */
const PROMISES = [/\.tmp$/, /\.cleaned$/]
const ENTRY_BYTES: readonly (readonly [name: RegExp, bytes: number])[] = [
  [/\.index(\.cleaned)?$/, 8],
  [/\.timeindex(\.cleaned)?$/, 12]
]

interface FileState {
  size: number
  lastEntry: Buffer
  changed: number
  synced: number
  name: string
}

export function unsound(entries: readonly JournalEntry[]): string[] {
  const problems: string[] = []
  // What failed is not tried again.
  let offline = false
  const files = new Map<number, FileState>()
  const byName = new Map<string, number>()
  const begun = new Map<number, number[]>()
  const swaps = new SwapDiscipline()
  /** Directories of which a stop has said that they were closed in an orderly way. */
  const clean = new Set<string>()
  /** By folder: the last time that a name came to be in it, and the last time that it was flushed. */
  const named = new Map<string, number>()
  const flushed = new Map<string, number>()
  for (const [at, entry] of entries.entries()) {
    const { op, file, data, offset, length } = entry
    const state = files.get(file)
    problems.push(...swaps.apply(entry, at, flushed))
    if (op === JournalOp.create || op === JournalOp.makeFolder) {
      files.set(file, { size: 0, lastEntry: Buffer.alloc(0), changed: -1, synced: -1, name: entry.path })
      byName.set(entry.path, file)
      named.set(folderOf(entry.path), at)
    } else if (op === JournalOp.write && state) {
      state.changed = at
      if (offset + data.length >= state.size) state.lastEntry = data.subarray(-12)
      state.size = Math.max(state.size, offset + data.length)
    } else if (op === JournalOp.truncate && state) {
      state.changed = at
      state.size = length
      state.lastEntry = Buffer.alloc(0)
    } else if (op === JournalOp.syncBegin) {
      begun.set(file, [...(begun.get(file) ?? []), at])
      if (state) problems.push(...flawedIndex(state))
    } else if (op === JournalOp.syncEnd) {
      const since = begun.get(file)?.shift() ?? -1
      if (entry.failed) offline = true
      if (entry.failed) continue
      if (file === ALL_FILES) {
        for (const each of files.values()) each.synced = since
        for (const folder of named.keys()) flushed.set(folder, since)
      }
      if (state) state.synced = since
      flushed.set(entry.path, since)
    } else if (op === JournalOp.rename) {
      const moved = byName.get(entry.path)
      const one = moved === undefined ? undefined : files.get(moved)
      if (one && PROMISES.some((name) => name.test(entry.path)) && one.changed > one.synced)
        problems.push(`${entry.path} becomes ${entry.to} before it is flushed`)
      byName.delete(entry.path)
      if (moved !== undefined) byName.set(entry.to, moved)
      if (one) one.name = entry.to
      for (const known of [named, flushed]) follow(known, entry.path, entry.to)
      if (!/\.deleted$|-delete$/.test(entry.to)) named.set(folderOf(entry.to), at)
      if (path.basename(entry.to) === CLEAN_SHUTDOWN_FILE) {
        clean.add(folderOf(entry.to))
        // A copy is given up where the other directory does not work.
        const isGivenUp = (folder: string) => offline && folder.endsWith('-future')
        problems.push(...unflushed(named, flushed, (folder) => folder.startsWith(`${folderOf(entry.to)}/`) && !isGivenUp(folder)))
      }
    } else if (op === JournalOp.removeFolder) named.delete(entry.path)
    else if (op === JournalOp.mark && data.toString().startsWith('["offline"')) offline = true
    else if (op === JournalOp.mark && data.toString() === '["closed"]\n' && !offline)
      problems.push(...unflushed(named, flushed, (folder) => folder === '' || clean.has(folder.split('/')[0]!)))
  }
  return problems
}

function folderOf(name: string): string {
  const folder = path.dirname(name)
  return folder === '.' ? '' : folder
}

// A folder that is renamed is the same folder.
function follow(known: Map<string, number>, from: string, to: string): void {
  const at = known.get(from)
  if (at === undefined) return
  known.delete(from)
  known.set(to, at)
}

function flawedIndex({ name, size, lastEntry }: FileState): string[] {
  const bytes = ENTRY_BYTES.find(([pattern]) => pattern.test(name))?.[1]
  if (bytes === undefined) return []
  if (size % bytes !== 0) return [`${name} is flushed with ${size} bytes, which are no whole entries`]
  const last = lastEntry.subarray(-bytes)
  return last.length === bytes && last.every((byte) => byte === 0) && size > bytes ? [`${name} is flushed with room at its end`] : []
}

function unflushed(
  named: ReadonlyMap<string, number>,
  flushed: ReadonlyMap<string, number>,
  isMeant: (folder: string) => boolean
): string[] {
  return [...named]
    .filter(([folder, at]) => isMeant(folder) && (flushed.get(folder) ?? -1) < at && !folder.endsWith('-delete'))
    .map(([folder]) => `${folder} has names at the orderly stop that are not flushed`)
}
