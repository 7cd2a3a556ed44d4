/**
 * A disk as a power cut leaves it. It is fed the journal of a run; what was synced is there for certain, of the rest a random part is.
 *
 * What counts as synced is what POSIX promises, which is less than most file systems keep: the bytes and the size of a file by fsync or
 * fdatasync of the file; its name by fsync of its folder. A sync covers what was done before it began, once it has ended. After one that
 * failed, what it should have covered is lost for good as far as anybody can know: a later sync does not bring it back.
 */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ALL_FILES, JournalOp, type JournalEntry } from './crash-journal.js'

/** Numbers in [0, 1): the same for the same seed. */
export type Random = () => number

/** mulberry32: small, and good enough to choose by. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** A change of a file's bytes: of its size (`size`), or bytes at an offset. */
interface FileChange {
  readonly offset: number
  readonly data: Buffer | undefined
  readonly size: number
  /** The number of the journal entry. */
  readonly at: number
}

/** A change of a folder: `name` now means `node`; undefined: nothing. A rename inside the folder takes `gone` away with the same step. */
interface FolderChange {
  readonly name: string
  readonly node: Node | undefined
  readonly gone: string | undefined
  readonly at: number
}

class FileNode {
  bytes: Buffer
  pending: FileChange[] = []

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.bytes = bytes
  }

  sync(before: number): void {
    const covered = this.pending.findIndex((change) => change.at >= before)
    const done = covered < 0 ? this.pending : this.pending.slice(0, covered)
    this.pending = covered < 0 ? [] : this.pending.slice(covered)
    this.bytes = applied(this.bytes, done)
  }
}

class FolderNode {
  /** As synced. */
  entries = new Map<string, Node>()
  /** As programs see it. */
  readonly now = new Map<string, Node>()
  pending: FolderChange[] = []

  sync(before: number): void {
    for (const change of this.pending) if (change.at < before) applyEntry(this.entries, change)
    this.pending = this.pending.filter((change) => change.at >= before)
  }

  change(name: string, node: Node | undefined, gone: string | undefined, at: number): void {
    const change = { name, node, gone, at }
    applyEntry(this.now, change)
    this.pending.push(change)
  }
}

type Node = FileNode | FolderNode

function applyEntry(entries: Map<string, Node>, { name, node, gone }: FolderChange): void {
  if (gone !== undefined) entries.delete(gone)
  if (node === undefined) entries.delete(name)
  else entries.set(name, node)
}

function applied(bytes: Buffer, changes: readonly FileChange[]): Buffer {
  if (changes.length === 0) return bytes
  let size = bytes.length
  let room = size
  for (const { offset, data, size: cut } of changes) {
    size = data === undefined ? cut : Math.max(size, offset + data.length)
    room = Math.max(room, size)
  }
  const out = Buffer.alloc(room)
  bytes.copy(out)
  let end = bytes.length
  for (const { offset, data, size: cut } of changes) {
    if (data === undefined) {
      if (cut < end) out.fill(0, cut, end)
      end = cut
    } else {
      data.copy(out, offset)
      end = Math.max(end, offset + data.length)
    }
  }
  return out.subarray(0, end)
}

/** How much of what was not synced a power cut leaves. */
export const Mercy = {
  /** Only what was synced. */
  none: 0,
  /** By chance: files and names each for themselves; the last bytes may be torn, pages in between missing. */
  some: 1,
  /** All: as after a mere kill. */
  all: 2
} as const

export class CrashDisk {
  readonly #root = new FolderNode()
  readonly #files = new Map<number, Node>()
  /** Of syncs that are under way: by file, the entry at which each began. */
  readonly #syncing = new Map<number, number[]>()
  #at = 0

  /** A disk that holds a copy of a folder, all of it synced. Its files keep their inode numbers: the journal must be of the same files. */
  static async of(folder: string): Promise<CrashDisk> {
    const disk = new CrashDisk()
    disk.#files.set((await stat(folder)).ino, disk.#root)
    await disk.#load(folder, disk.#root)
    return disk
  }

