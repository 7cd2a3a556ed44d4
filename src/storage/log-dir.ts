/** One log directory: its lock, whose it is, its checkpoints, and whether it works. */
import { readdir } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { ConfigError, StorageError, WireError } from '../errors.js'
import type { Logger } from '../log.js'
import { lockFile, unlockFile } from '../native/functions.js'
import { errnoName } from '../native/runtime.js'
import { readOffsetCheckpoint, writeOffsetCheckpoint, type OffsetCheckpoint, type PartitionOffset } from './checkpoints.js'
import { ensureFolder, isPassing, readIfThere, removeFile, storageError, syncFolder, syncNames, writeDurably } from './files.js'
import type { Log } from './log.js'
import {
  metaPropertiesOf,
  readWrittenProperties,
  writeMetaProperties,
  type MetaProperties,
  type WrittenProperties
} from './meta-properties.js'
import {
  CLEAN_SHUTDOWN_FILE,
  CLEANER_OFFSET_FILE,
  LOCK_FILE,
  LOG_START_FILE,
  META_PROPERTIES_FILE,
  partitionFolder,
  RECOVERY_POINT_FILE
} from './names.js'
import { setAside, UNREADABLE_SUFFIX } from './set-aside.js'

/** What may stand in a folder that is to become a log directory: nothing of anybody. */
const HARMLESS = new Set([
  LOCK_FILE,
  'lost+found',
  ...[META_PROPERTIES_FILE, RECOVERY_POINT_FILE, LOG_START_FILE, CLEANER_OFFSET_FILE].map((name) => `${name}.tmp`)
])

export class LogDir {
  readonly path: string
  /** One of `log.dirs`; else it only holds the metadata log. */
  readonly forPartitions: boolean
  /** Told when a checkpoint can't be written because the directory does not work. */
  onFailure: ((error: StorageError) => void) | undefined
  /** Partitions and copies in it, ready or not. */
  partitionCount = 0
  readonly #log: Logger
  #directoryId = ''
  #lock = -1
  #failure: StorageError | undefined
  /** The last stop of the broker that used it was an orderly one; also true of a new directory. */
  cleanShutdown = false
  /** The directory was empty. */
  isNew = false
  /** As read at the start; of the logs that are not opened yet. */
  recoveryPoints: OffsetCheckpoint = new Map()
  logStarts: OffsetCheckpoint = new Map()
  /** Up to where each log is compacted. */
  cleanerOffsets: OffsetCheckpoint = new Map()
  /** The logs that are open, by folder name. */
  readonly logs = new Map<string, Log>()
  /** Logs that are gone, which the checkpoints on the disk may still name. */
  readonly #forgotten = new Set<string>()
  /** The same of the checkpoint of the log cleaner. */
  readonly #notCompacted = new Set<string>()
  readonly #saveRecoveryPoints = shared(() => this.#write(RECOVERY_POINT_FILE, this.recoveryPoints, (log) => log.recoveryPoint))
  readonly #saveCleanerOffsets = shared(() => this.#writeAll(CLEANER_OFFSET_FILE, this.cleanerOffsets))
  readonly #saveLogStarts = shared(() => this.#write(LOG_START_FILE, this.logStarts, (log) => log.startToSave))

  constructor(dir: string, log: Logger, forPartitions = true) {
    this.path = dir
    this.forPartitions = forPartitions
    this.#log = log
  }

  /** The zero-length text while the directory could not be read. */
  get directoryId(): string {
    return this.#directoryId
  }

  get online(): boolean {
    return this.#failure === undefined
  }

  /** Why it is offline. */
  get failure(): StorageError | undefined {
    return this.#failure
  }

  fail(error: StorageError): void {
    this.#failure ??= error
  }

  /** Creates the folder if need be. Rejects with a StorageError. */
  make(): Promise<void> {
    return ensureFolder(this.path)
  }

