/** What the parts of one log share: its writer, reader, cleaner and loader. */
import path from 'node:path'
import type { Clock, Timer } from '../clock.js'
import type { TopicConfig } from '../config/index.js'
import { StorageError } from '../errors.js'
import { Strand } from '../native/segment.js'
import { writeFiles, type SmallFile } from '../native/folders.js'
import type { Runtime } from '../native/runtime.js'
import { renderEpochCheckpoint } from './checkpoints.js'
import { isPassing } from './files.js'
import { LeaderEpochs } from './leader-epochs.js'
import { LogSegment } from './log-segment.js'
import { LEADER_EPOCH_FILE, offsetName, pathIn } from './names.js'
import { ProducerStates } from './producer-state.js'
import { SegmentList } from './segment-list.js'
import type { TaskQueue } from './task-queue.js'

/** What the log tells whoever opened it. */
export interface LogEnvironment {
  readonly runtime: Runtime
  readonly clock: Clock
  /** The folder failed: it goes offline with all its logs. */
  failed(error: StorageError): void
  /** Something that the operator should know of; the log goes on. */
  warn(message: string, error?: unknown): void
  /** The same of what may come with every append: not of each. */
  warnSometimes?(message: string): void
  /** The log start offset moved: resolved once that is durable. */
  logStartMoved(): Promise<void>
  /** The recovery point was lowered, because the log is about to be truncated: resolved once that is durable. */
  truncating?(): Promise<void>
  /** As `truncating`, of a log that is being opened: what is written from `offset` on, of indexes that are made anew too, is not flushed. `key`: as in the checkpoints. */
  unflushed?(key: string, offset: number): Promise<void>
  /** As `truncating`: what is written from `offset` on will not be compacted any more. `key`: as in the checkpoints. */
  notCompacted?(key: string, offset: number): Promise<void>
  /** A flush moved the recovery point. */
  recoveryPointMoved(): void
  /** Recovery has read so many bytes of the log. */
  recovered?(bytes: number): void
  /** Bounds how many compressed batches are held decompressed at a time; without one each log may hold as many as are appended to it. */
  readonly decompressions?: TaskQueue
  /** Bounds how many logs write their leader epochs at a time; without one each does so at once. */
  readonly epochWrites?: TaskQueue
  /** `producer.id.expiration.ms` */
  producerExpirationMs(): number
  /** The logs that are found are somebody else's, and only links to them are in the folder: see mirror.ts. */
  readonly readOnly?: boolean
  /** `sluice.flush.background.bytes`; 0: never. */
  backgroundFlushBytes(): number
}

/** Segments go one after the other, minutes apart: a second time is unlikely, a third hardly ever happens. */
const READ_AGAIN = 3

export class LogState {
  readonly topic: string
  readonly partition: number
  readonly environment: LogEnvironment
  readonly runtime: Runtime
  readonly clock: Clock
  readonly strand: Strand
  readonly segments = new SegmentList()
  producers = new ProducerStates()
  epochs = new LeaderEpochs()
  topicId: string
  config: TopicConfig
  folder: string
  logStartOffset = 0
  /** Below `logStartOffset`: that one is not known to be on the disk. */
  savedStart = 0
  /** What the log start will be when the truncation that has begun is done; the checkpoints name this one. */
  comingStart: number | undefined
  /** Assigned: the offset of the next batch. */
  nextOffset = 0
  /** Written: what readers see. */
  endOffset = 0
  /** Behind the last batch that was written since the log was opened or cut: above `endOffset` where flush.messages shows batches when they are flushed. */
  writtenOffset = 0
  /** What followers are known to have; undefined: there are none, and all that is written is replicated. */
  replicatedTo: number | undefined
  /** Rises when a truncation begins and when it ends, so that it is odd meanwhile: who waited for the disk knows that what it learned no longer holds. */
  cuts = 0
  /** Bytes that readers were shown since the log was opened: only rises, whatever retention deletes. */
  appendedBytes = 0
  /** All below it is on the disk. */
  recoveryPoint = 0
  /** What the checkpoint may say that it is: also of what the start has not taken for it. */
  savedRecoveryPoint = 0
  /** The newest producer snapshot that is a file; -1: none. */
  snapshotOffset = -1
  /** Indexes from here on were made anew when the log was opened. */
  remadeFrom = Infinity
  /** Resolves when no snapshot is being written. */
  snapshotsWritten: Promise<void> = Promise.resolve()
  /** That file was flushed, or found after a clean stop. */
  snapshotFlushed = false
  /** The log can't be used any more: its folder failed, or it was closed or deleted. */
  offline = false
  /** Nothing is appended any more: what is in memory alone is saved next. */
  closing = false
  /** Files came, went or were replaced since the folder was last flushed, besides the segments that say so themselves. */
  folderChanged = true
  /** Rises when the folder gets another name: at the start of it and at the end. */
  renames = 0
  #released = false
  #damageTold: Set<string> | undefined
  #epochsTaken = 0
  #epochsWritten = 0
  #epochWrite: Promise<void> = Promise.resolve()
  #delayed: Map<() => Promise<void>, Timer> | undefined