  async #load(folder: string, into: FolderNode): Promise<void> {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const file = path.join(folder, entry.name)
      if (!entry.isFile() && !entry.isDirectory()) continue
      const node = entry.isDirectory() ? new FolderNode() : new FileNode(await readFile(file))
      this.#files.set((await stat(file)).ino, node)
      into.entries.set(entry.name, node)
      into.now.set(entry.name, node)
      if (node instanceof FolderNode) await this.#load(file, node)
    }
  }

  /** Takes the next entry of the journal. */
  apply(entry: JournalEntry): void {
    const at = this.#at++
    const { op, file, offset, length, data } = entry
    if (op === JournalOp.create) this.#add(entry.path, new FileNode(), file, at)
    else if (op === JournalOp.makeFolder) this.#add(entry.path, new FolderNode(), file, at)
    else if (op === JournalOp.write) this.#file(file)?.pending.push({ offset, data, size: 0, at })
    else if (op === JournalOp.truncate) this.#file(file)?.pending.push({ offset: 0, data: undefined, size: length, at })
    else if (op === JournalOp.unlink || op === JournalOp.removeFolder) {
      const [folder, name] = this.#place(entry.path)
      folder?.change(name, undefined, undefined, at)
    } else if (op === JournalOp.rename || op === JournalOp.link) this.#rename(entry, at)
    else if (op === JournalOp.syncBegin) this.#syncing.set(file, [...(this.#syncing.get(file) ?? []), at])
    else if (op === JournalOp.syncEnd) this.#endSync(entry)
  }

  /** The process ended: syncs that it had begun are nobody's. */
  processEnded(): void {
    this.#syncing.clear()
  }

  #file(file: number): FileNode | undefined {
    const node = this.#files.get(file)
    return node instanceof FileNode ? node : undefined
  }

  #place(relative: string): [FolderNode | undefined, string] {
    const parts = relative.split('/')
    const name = parts.pop()!
    let folder: Node | undefined = this.#root
    for (const part of parts) folder = folder instanceof FolderNode ? folder.now.get(part) : undefined
    return [folder instanceof FolderNode ? folder : undefined, name]
  }

  #add(relative: string, node: Node, file: number, at: number): void {
    const [folder, name] = this.#place(relative)
    folder?.change(name, node, undefined, at)
    this.#files.set(file, node)
  }

  #rename(entry: JournalEntry, at: number): void {
    const [from, oldName] = this.#place(entry.path)
    const [to, newName] = this.#place(entry.to)
    const node = from?.now.get(oldName)
    if (from === undefined || to === undefined || node === undefined) return
    const gone = entry.op === JournalOp.link ? undefined : oldName
    to.change(newName, node, to === from ? gone : undefined, at)
    if (to !== from && gone !== undefined) from.change(gone, undefined, undefined, at)
  }

  #endSync(entry: JournalEntry): void {
    const begun = this.#syncing.get(entry.file)?.shift()
    if (entry.file === ALL_FILES && begun !== undefined && !entry.failed) for (const node of this.#nodes()) node.sync(begun)
    const node = this.#files.get(entry.file)
    if (node === undefined || begun === undefined) return
    if (!entry.failed) node.sync(begun)
    else if (node instanceof FileNode)
      node.pending = node.pending.map((change) => (change.at < begun ? { ...change, at: Infinity } : change))
  }

  // Also those whose names have changed, which may not have come to the disk, or whose numbers other files have now.
  #nodes(): Set<Node> {
    const nodes = new Set<Node>([this.#root, ...this.#files.values()])
    for (const node of nodes)
      if (node instanceof FolderNode) for (const each of [...node.entries.values(), ...node.now.values()]) nodes.add(each)
    return nodes
  }

  /** Writes what a power cut now would leave into a new folder. The disk itself goes on as if nothing had happened. */
  async cut(into: string, random: Random, mercy: number): Promise<void> {
    await write(this.#root, into, random, mercy)
  }
}

async function write(folder: FolderNode, into: string, random: Random, mercy: number): Promise<void> {
  await mkdir(into, { recursive: true })
  for (const [name, node] of entriesLeft(folder, random, mercy)) {
    const file = path.join(into, name)
    if (node instanceof FolderNode) await write(node, file, random, mercy)
    else await writeFile(file, bytesLeft(node, random, mercy))
  }
}

function entriesLeft(folder: FolderNode, random: Random, mercy: number): Map<string, Node> {
  const entries = new Map(folder.entries)
  if (mercy === Mercy.none) return entries
  // Half of the time as a journaling file system does it: in order up to some point. Else each by itself, but those of one name in order.
  const upTo = mercy === Mercy.all ? folder.pending.length : Math.floor(random() * (folder.pending.length + 1))
  const inOrder = mercy === Mercy.all || random() < 0.5
  const skipped = new Set<string>()
  for (const [index, change] of folder.pending.entries()) {
    const names = change.gone === undefined ? [change.name] : [change.name, change.gone]
    const kept = inOrder ? index < upTo : random() < 0.5 && !names.some((name) => skipped.has(name))
    if (kept) applyEntry(entries, change)
    else for (const name of names) skipped.add(name)
  }
  return entries
}

const SECTOR_BYTES = 512

function bytesLeft(file: FileNode, random: Random, mercy: number): Buffer {
  if (file.pending.length === 0 || mercy === Mercy.none) return file.bytes
  if (mercy === Mercy.all) return applied(file.bytes, file.pending)
  const kind = random()
  if (kind < 0.25) return file.bytes
  if (kind < 0.4) return applied(file.bytes, file.pending)
  const count = Math.floor(random() * (file.pending.length + 1))
  const first = file.pending.slice(0, count)
  const last = file.pending[count]
  if (kind < 0.75) {
    if (last?.data !== undefined) first.push({ ...last, data: last.data.subarray(0, Math.floor(random() * (last.data.length + 1))) })
    return applied(file.bytes, first)
  }
  // The size came through, some sectors did not: they are as they were, or zero where there was nothing.
  const whole = Buffer.from(applied(file.bytes, file.pending))
  for (const { offset, data } of file.pending) {
    if (data === undefined) continue
    for (let at = offset - (offset % SECTOR_BYTES); at < offset + data.length; at += SECTOR_BYTES) {
      if (random() < 0.7) continue
      const end = Math.min(at + SECTOR_BYTES, whole.length)
      if (at < end) restore(whole, file.bytes, at, end)
    }
  }
  return whole
}

function restore(whole: Buffer, before: Buffer, from: number, to: number): void {
  whole.fill(0, from, to)
  if (from < before.length) before.copy(whole, from, from, Math.min(to, before.length))
}