  /** Takes its lock. Throws a ConfigError when it belongs to somebody else, a StorageError when it does not work. */
  async lock(): Promise<MetaProperties | undefined> {
    const file = path.join(this.path, LOCK_FILE)
    const lock = lockFile(file)
    if (lock === -os.constants.errno.EAGAIN)
      throw new ConfigError('log.dirs', `${this.path} is in use by another broker: it holds the lock ${file}`)
    if (lock < 0) throw new StorageError(errnoName(lock), file)
    this.#lock = lock
    return this.#readMeta()
  }

  /** Of `lockFile`; below 0: not locked. */
  get lockHandle(): number {
    return this.#lock
  }

  unlock(): void {
    if (this.#lock >= 0) unlockFile(this.#lock)
    this.#lock = -1
  }

  /** Makes it the directory of a node, and reads what the last user left. */
  async adopt(known: MetaProperties | undefined, meta: MetaProperties): Promise<void> {
    this.#directoryId = meta.directoryId!
    this.isNew = known === undefined
    // Whoever made it may have been killed before the disk had its name. Behind meta.properties it is there.
    if (this.isNew) await syncNames(this.path)
    if (known?.directoryId === undefined) await writeMetaProperties(this.path, meta)
    const marker = path.join(this.path, CLEAN_SHUTDOWN_FILE)
    this.cleanShutdown = this.isNew || (await readIfThere(marker)) !== undefined
    // From here on the folder changes: a crash must not find the marker again.
    const wasMarked = await removeFile(marker)
    // Nor may a power cut take meta.properties, which a killed process may not have flushed, and leave what comes now.
    if (wasMarked || !this.isNew) await syncFolder(this.path)
    this.recoveryPoints = await this.#readCheckpoint(RECOVERY_POINT_FILE)
    this.logStarts = await this.#readCheckpoint(LOG_START_FILE)
    this.cleanerOffsets = await this.#readCheckpoint(CLEANER_OFFSET_FILE)
  }

  saveRecoveryPoints(): Promise<void> {
    return this.#saveRecoveryPoints()
  }

  saveLogStarts(): Promise<void> {
    return this.#saveLogStarts()
  }

  /** What is known of a log that is being opened is flushed up to `offset` at most. Durable when resolved. */
  async lowerRecoveryPoint(folder: string, offset: number): Promise<void> {
    const before = this.recoveryPoints.get(folder) ?? 0
    if (before <= offset) return
    this.recoveryPoints.set(folder, offset)
    try {
      await this.#saveRecoveryPoints()
    } catch (error) {
      // Still to be done.
      if (!this.logs.has(folder)) this.recoveryPoints.set(folder, before)
      throw error
    }
  }

  /** The log of that folder is compacted up to `offset`. Durable when resolved. */
  saveCleanerOffset(folder: string, offset: number): Promise<void> {
    this.cleanerOffsets.set(folder, offset)
    return this.#saveCleanerOffsets()
  }

  /** The log of that folder is compacted up to `offset` at most. Durable when resolved. */
  async lowerCleanerOffset(folder: string, offset: number): Promise<void> {
    const before = this.cleanerOffsets.get(folder) ?? -1
    if (before <= offset) return
    try {
      await this.saveCleanerOffset(folder, offset)
    } catch (error) {
      // Still to be done.
      this.cleanerOffsets.set(folder, before)
      throw error
    }
  }

  /** A log of that name is gone, or new: nothing of it is compacted. */
  async forgetCleanerOffset(folder: string): Promise<void> {
    if (this.cleanerOffsets.delete(folder)) this.#notCompacted.add(folder)
    if (!this.#notCompacted.has(folder)) return
    await this.#saveCleanerOffsets()
    this.#notCompacted.delete(folder)
  }

  /** The last act of an orderly stop: everything else is on the disk. */
  async markClean(): Promise<void> {
    await writeDurably(path.join(this.path, CLEAN_SHUTDOWN_FILE), '{"version":0,"brokerEpoch":-1}')
  }

  // As Kafka: what can't be read of one directory is a fault of that one. What it says, and should not, ends the start.
  async #written(): Promise<WrittenProperties | undefined> {
    try {
      return await readWrittenProperties(this.path)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      throw new StorageError('EINVAL', path.join(this.path, META_PROPERTIES_FILE), error.message)
    }
  }

  async #readMeta(): Promise<MetaProperties | undefined> {
    const written = await this.#written()
    if (written !== undefined) return metaPropertiesOf(written)
    let names: string[]
    try {
      names = await readdir(this.path)
    } catch (error) {
      throw storageError(error, this.path)
    }
    const foreign = names.filter((name) => !HARMLESS.has(name))
    if (foreign.length > 0) {
      const shown = foreign.slice(0, 3).join(', ')
      throw new ConfigError('log.dirs', `${this.path} is no data folder: it holds ${shown} but no ${META_PROPERTIES_FILE}`)
    }
    return undefined
  }

