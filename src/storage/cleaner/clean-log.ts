/**
 * One compaction of one log (Kafka's Cleaner.doClean): the newest offsets of the keys in the dirty part are noted, then groups of segments are
 * written again without what is out of date, each put in its place when it is on the disk. Bytes are handled in native code, in pieces.
 */
import { utimes, stat } from 'node:fs/promises'
import path from 'node:path'
import { StorageError } from '../../errors.js'
import { CleanStep, CLEAN_SLOT_BYTES, NativeLogClean, type LastRecord } from '../../native/log-clean.js'
import { NativeSegment } from '../../native/segment.js'
import * as batch from '../../record/batch.js'
import { compress, decompress } from '../../record/index.js'
import { MAX_DECOMPRESSED_BYTES } from '../../record/validate.js'
import { storageError } from '../files.js'
import { abortedTransactions } from '../log-aborted.js'
import { LogSegment } from '../log-segment.js'
import type { LogState } from '../log-state.js'
import { CLEANED_SUFFIX, LOG_SUFFIX, TXN_INDEX_SUFFIX } from '../names.js'
import type { Throttle } from '../throttle.js'
import { writeTransactionFile } from '../transaction-index.js'
import { groupSegments, segmentOf, type CleanRange } from './policy.js'
import { replaceSegments } from './replace.js'
import { removeCleaned } from './swap.js'

const OFFSET_ENTRY_BYTES = 8
const TIME_ENTRY_BYTES = 12
const MAX_SLOTS = 0x7fffffff

export interface CleanOptions {
  /** Memory for the keys. */
  readonly mapBytes: number
  /** How full that may get. */
  readonly loadFactor: number
  readonly bufferBytes: number
  readonly throttle: Throttle
}

export interface CleanResult {
  /** Up to where the log is compacted now. */
  readonly endOffset: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly segmentsBefore: number
  readonly segmentsAfter: number
  readonly keys: number
  readonly recordsRead: number
  readonly recordsKept: number
  /** Records without a key are dropped; producing them to a compacted topic is refused. */
  readonly recordsWithoutKey: number
}

/** The compaction was told to stop; the log is as it was, or some of its segments are replaced. */
export class CleaningAborted extends Error {
  override readonly name = 'CleaningAborted'
}

/** Runs with all segments in range on the disk. Throws a StorageError (EBADMSG: bytes that are no sound batch; WaitsForRoom) or CleaningAborted. */
export async function cleanLog(state: LogState, range: CleanRange, options: CleanOptions, signal: AbortSignal): Promise<CleanResult> {
  const nowMs = state.clock.now()
  const { slots, mostKeys } = mapSize(range, options)
  const clean = new NativeLogClean(state.runtime, slots, mostKeys, options.bufferBytes)
  try {
    const run = new CleanRun(state, range, options, signal, clean, nowMs)
    await run.map()
    return await run.rewrite()
  } finally {
    clean.drop()
  }
}

// There are at most as many keys as offsets: a small log takes little memory.
function mapSize({ firstDirtyOffset, firstUncleanableOffset }: CleanRange, { mapBytes, loadFactor }: CleanOptions) {
  const most = Math.min(MAX_SLOTS, Math.floor(mapBytes / CLEAN_SLOT_BYTES))
  const load = Math.min(1, Math.max(0.01, loadFactor))
  const slots = Math.max(2, Math.min(most, Math.ceil((firstUncleanableOffset - firstDirtyOffset) / load) + 2))
  return { slots, mostKeys: Math.max(1, Math.floor(slots * load)) }
}

class CleanRun {
  readonly #state: LogState
  readonly #range: CleanRange
  readonly #options: CleanOptions
  readonly #signal: AbortSignal
  readonly #clean: NativeLogClean
  readonly #nowMs: number

  constructor(state: LogState, range: CleanRange, options: CleanOptions, signal: AbortSignal, clean: NativeLogClean, nowMs: number) {
    this.#state = state
    this.#range = range
    this.#options = options
    this.#signal = signal
    this.#clean = clean
    this.#nowMs = nowMs
  }