  constructor(topic: string, partition: number, topicId: string, folder: string, config: TopicConfig, environment: LogEnvironment) {
    this.topic = topic
    this.partition = partition
    this.topicId = topicId
    this.folder = folder
    this.config = config
    this.environment = environment
    this.runtime = environment.runtime
    this.clock = environment.clock
    this.strand = new Strand(environment.runtime)
  }

  get highWatermark(): number {
    return this.replicatedTo === undefined ? this.endOffset : Math.min(this.replicatedTo, this.endOffset)
  }

  /** Nothing was cut off since `cuts` was that, nor is anything being cut off now. */
  isUncutSince(cuts: number): boolean {
    return cuts === this.cuts && cuts % 2 === 0
  }

  segmentPath(baseOffset: number): string {
    return pathIn(this.folder, offsetName(baseOffset))
  }

  /** A segment that exists with so many bytes; -1: one to be created. */
  makeSegment(baseOffset: number, size: number): LogSegment {
    const readOnly = this.environment.readOnly === true && size >= 0
    const where = this.segmentPath(baseOffset)
    const segment = new LogSegment(this.runtime, where, baseOffset, size, this.config, this.clock.now(), this.strand, readOnly)
    this.segments.add(segment)
    return segment
  }

  /** The first offset that a reader of committed records must not see: of the earliest transaction that is not decided and replicated. */
  get lastStableOffset(): number {
    const { highWatermark } = this
    const first = this.producers.firstUnstableOffset
    // A transaction may have begun below the log start.
    return first === undefined ? highWatermark : Math.min(highWatermark, Math.max(first, this.logStartOffset))
  }

  /** The folder failed. Told once; the log refuses everything from now on. */
  fail(error: StorageError): void {
    if (this.offline) return
    this.offline = true
    this.environment.failed(error)
  }

  /** The disk answers, but with bytes that are no batches: that is this log's alone. Any other failure that does not pass is the folder's. */
  readFailed(error: StorageError): void {
    if (error.code === 'EBADMSG') return this.#tellDamage(error)
    // A topic that is being deleted loses its files; somebody else's must not.
    const deleted = error.code === 'ENOENT' && this.environment.readOnly !== true
    if (!isPassing(error.code) && !deleted && error.code !== 'ECANCELED') this.fail(error)
  }

  #tellDamage({ path }: StorageError): void {
    if (this.#damageTold?.has(path) === true) return
    this.#damageTold = (this.#damageTold ?? new Set()).add(path)
    const where = `${path}.log or its indexes hold what can't be right: reads that come to it are refused`
    this.environment.warn(`${this.topic}-${this.partition}: ${where}. \`sluice log verify\` tells what it is`)
  }

  /** A full disk passes; one that can't be written takes the folder offline, as in Kafka. */
  failUnlessPassing(error: unknown): void {
    if (error instanceof StorageError && error.code !== 'ECANCELED' && !isPassing(error.code)) this.fail(error)
  }

  /** The leader epochs in memory are in their file. */
  get epochsSaved(): boolean {
    return this.epochs.version === this.#epochsWritten
  }

  /** The leader epochs have changed since `saveEpochs` was last called. */
  get epochsChanged(): boolean {
    return this.epochs.version !== this.#epochsTaken
  }

  /** Resolves when the leader epochs are not being written. */
  get epochsWritten(): Promise<void> {
    return this.#epochWrite
  }

  /** Of the file with the leader epochs. */
  epochsFile(): SmallFile {
    const contents = Buffer.from(renderEpochCheckpoint(this.epochs.entries))
    return { path: path.join(this.folder, LEADER_EPOCH_FILE), contents, replaces: true }
  }

