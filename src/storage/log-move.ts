/** One move of a partition to another log directory: the copy, and the swap when it has everything. */
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { StorageError } from '../errors.js'
import { isFull, isThere, storageError } from './files.js'
import * as batch from '../record/batch.js'
import { Log } from './log.js'
import { batchStart, copyPiece } from './log-copy.js'
import type { LogDir } from './log-dir.js'
import type { MoveHost } from './log-moves.js'
import { futureFolder, partitionFolder } from './names.js'
import { createPartitionFolder, readTopicId, nameForDeletion, renameDurably, renameForDeletion } from './partition-folder.js'
import type { Throttle } from './throttle.js'

/** Read at a time, and no more than is allowed for a second. */
const PIECE_BYTES = 1024 * 1024

/** `moved`: the partition is in the other directory. `given-up`: that can't be, now. `again`: there is more to do. `stopped`: as was asked for. */
export type MoveOutcome = 'moved' | 'given-up' | 'again' | 'stopped'

export class LogMove {
  readonly topic: string
  readonly partition: number
  readonly target: LogDir
  /** The copy, when it is open. */
  to: Log | undefined
  running: Promise<void> = Promise.resolve()
  readonly #host: MoveHost
  readonly #throttle: Throttle
  readonly #key: string
  #folder: string
  /** Of the log, when the copy of it was begun. */
  #truncations = 0
  /** By directory whose files are not all on the disk: up to where the partition was there when that was found. */
  readonly #flushed = new Map<LogDir, number>()
  readonly #stopping = new AbortController()
  #abandon: (() => void) | undefined
  readonly #abandoned = new Promise<false>((resolve) => (this.#abandon = () => resolve(false)))

