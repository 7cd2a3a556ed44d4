/** The partitions of a broker by the names of their folders: where each is, its log when that is open, and another try where opening failed. */
import type { Clock } from '../clock.js'
import type { StorageError } from '../errors.js'
import type { Logger } from '../log.js'
import { isBrokenDisk, isPassing, storageError } from './files.js'
import type { Log } from './log.js'
import type { LogDir } from './log-dir.js'
import { partitionFolder, pathIn } from './names.js'

export interface LogEntry {
  readonly topic: string
  readonly partition: number
  /** Both change when the partition is moved. */
  dir: LogDir
  folder: string
  log: Log | undefined
  /** Rejects with a StorageError. */
  ready: Promise<Log>
  /** It was found, and could not be opened for a reason that passes. */
  again: { readonly open: () => Promise<Log>; readonly notBeforeMs: number } | undefined
}

/** A log that could not be opened, because the disk is full, is tried again when somebody asks for it, but most of the time goes to other things. */
const OPEN_AGAIN_MS = 1000
const OPEN_AGAIN_SHARE = 10
/** How often the log tells of the same folder that can't be opened. */
const REPORT_MS = 60_000

export interface LogTableOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Told when a directory does not work. */
  readonly failed: (dir: LogDir, error: StorageError) => void
}

export class LogTable {
  readonly #options: LogTableOptions
  readonly #entries = new Map<string, LogEntry>()
  #closed = false

  constructor(options: LogTableOptions) {
    this.#options = options
  }

  find(topic: string, partition: number): LogEntry | undefined {
    return this.#entries.get(partitionFolder(topic, partition))
  }

  /** In the order in which they were added. */
  entries(): IterableIterator<LogEntry> {
    return this.#entries.values()
  }

  /** Begins to open a log. `again`: how a later call of `whenReady` does that, when it failed for a reason that passes. */
  add(dir: LogDir, topic: string, partition: number, open: () => Promise<Log>, again?: () => Promise<Log>): LogEntry {
    const key = partitionFolder(topic, partition)
    const folder = pathIn(dir.path, key)
    const entry: LogEntry = { topic, partition, dir, folder, log: undefined, ready: open(), again: undefined }
    this.#entries.set(key, entry)
    dir.partitionCount++
    this.#watch(entry, key, again)
    return entry
  }

  /** Nothing happens to its log. Of an entry that is in the table. */
  remove(entry: LogEntry): void {
    this.#entries.delete(partitionFolder(entry.topic, entry.partition))
    entry.dir.partitionCount--
  }

  /** The partition's log is another from now on, in `dir`. */
  replace(entry: LogEntry, log: Log, dir: LogDir): void {
    entry.dir.partitionCount--
    dir.partitionCount++
    entry.dir = dir
    entry.folder = log.folder
    entry.log = log
    entry.ready = Promise.resolve(log)
  }

  /** Resolves to the log when it is recovered; undefined: there is none. Rejects with a StorageError; where that may pass, a later call tries again. */
  whenReady(topic: string, partition: number): Promise<Log> | undefined {
    const entry = this.find(topic, partition)
    if (entry?.again !== undefined) this.#openAgain(entry, entry.again)
    return entry?.ready
  }

  allOpen(dir: LogDir): boolean {
    for (const entry of this.#entries.values()) if (entry.dir === dir && entry.log === undefined) return false
    return true
  }

  /** Nothing is tried again from now on. */
  close(): void {
    this.#closed = true
  }

  /** Resolves when every log is open, or can't be opened. */
  async settled(): Promise<void> {
    await Promise.allSettled(Array.from(this.#entries.values(), (entry) => entry.ready))
  }

  #watch(entry: LogEntry, key: string, again: (() => Promise<Log>) | undefined): void {
    const { clock, log, failed } = this.#options
    const { dir, folder } = entry
    const startedMs = clock.monotonic()
    entry.ready = entry.ready.then(
      (opened) => {
        if (this.#entries.get(key) !== entry) return opened
        entry.log = opened
        dir.logs.set(key, opened)
        return opened
      },
      (error: unknown) => {
        const failure = storageError(error, folder)
        if (this.#closed && failure.code === 'ECANCELED') throw failure
        log.limited(`open-${key}`, REPORT_MS).error(`${key} in ${dir.path} can not be opened: ${failure.message}`)
        if (isBrokenDisk(failure.code)) failed(dir, failure)
        const nowMs = clock.monotonic()
        const notBeforeMs = nowMs + Math.max(OPEN_AGAIN_MS, OPEN_AGAIN_SHARE * (nowMs - startedMs))
        if (again !== undefined && isPassing(failure.code)) entry.again = { open: again, notBeforeMs }
        throw failure
      }
    )
    entry.ready.catch(() => undefined)
  }

  #openAgain(entry: LogEntry, { open, notBeforeMs }: NonNullable<LogEntry['again']>): void {
    if (this.#closed || !entry.dir.online || this.#options.clock.monotonic() < notBeforeMs) return
    entry.again = undefined
    entry.ready = open()
    this.#watch(entry, partitionFolder(entry.topic, entry.partition), open)
  }
}