  /**
   * Writes the leader epochs if they changed since. In the background: every batch holds its epoch, so that recovery finds again what a crash
   * kept from being written. Durable with the next flush of the folder. Never rejects.
   */
  saveEpochs(): Promise<void> {
    this.#epochsTaken = this.epochs.version
    this.#epochWrite = this.#epochWrite.then(async () => {
      if (this.offline || this.epochsSaved) return
      const { version } = this.epochs
      try {
        // Natively: after a start, all partitions that are written to do this.
        await writeFiles(this.runtime, path.dirname(this.folder), [this.epochsFile()], true)
        this.folderChanged = true
        this.#epochsWritten = version
      } catch (error) {
        this.environment.warn(`the leader epochs of ${this.topic}-${this.partition} could not be written`, error)
        this.failUnlessPassing(error)
      }
    })
    return this.#epochWrite
  }

  /** As saveEpochs, when the log has its turn, and not once it is being closed, which saves them itself. For whoever does not wait. */
  saveEpochsSoon(): void {
    this.#epochsTaken = this.epochs.version
    const save = (): Promise<void> => (this.closing ? Promise.resolve() : this.saveEpochs())
    const { epochWrites } = this.environment
    void (epochWrites === undefined ? save() : epochWrites.run(save))
  }

  /** Resolves when the folder is not being renamed. */
  whenNamed(): Promise<void> {
    return this.#epochWrite
  }

  /** The folder gets the name `folder` by `rename`, while no file in it is being replaced. Rejects as that does; then it has the old one. */
  rename(folder: string, rename: () => Promise<void>): Promise<void> {
    const done = this.#epochWrite.then(async () => {
      this.renames++
      try {
        await rename()
        this.#renamed(folder)
      } finally {
        this.renames++
      }
    })
    this.#epochWrite = done.catch(() => undefined)
    return done
  }

  /** Runs while the folder keeps its name. Rejects as `work` does. */
  underName<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#epochWrite.then(work)
    this.#epochWrite = done.then(
      () => undefined,
      () => undefined
    )
    return done
  }

  #renamed(folder: string): void {
    this.folder = folder
    // Its directory may have failed meanwhile.
    if (this.#released) return
    for (const segment of this.segments.all()) segment.native.moved(this.segmentPath(segment.baseOffset))
  }

  /** What native code has of the log is let go of. */
  get released(): boolean {
    return this.#released
  }

  /** Once: a folder may fail while its logs are being closed. */
  release(): void {
    if (this.#released) return
    this.#released = true
    for (const segment of this.segments.all()) segment.native.close()
    this.strand.close()
  }

  /**
   * A read that waits for the disk in between: retention or compaction may take its segment away meanwhile, whose handle is stale then: it is
   * read again from what there is now. A StorageError when the log is closed.
   */
  async reading<T>(read: () => Promise<T>): Promise<T> {
    for (let again = READ_AGAIN; ; again--) {
      if (this.offline) throw new StorageError('ECANCELED', this.folder, `the log in ${this.folder} is closed`)
      try {
        return await read()
      } catch (error) {
        // Its files may have got other names before a thread that waits for its turn opened them.
        const missing = error instanceof StorageError && error.code === 'ENOENT'
        if (!missing && error instanceof StorageError) this.readFailed(error)
        if (!missing && !(error instanceof RangeError)) throw error
        if (again > 0) continue
        throw missing ? error : new StorageError('ECANCELED', this.folder, `a segment in ${this.folder} was deleted while it was read`)
      }
    }
  }

  /** Runs `work` after a while; sooner when the log is closed. What fails is told and forgotten: it concerns files that are deleted. */
  later(delayMs: number, work: () => Promise<void>): void {
    this.#delayed = (this.#delayed ?? new Map()).set(
      work,
      this.clock.schedule(delayMs, () => void this.#runDelayed(work))
    )
  }

  /** Runs all delayed work now. */
  async settle(): Promise<void> {
    for (const work of Array.from(this.#delayed?.keys() ?? [])) await this.#runDelayed(work)
  }

  async #runDelayed(work: () => Promise<void>): Promise<void> {
    const timer = this.#delayed?.get(work)
    if (timer === undefined) return
    this.#delayed?.delete(work)
    timer.cancel()
    try {
      await work()
    } catch (error) {
      this.environment.warn(`deleted files of ${this.topic}-${this.partition} could not be removed`, error)
    }
  }
}