  /** `folder`: of a copy that is there already. */
  constructor(host: MoveHost, throttle: Throttle, topic: string, partition: number, target: LogDir, folder?: string) {
    this.#host = host
    this.#throttle = throttle
    this.topic = topic
    this.partition = partition
    this.target = target
    this.#key = partitionFolder(topic, partition)
    this.#folder = folder ?? this.#newFolder()
    for (const dir of host.dirs) {
      const recoveryPoint = dir.recoveryPoints.get(this.#key)
      // A copy that was given up is not flushed, nor named, when its directory is closed.
      const isGivenUp = dir === target && recoveryPoint === undefined
      if (!dir.cleanShutdown || isGivenUp) this.#flushed.set(dir, recoveryPoint ?? 0)
    }
  }

  /** Aborted by `stop`. */
  get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  get stopped(): boolean {
    return this.#stopping.signal.aborted
  }

  /** Begins an empty copy of `from`. Rejects with a StorageError. */
  async create(from: Log): Promise<void> {
    this.#truncations = from.truncations
    // What the checkpoints say of an earlier log of that name there must not be taken for this one's after a crash.
    await this.target.beginAnew(this.topic, this.partition)
    await this.target.forgetCleanerOffset(this.#key)
    // Where compaction took the first batches away, the offsets below the first one that is left are still there to be read from.
    const base = Math.min(from.logStartOffset, await batchStart(this.#host.runtime, from, from.logStartOffset))
    await createPartitionFolder(this.#folder, from.topicId)
    this.to = await this.#open(from, { clean: true, recoveryPoint: base, logStartOffset: base })
  }

  /** Copying ends soon; a swap that has begun is completed. */
  stop(): void {
    this.#stopping.abort()
  }

  /** The partition goes away: a swap is not waited for unless it is decided. */
  abandon(): void {
    this.stop()
    this.#abandon!()
  }

  /** Removes the copy, as far as there is one; only when nothing runs. */
  async discard(): Promise<void> {
    const { target, topic, partition } = this
    const isKnown = this.to !== undefined
    await this.#close()
    if (!target.online) return
    try {
      this.#host.removeFolder(await renameForDeletion(this.#folder, topic, partition))
      if (isKnown) await Promise.all([target.saveRecoveryPoints(), target.saveLogStarts()])
    } catch (error) {
      if (error instanceof StorageError && error.code === 'ENOENT') return
      this.#host.log.warn(`a copy of ${this.#key} that is not needed could not be removed: ${(error as Error).message}`)
    }
  }

  /** Copies until the copy has everything, and swaps. Rejects with a StorageError: after a while it may be tried again. */
  async attempt(): Promise<MoveOutcome> {
    if (this.stopped) return 'stopped'
    const current = await this.#host.whenHeld(this.topic, this.partition)
    if (current === undefined || !this.target.online) return this.#giveUp()
    const { log: from, dir } = current
    if (dir === this.target) {
      await this.discard()
      return 'given-up'
    }
    // None begins while the partition is being moved.
    await from.cleaning.abort()
    const to = (this.to ??= await this.#reopen(from, dir))
    while (!this.stopped) {
      if (from.truncations !== this.#truncations) return this.#anew(from)
      await this.#followStart(from, to)
      const maxBytes = Math.max(1, Math.min(PIECE_BYTES, this.#host.config.get('replica.alter.log.dirs.io.max.bytes.per.second')))
      const end = from.endOffset
      const bytes = await copyPiece(this.#host.runtime, from, to, maxBytes)
      if (!this.target.online || !dir.online) return this.#giveUp()
      // What was written while this piece was copied is little.
      if (to.endOffset >= end) return this.#swap(from, dir, to)
      if (bytes > 0) await this.#throttle.spent(bytes, this.stopping)
      // No batches are left before the end.
      if (bytes === 0) await to.skipTo(end)
    }
    return 'stopped'
  }

  #flushedIn(dir: LogDir): number {
    return this.#flushed.get(dir) ?? Infinity
  }

  #newFolder(): string {
    return path.join(this.target.path, futureFolder(this.topic, this.partition, randomBytes(16).toString('hex'))!)
  }

  async #open(from: Log, options: { clean: boolean; recoveryPoint: number | undefined; logStartOffset: number | undefined }): Promise<Log> {
    const { topic, partition, target } = this
    const where = { topic, partition, topicId: from.topicId, folder: this.#folder }
    const log = await Log.open(where, this.#host.topicConfig(topic), options, this.#host.environment(target))
    target.logs.set(this.#key, log)
    return log
  }

  /** The copy of an earlier run, or a new one where that is none of this log. */
  async #reopen(from: Log, source: LogDir): Promise<Log> {
    const { target } = this
    this.#truncations = from.truncations
    const known = await readTopicId(this.#folder)
    if (known === from.topicId) {
      try {
        const to = await this.#open(from, {
          clean: target.cleanShutdown,
          recoveryPoint: target.recoveryPoints.get(this.#key),
          logStartOffset: target.logStarts.get(this.#key)
        })
        this.to = to
        // What was not flushed may be missing in the middle of the copy, and would not be copied again; or in the log, which must not get it back.
        const trusted = Math.min(this.#flushedIn(target), this.#flushedIn(source))
        if (trusted < Infinity) await to.truncateTo(Math.max(to.logStartOffset, trusted))
        if (await this.#continues(from, to)) return to
        this.#host.log.warn(`the copy of ${this.#key} in ${target.path} has other records than the partition: it is made anew`)
      } catch (error) {
        this.#host.log.warn(`the copy of ${this.#key} in ${target.path} can not be opened and is made anew: ${(error as Error).message}`)
      }
    }
    await this.#anew(from)
    return this.to!
  }

  // Its first segments may be lost and later ones not, or its last and some of the log's; one that has lost all begins at the log start, which may lie
  // within a batch.
  async #continues(from: Log, to: Log): Promise<boolean> {
    if (to.logStartOffset > from.logStartOffset) return false
    return (await batchStart(this.#host.runtime, from, to.endOffset)) >= to.endOffset && (await endsAlike(from, to))
  }

  async #anew(from: Log): Promise<MoveOutcome> {
    await this.discard()
    this.#folder = this.#newFolder()
    await this.create(from)
    return 'again'
  }

  // The copy stays for the next start, when the failed directory may work again.
  async #giveUp(): Promise<MoveOutcome> {
    await this.#close()
    this.#host.log.warn(`the move of ${this.#key} to ${this.target.path} is given up: a directory of it does not work`)
    return 'given-up'
  }

  async #close(): Promise<void> {
    const { to, target } = this
    this.to = undefined
    if (to !== undefined && target.logs.get(this.#key) === to) target.forget(this.topic, this.partition)
    await to?.abandon()
  }

  // A copy that has not come to the start yet goes on there: what lies between is a gap.
  async #followStart(from: Log, to: Log): Promise<void> {
    if (from.logStartOffset <= to.logStartOffset || from.logStartOffset > to.endOffset) return
    await to.deleteRecordsBefore(from.logStartOffset)
  }

  async #swap(from: Log, source: LogDir, to: Log): Promise<MoveOutcome> {
    // Most of it before appends have to wait.
    await to.flush()
    await from.beginHandover()
    let heir: Log | undefined
    try {
      let copied: number
      do copied = await copyPiece(this.#host.runtime, from, to, PIECE_BYTES)
      while (copied > 0)
      if (to.endOffset !== from.endOffset || from.truncations !== this.#truncations) return 'again'
      await this.#followStart(from, to)
      await to.inherit(from)
      // The log may have got its id when the copy was there already. By it a start knows which copy is the partition.
      if (to.topicId !== from.topicId) await to.adoptTopicId(from.topicId)
      to.configure(from.config)
      await this.target.saveLogStarts()
      await this.target.saveRecoveryPoints()
      if (!(await this.#decide(from, source))) return this.stopped ? 'stopped' : 'again'
      heir = await this.#exchange(from, source, to)
      return heir === undefined ? this.#giveUp() : 'moved'
    } finally {
      if (heir === undefined) from.endHandover()
      else this.#retire(from, source)
    }
  }

  // From here on a start completes the move, because the metadata names the new directory.
  async #decide(from: Log, source: LogDir): Promise<boolean> {
    if (this.stopped) return false
    const assigned = await Promise.race([this.#host.assign(from, this.target), this.#abandoned])
    // While the metadata was written the directory may have failed: the partition stays where it can be served.
    if (assigned && this.target.online) return true
    if (this.stopped) return false
    await Promise.race([this.#host.assign(from, source), this.#abandoned])
    throw new StorageError('EAGAIN', this.#folder, 'the metadata could not be changed')
  }

  /** Gives the folders their new names. The old one goes first: at no point are there two of that name. */
  async #exchange(from: Log, source: LogDir, to: Log): Promise<Log | undefined> {
    const { topic, partition, target } = this
    const old = from.folder
    let renamed: string | undefined
    let failure: StorageError | undefined
    try {
      const gone = nameForDeletion(old, topic, partition)
      await from.rename(gone, () => renameDurably(old, gone))
      renamed = gone
    } catch (error) {
      failure = storageError(error, old)
      if (await foundNoRoom(failure, old)) {
        await Promise.race([this.#host.assign(from, source), this.#abandoned])
        throw failure
      }
      // The other directory has everything. It is told when the partition is there.
    }
    const place = path.join(target.path, this.#key)
    try {
      await to.rename(place, () => renameDurably(this.#folder, place))
    } catch (error) {
      const why = storageError(error, place)
      const noRoom = await foundNoRoom(why, this.#folder)
      if (!noRoom) this.#host.failed(target, why)
      if (failure) this.#host.failed(source, failure)
      if (renamed !== undefined) await this.#putBack(from, source, renamed, old)
      if (noRoom) throw why
      return undefined
    }
    this.#folder = place
    source.forget(topic, partition)
    // In one turn: nothing may get to the new log before what has waited.
    from.endHandover(to)
    this.#host.replaced(to, target)
    if (failure) this.#host.failed(source, failure)
    this.#host.log.info(`${this.#key} has moved from ${source.path} to ${target.path}`)
    return to
  }

  async #putBack(from: Log, source: LogDir, renamed: string, old: string): Promise<void> {
    try {
      await from.rename(old, () => renameDurably(renamed, old))
      await Promise.race([this.#host.assign(from, source), this.#abandoned])
    } catch (error) {
      this.#host.failed(source, storageError(error, old))
    }
  }

  // Answers that are on their way are still read from it.
  #retire(from: Log, source: LogDir): void {
    this.to = undefined
    const { folder, config } = from
    this.#host.after(config.fileDeleteDelayMs, () => this.#host.removeFolder(folder, from))
    Promise.all([source.saveRecoveryPoints(), source.saveLogStarts()]).catch((error: Error) => {
      if (source.online) this.#host.log.warn(`the checkpoints of ${source.path} still name ${this.#key}: ${error.message}`)
    })
  }
}

/** Whether the last batch of a copy is one of the log, leader epoch and all: a power cut may have taken it there, and another have its offsets since. */
async function endsAlike(from: Log, to: Log): Promise<boolean> {
  if (to.endOffset === to.logStartOffset) return true
  const last = await to.readBytes(to.endOffset - 1, 1)
  if (last.length === 0 || batch.baseOffset(last, 0) < from.logStartOffset) return true
  return (await from.readBytes(batch.baseOffset(last, 0), 1)).equals(last)
}

/** The folder could not be renamed because a longer name has no room: it has the old one, and the move can be tried again later. */
async function foundNoRoom({ code }: StorageError, folder: string): Promise<boolean> {
  return isFull(code) && (await isThere(folder))
}