  async map(): Promise<void> {
    const { firstDirtyOffset: start, firstUncleanableOffset: end } = this.#range
    const clean = this.#clean
    clean.beginMap(start)
    clean.addAborted(await abortedTransactions(this.#state, start, end))
    const segments = this.#segmentsBetween(start, end)
    for (const [index, segment] of segments.entries()) {
      const from = start > segment.baseOffset && segment.size > 0 ? (await segment.native.locate(start)).position : 0
      if (await this.#mapSegment(segment, from)) return
      // What lies in a gap at the end of the segment has been seen as well.
      clean.mappedTo(segments[index + 1]?.baseOffset ?? end)
    }
  }

  async #mapSegment(segment: LogSegment, from: number): Promise<boolean> {
    let position = from
    for (;;) {
      const piece = await this.#clean.map(segment.native, position, this.#options.throttle.pieceBytes)
      await this.#spent(piece.position - position)
      position = piece.position
      if (piece.step === CleanStep.end) return false
      if (piece.step === CleanStep.full) return true
      if (piece.batch && (await this.#clean.mapRecords(segment.native, await this.#decompress(piece.batch, segment)))) return true
    }
  }

  async rewrite(): Promise<CleanResult> {
    const { config } = this.#state
    const clean = this.#clean
    const endOffset = Math.max(this.#range.firstDirtyOffset, clean.figures().latestOffset + 1)
    const segments = this.#segmentsBetween(0, endOffset)
    const facts = []
    for (const segment of segments) {
      await segment.native.prepare(this.#state.strand)
      const { offsetIndexEntries, timeIndexEntries } = segment.native.stat()
      const { baseOffset, size } = segment
      const indexBytes = offsetIndexEntries * OFFSET_ENTRY_BYTES
      facts.push({ baseOffset, size, indexBytes, timeIndexBytes: timeIndexEntries * TIME_ENTRY_BYTES, segment })
    }
    const { firstUncleanableOffset } = this.#range
    const groups = groupSegments(facts, {
      segmentBytes: config.segmentBytes,
      indexBytes: config.segmentIndexBytes,
      firstUncleanableOffset
    })
    clean.beginFilter(this.#nowMs, config.deleteRetentionMs, firstUncleanableOffset, lastRecords(this.#state))
    if (segments.length > 0) clean.addAborted(await abortedTransactions(this.#state, segments[0]!.baseOffset, endOffset))
    let bytesAfter = 0
    for (const group of groups) bytesAfter += await this.#cleanGroup(group.map(({ segment }) => segment))
    const { keys, recordsRead, recordsKept, recordsWithoutKey } = clean.figures()
    return {
      endOffset,
      bytesBefore: segments.reduce((sum, { size }) => sum + size, 0),
      bytesAfter,
      segmentsBefore: segments.length,
      segmentsAfter: groups.length,
      keys,
      recordsRead,
      recordsKept,
      recordsWithoutKey
    }
  }

  async #cleanGroup(group: readonly LogSegment[]): Promise<number> {
    const state = this.#state
    const { runtime, config, folder } = state
    const { baseOffset } = group[0]!
    const { segmentIndexBytes: indexBytes, indexIntervalBytes } = config
    const file = state.segmentPath(baseOffset)
    await removeCleaned(folder, baseOffset)
    const into = new NativeSegment(runtime, file, { baseOffset, size: -1, indexBytes, indexIntervalBytes, state: CLEANED_SUFFIX })
    let size: number
    try {
      for (const segment of group) await this.#filterSegment(segment, into)
      this.#check()
      size = await this.#clean.finish(into)
      await writeTransactionFile(`${file}${TXN_INDEX_SUFFIX}${CLEANED_SUFFIX}`, this.#clean.keptAborted())
      await keepModified(`${file}${LOG_SUFFIX}${CLEANED_SUFFIX}`, group.at(-1)!)
    } catch (error) {
      into.close()
      await removeCleaned(folder, baseOffset)
      throw error
    }
    const { lastIndexedTimestamp, lastIndexedTimestampOffset } = into.stat()
    into.close()
    const cleaned = new LogSegment(runtime, file, baseOffset, size, config, state.clock.now(), state.strand)
    cleaned.noteTimestamp(lastIndexedTimestamp, lastIndexedTimestampOffset)
    await replaceSegments(state, group, cleaned)
    return size
  }

  async #filterSegment(segment: LogSegment, into: NativeSegment): Promise<void> {
    let position = 0
    for (;;) {
      const before = into.stat().size
      const piece = await this.#clean.filter(segment.native, into, position, this.#options.throttle.pieceBytes)
      if (piece.batch) await this.#filterCompressed(piece.batch, segment, into)
      await this.#spent(piece.position - position + into.stat().size - before)
      position = piece.position
      if (piece.step === CleanStep.end) return
    }
  }

  // The codec of the batch stays.
  async #filterCompressed(bytes: Buffer, segment: LogSegment, into: NativeSegment): Promise<void> {
    const rewritten = await this.#clean.filterRecords(into, await this.#decompress(bytes, segment))
    if (rewritten === undefined) return
    const packed = await compress(batch.compressionType(rewritten, 0), rewritten.subarray(batch.BATCH_OVERHEAD))
    await this.#clean.write(into, Buffer.concat([rewritten.subarray(0, batch.BATCH_OVERHEAD), packed]))
  }

  async #decompress(bytes: Buffer, segment: LogSegment): Promise<Buffer> {
    const unpack = () => decompress(batch.compressionType(bytes, 0), bytes.subarray(batch.BATCH_OVERHEAD), MAX_DECOMPRESSED_BYTES)
    const { decompressions } = this.#state.environment
    const records = await (decompressions === undefined ? unpack() : decompressions.run(unpack))
    if (Buffer.isBuffer(records)) return records
    const file = segment.path + LOG_SUFFIX
    throw new StorageError(
      'EBADMSG',
      file,
      `the batch at offset ${batch.baseOffset(bytes, 0)} in ${file} can't be decompressed: ${records.flaw}`
    )
  }

  // Those that overlap the range; the list may have changed since the last time.
  #segmentsBetween(from: number, to: number): LogSegment[] {
    const segments = this.#state.segments.snapshot()
    return segments.slice(segmentOf(segments, from)).filter(({ baseOffset }) => baseOffset < to)
  }

  async #spent(bytes: number): Promise<void> {
    await this.#options.throttle.spent(bytes, this.#signal)
    this.#check()
  }

  #check(): void {
    if (this.#signal.aborted) throw new CleaningAborted()
  }
}

function lastRecords(state: LogState): LastRecord[] {
  return Array.from(state.producers.values(), ({ producerId, epoch, batches }) => ({
    producerId,
    epoch,
    lastOffset: batches.at(-1)?.lastOffset ?? -1
  }))
}

// Retention goes by it where no record has a timestamp.
async function keepModified(file: string, last: LogSegment): Promise<void> {
  try {
    const { atime, mtime } = await stat(last.path + LOG_SUFFIX)
    await utimes(file, atime, mtime)
  } catch (error) {
    throw storageError(error, path.dirname(file))
  }
}
