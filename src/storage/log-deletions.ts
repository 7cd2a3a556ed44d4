/** Deleting partitions: a folder gets another name at once, which frees its own, and is removed later. */
import path from 'node:path'
import type { StorageError } from '../errors.js'
import type { Logger } from '../log.js'
import { isBrokenDisk, storageError } from './files.js'
import type { Log } from './log.js'
import type { LogDir } from './log-dir.js'
import type { LogEntry } from './log-table.js'
import { partitionFolder } from './names.js'
import { removePartitionFolder, renameDurably, renameForDeletion } from './partition-folder.js'

export interface LogDeletionsOptions {
  readonly log: Logger
  /** Told when a directory does not work. */
  readonly failed: (dir: LogDir, error: StorageError) => void
  /** Later, or when the logs are closed. */
  readonly after: (delayMs: number, work: () => void) => void
}

export class LogDeletions {
  readonly #options: LogDeletionsOptions
  readonly #removals = new Set<Promise<void>>()
  /** Partitions whose folder has still its name. */
  readonly #leaving = new Map<string, Promise<void>>()

  constructor(options: LogDeletionsOptions) {
    this.#options = options
  }

  /** Settles when the folder of a partition that is being deleted has another name; undefined: none is being deleted. */
  leaving(topic: string, partition: number): Promise<void> | undefined {
    return this.#leaving.get(partitionFolder(topic, partition))
  }

  /** Of a partition that is not in the table any more. `log`: it was open. Rejects with a StorageError. */
  async delete(entry: LogEntry, log: Log | undefined): Promise<void> {
    await this.#leave(entry, log, async ({ topic, partition, folder }) => {
      const renamed = await renameForDeletion(folder, topic, partition)
      this.#options.after(log?.config.fileDeleteDelayMs ?? 0, () => this.removeFolder(renamed))
    })
  }

  /** As `delete`, but nothing is removed: the folder is kept as `kept`, beside its place. Rejects with a StorageError. */
  async setAside(entry: LogEntry, log: Log | undefined, kept: string): Promise<void> {
    await this.#leave(entry, log, ({ folder, dir }) => renameDurably(folder, path.join(dir.path, kept)))
  }

  async #leave(entry: LogEntry, log: Log | undefined, rename: (entry: LogEntry) => Promise<void>): Promise<void> {
    const { dir } = entry
    const key = partitionFolder(entry.topic, entry.partition)
    const leaving = this.#rename(entry, log, rename)
    this.#leaving.set(key, leaving)
    try {
      await leaving
    } finally {
      this.#leaving.delete(key)
    }
    if (!dir.online) return
    try {
      await dir.saveForgotten()
      await dir.forgetCleanerOffset(key)
    } catch (error) {
      // A disk that is full is why topics are deleted. The next checkpoint that can be written leaves the log out.
      this.#options.log.warn(`${key} is gone, but the checkpoints of ${dir.path} still name it: ${(error as Error).message}`)
    }
  }

  async #rename(entry: LogEntry, log: Log | undefined, rename: (entry: LogEntry) => Promise<void>): Promise<void> {
    const { topic, partition, dir, folder } = entry
    dir.forget(topic, partition)
    await log?.abandon()
    // What is in a directory that does not work stays there; its topic id tells that it is of a topic that is gone.
    if (!dir.online) return
    try {
      await rename(entry)
    } catch (error) {
      const failure = storageError(error, folder)
      if (isBrokenDisk(failure.code)) this.#options.failed(dir, failure)
      throw failure
    }
  }

  /** Of a folder that was renamed for deletion, when `log`, which is in it, is closed. What goes wrong is told in the log. */
  removeFolder(folder: string, log?: Log): void {
    const closed = log?.abandon() ?? Promise.resolve()
    const removal = closed
      .then(() => removePartitionFolder(folder))
      .then(
        (left) => {
          if (left.length > 0) this.#options.log.warn(`${folder} stays: ${left.slice(0, 3).join(', ')} in it is not ours`)
        },
        (error: Error) => this.#options.log.warn(`a deleted partition's folder could not be removed: ${error.message}`)
      )
    this.#removals.add(removal)
    void removal.finally(() => this.#removals.delete(removal))
  }

  /** Resolves when the removals that have begun are done. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#removals)
  }
}