  // A checkpoint that can't be read costs time, never data: recovery then reads everything.
  async #readCheckpoint(name: string): Promise<OffsetCheckpoint> {
    try {
      return await readOffsetCheckpoint(path.join(this.path, name))
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      // It is written anew before long: what somebody else wrote in it stays readable.
      const kept = await setAside(path.join(this.path, name), UNREADABLE_SUFFIX)
      this.#log.error(`${error.message}; the file is not used, and kept as ${kept}`)
      return new Map()
    }
  }

  async #write(name: string, known: OffsetCheckpoint, offsetOf: (log: Log) => number): Promise<void> {
    for (const [folder, log] of this.logs) known.set(folder, offsetOf(log))
    const entries: PartitionOffset[] = []
    for (const [folder, offset] of known) {
      const dash = folder.lastIndexOf('-')
      if (offset > 0 || name === RECOVERY_POINT_FILE) {
        entries.push({ topic: folder.slice(0, dash), partition: Number(folder.slice(dash + 1)), offset })
      }
    }
    await this.#replace(name, entries)
  }

  async #writeAll(name: string, offsets: OffsetCheckpoint): Promise<void> {
    const entries = Array.from(offsets, ([folder, offset]) => {
      const dash = folder.lastIndexOf('-')
      return { topic: folder.slice(0, dash), partition: Number(folder.slice(dash + 1)), offset }
    })
    await this.#replace(name, entries)
  }

  async #replace(name: string, entries: readonly PartitionOffset[]): Promise<void> {
    try {
      await writeOffsetCheckpoint(path.join(this.path, name), entries)
    } catch (error) {
      if (error instanceof StorageError && !isPassing(error.code)) this.onFailure?.(error)
      throw error
    }
  }

  /** The log is closed for good: its offsets are no longer written. */
  forget(topic: string, partition: number): void {
    const folder = partitionFolder(topic, partition)
    this.logs.delete(folder)
    this.recoveryPoints.delete(folder)
    this.logStarts.delete(folder)
    this.#forgotten.add(folder)
  }

  /** Writes the checkpoints without the logs that were forgotten. Rejects with a StorageError. */
  async saveForgotten(): Promise<void> {
    const forgotten = [...this.#forgotten]
    await Promise.all([this.saveRecoveryPoints(), this.saveLogStarts()])
    for (const folder of forgotten) this.#forgotten.delete(folder)
  }

  /**
   * A log of that name is about to begin: what the checkpoints say of an earlier one must be gone first. After a crash its log start would
   * else make the new log begin there, without the records below. Rejects with a StorageError.
   */
  async beginAnew(topic: string, partition: number): Promise<void> {
    const folder = partitionFolder(topic, partition)
    if (this.recoveryPoints.has(folder) || this.logStarts.has(folder)) this.forget(topic, partition)
    if (this.#forgotten.has(folder)) await this.saveForgotten()
  }
}

/** One run at a time; who asks meanwhile shares the next one. */
function shared(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  const start = () => {
    running = run().finally(() => (running = undefined))
    return running
  }
  return () => {
    // Between the end of one run and the start of the next, which waits already, nobody gets in: two at a time would write one file.
    if (running === undefined && next === undefined) return start()
    next ??= running!
      .catch(() => undefined)
      .then(() => {
        next = undefined
        return start()
      })
    return next
  }
}
