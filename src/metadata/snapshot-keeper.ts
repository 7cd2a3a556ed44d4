/** When snapshots are written, and which of them and how much of the log are kept. */
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from '../log.js'
import type { LoadedMetadata } from './metadata-folder.js'
import type { MetadataLog } from './metadata-log.js'
import { encodeSnapshot, listSnapshots, writeSnapshot, type SnapshotContent } from './snapshot-file.js'

/** The last one but one stays, with the log behind it: should the newest be damaged, nothing is lost. */
const KEPT_SNAPSHOTS = 2
/** A clean stop leaves no longer tail than this: 5,000 partitions are some 300 KiB. */
const TAIL_BYTES_AT_STOP = 256 * 1024

export class SnapshotKeeper {
  readonly #folder: string
  readonly #log: Logger
  #bytesSince: number
  // Of the last snapshot of this run, or of its first change.
  #lastAt: number | undefined
  #writing: Promise<void> | undefined

  constructor(folder: string, loaded: LoadedMetadata, log: Logger) {
    this.#folder = folder
    this.#log = log
    this.#bytesSince = loaded.tailBytes
  }

  appended(bytes: number): void {
    this.#bytesSince += bytes
  }

  /** After so many bytes, or so long while anything changed; an interval of 0 is none. */
  isDue(now: number, maxBytes: number, intervalMs: number): boolean {
    this.#lastAt ??= now
    if (this.#writing !== undefined || this.#bytesSince === 0) return false
    return this.#bytesSince >= maxBytes || (intervalMs > 0 && now - this.#lastAt >= intervalMs)
  }

  get worthWritingAtStop(): boolean {
    return this.#bytesSince >= TAIL_BYTES_AT_STOP
  }

  /** What the image holds at the call is written. Never rejects: without a snapshot the log just stays longer. */
  async write(log: MetadataLog, content: SnapshotContent): Promise<void> {
    const batches = encodeSnapshot(content)
    log.roll()
    this.#bytesSince = 0
    this.#lastAt = content.now
    await this.#writing
    this.#writing = this.#write(log, content, batches).catch((error: unknown) => {
      this.#log.error(`a snapshot of the metadata cannot be written: ${(error as Error).message}`)
    })
    await this.#writing
    this.#writing = undefined
  }

  /** Resolves when no snapshot is being written. */
  async settled(): Promise<void> {
    await this.#writing
  }

  async #write(log: MetadataLog, { endOffset, epoch }: SnapshotContent, batches: readonly Buffer[]): Promise<void> {
    // Else a power cut could leave it ahead of the log: of what a start wrote, and nobody has flushed.
    await log.flush()
    await writeSnapshot(this.#folder, endOffset, epoch, batches)
    this.#log.info(`metadata snapshot written at offset ${endOffset}`)
    const names = await readdir(this.#folder)
    // What a crash left of a snapshot that it interrupted.
    for (const name of names) if (name.endsWith('.checkpoint.part')) await rm(path.join(this.#folder, name), { force: true })
    const all = listSnapshots(this.#folder, names)
    for (const old of all.slice(KEPT_SNAPSHOTS)) await rm(old.path, { force: true })
    const oldest = all[KEPT_SNAPSHOTS - 1]
    if (oldest && oldest.endOffset > 0) await log.trim(oldest.endOffset)
  }
}
