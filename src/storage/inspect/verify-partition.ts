/**
 * Verifies the folder of one partition: every batch and every record, both indexes, transaction indexes, producer snapshots, leader epochs, and
 * whether it all fits together. Reads each log once, forward, in bounded memory; changes nothing.
 */
import path from 'node:path'
import { describeBatch, readEndTransaction, recordsOf, type DecodedBatch } from '../../record/index.js'
import { readEpochCheckpoint, type EpochStart } from '../checkpoints.js'
import {
  INDEX_SUFFIX,
  LEADER_EPOCH_FILE,
  LOG_SUFFIX,
  offsetName,
  PARTITION_METADATA_FILE,
  SNAPSHOT_SUFFIX,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX
} from '../names.js'
import { decodeSnapshot } from '../producer-snapshot.js'
import { abortedTransactions, ABORTED_TXN_BYTES, type AbortedTransaction } from './dump-state.js'
import { FileFindings, type Finding } from './findings.js'
import { FileWindow } from './file-window.js'
import { readFile } from '../files.js'
import { isInUse, listPartition, type PartitionFiles } from './partition-files.js'
import { walkSegment, type BadBytes, type SoundBatch } from './segment-walk.js'
import { flawOfRecords, OffsetIndexCheck, TimeIndexCheck } from './verify-batches.js'
import { ProducerReplay } from './verify-producers.js'

export interface PartitionVerifyOptions {
  /** Compaction leaves gaps between offsets, so they are only noted; with `strict` they are damage. */
  readonly strict: boolean
  /** Files are named relative to this folder. */
  readonly root: string
  readonly tell: (finding: Finding) => void
  /** So many more bytes of logs have been read. */
  readonly progress: (bytes: number) => void
  /** What a repair goes by. */
  readonly watch?: PartitionWatcher
}

export interface PartitionWatcher {
  /** `offset`: the first that is missing; `size`: of the file. */
  readonly bad: (base: number, piece: BadBytes, offset: number) => void
  /** Of a file that was told of as damaged. */
  readonly damaged: (name: string) => void
  /** Aborted transactions that end in the segment; undefined: the log does not tell, for there are gaps or damage in it. */
  readonly aborted: (base: number, entries: readonly AbortedTransaction[] | undefined) => void
}

export interface PartitionSummary {
  readonly segments: number
  readonly batches: number
  readonly records: number
  readonly bytes: number
  /** Of the first segment; -1: there is none. */
  readonly startOffset: number
  /** Behind the last sound batch. */
  readonly endOffset: number
}

/** A segment of fewer bytes may have nothing in its index (Kafka's default of index.interval.bytes). */
const INDEX_INTERVAL_BYTES = 4096

/** Rejects with the error of node:fs when the folder or a file in it can't be read. */
export async function verifyPartition(folder: string, options: PartitionVerifyOptions): Promise<PartitionSummary> {
  const files = await listPartition(folder)
  const partition = new PartitionVerifier(folder, files, options)
  await partition.run()
  return partition.summary
}

class PartitionVerifier {
  readonly #folder: string
  readonly #files: PartitionFiles
  readonly #options: PartitionVerifyOptions
  readonly #replay = new ProducerReplay()
  readonly #pendingSnapshots: number[]
  #epochs: readonly EpochStart[] | undefined
  #epoch = -1
  #next: number
  #gaps = false
  #damaged = false
  #batches = 0
  #records = 0
  #bytes = 0

  constructor(folder: string, files: PartitionFiles, options: PartitionVerifyOptions) {
    this.#folder = folder
    this.#files = files
    this.#options = options
    this.#pendingSnapshots = [...files.snapshots]
    this.#next = files.segments[0] ?? 0
  }

  get summary(): PartitionSummary {
    const { segments } = this.#files
    return {
      segments: segments.length,
      batches: this.#batches,
      records: this.#records,
      bytes: this.#bytes,
      startOffset: segments[0] ?? -1,
      endOffset: this.#next
    }
  }

  async run(): Promise<void> {
    await this.#surroundings()
    await this.#readEpochs()
    for (const base of this.#files.segments) await this.#segment(base, base === this.#files.segments.at(-1))
    await this.#snapshots(Number.POSITIVE_INFINITY)
    this.#epochsBehindEnd()
  }

  #findings(name: string): FileFindings {
    const { root, tell, watch } = this.#options
    return new FileFindings(path.relative(root, path.join(this.#folder, name)) || '.', (finding) => {
      if (finding.level === 'damage') watch?.damaged(name)
      tell(finding)
    })
  }

  /** What stands beside the segments. */
  async #surroundings(): Promise<void> {
    const { foreign, leftovers, indexes, segments, metadata } = this.#files
    for (const name of foreign) {
      // It is a folder, or whatever else.
      if (isInUse(name)) this.#findings(name).damage('is no file: the log can not be opened')
      else this.#findings(name).note('is not a file of a log; it is left alone')
    }
    for (const name of leftovers) this.#findings(name).note('is left of work that was interrupted, or is not finished')
    const bases = new Set(segments)
    for (const name of indexes) {
      if (!bases.has(Number(name.split('.')[0]))) this.#findings(name).damage('has no log beside it')
    }
    if (segments.length === 0) this.#findings('').note('holds no segment')
    if (!metadata) return
    const text = (await readFile(path.join(this.#folder, PARTITION_METADATA_FILE))).toString()
    if (!/^version: 0$/m.test(text)) this.#findings(PARTITION_METADATA_FILE).damage('is not of version 0')
    else if (!/^topic_id: [A-Za-z0-9_-]{22}$/m.test(text)) this.#findings(PARTITION_METADATA_FILE).damage('names no topic id')
  }

  async #readEpochs(): Promise<void> {
    if (!this.#files.epochs) return
    const findings = this.#findings(LEADER_EPOCH_FILE)
    try {
      this.#epochs = await readEpochCheckpoint(path.join(this.#folder, LEADER_EPOCH_FILE))
      for (const [at, { epoch, startOffset }] of this.#epochs.entries()) {
        const before = this.#epochs[at - 1]
        if (before !== undefined && (epoch <= before.epoch || startOffset < before.startOffset))
          findings.damage(`epoch ${epoch} from ${startOffset} does not come after epoch ${before.epoch} from ${before.startOffset}`)
      }
    } catch (error) {
      findings.damage((error as Error).message)
    }
  }

  async #segment(base: number, last: boolean): Promise<void> {
    const name = offsetName(base)
    const findings = this.#findings(name + LOG_SUFFIX)
    if (base < this.#next) findings.damage(`begins at ${base}, the segment before it ends at ${this.#next}`)
    else if (base > this.#next) this.#gap(findings, this.#next, base)
    this.#next = Math.max(this.#next, base)
    const window = await FileWindow.open(path.join(this.#folder, name + LOG_SUFFIX))
    const aborted: AbortedTransaction[] = []
    try {
      const index = await this.#index(name + INDEX_SUFFIX, window.end, (bytes, own) => new OffsetIndexCheck(bytes, base, own))
      const times = await this.#index(name + TIME_INDEX_SUFFIX, window.end, (bytes, own) => new TimeIndexCheck(bytes, base, own))
      let told = 0
      for await (const piece of walkSegment(window, base)) {
        const end = piece.kind === 'batch' ? piece.position + piece.size : piece.to
        this.#options.progress(end - told)
        told = end
        if (piece.kind === 'bad') {
          this.#bad(base, piece, findings, last)
          continue
        }
        const header = describeBatch(piece.header, 0)
        index?.batch(piece.position, header.lastOffset)
        times?.batch(header.baseOffset, header.maxTimestamp)
        await this.#batch(piece, header, findings, aborted)
      }
      index?.end()
      times?.end()
      this.#bytes += window.end
    } finally {
      await window.close()
    }
    await this.#transactionIndex(base, aborted)
    findings.end()
  }

  async #index<T>(name: string, logBytes: number, make: (bytes: Buffer, findings: FileFindings) => T): Promise<T | undefined> {
    const findings = this.#findings(name)
    if (!this.#files.indexes.has(name)) {
      if (logBytes > INDEX_INTERVAL_BYTES) findings.damage('is missing; it can be made anew from the log')
      return undefined
    }
    return make(await readFile(path.join(this.#folder, name)), findings)
  }

  #bad(base: number, piece: BadBytes, findings: FileFindings, last: boolean): void {
    const where = `bytes ${piece.from} to ${piece.to}`
    this.#options.watch?.bad(base, piece, this.#next)
    if (piece.tail && piece.zeros) findings.note(`${where} are zeros: allocated, never written`)
    else if (piece.tail && last)
      findings.damage(`${where}, from offset ${this.#next} on, are no whole batch: ${piece.reason}; a start cuts them off`)
    else findings.damage(`${where}, from offset ${this.#next} on, are no sound batch: ${piece.reason}`)
    if (!piece.zeros) this.#damaged = true
  }

  async #batch(piece: SoundBatch, header: DecodedBatch, findings: FileFindings, aborted: AbortedTransaction[]): Promise<void> {
    const { baseOffset, lastOffset } = header
    if (baseOffset > this.#next) this.#gap(findings, this.#next, baseOffset)
    if (header.recordCount < lastOffset - baseOffset + 1) this.#gaps = true
    await this.#snapshots(baseOffset)
    this.#epochOf(header, findings)
    this.#next = lastOffset + 1
    this.#batches++
    this.#records += header.recordCount
    if (piece.bytes === undefined) {
      findings.note(`the batch at ${piece.position} has ${piece.size} bytes: too many to look at its records`)
    } else {
      const flaw = await flawOfRecords(piece.bytes, describeBatch(piece.bytes, 0))
      if (flaw !== undefined) return findings.damage(`the batch at ${piece.position}, offset ${baseOffset}: ${flaw}`)
      if (header.control) return this.#marker(piece.bytes, header, aborted)
    }
    if (!header.control) this.#replay.data(header)
  }

  #marker(bytes: Buffer, header: DecodedBatch, aborted: AbortedTransaction[]): void {
    if (header.producerId < 0) return
    for (const record of recordsOf(bytes, describeBatch(bytes, 0))) {
      const end = readEndTransaction(record)
      const entry = end && this.#replay.marker(header, end.commit)
      if (entry) aborted.push(entry)
    }
  }

  #gap(findings: FileFindings, from: number, to: number): void {
    const text = `offsets ${from} to ${to - 1} are missing`
    if (this.#options.strict) findings.damage(text)
    else if (!this.#gaps) findings.note(`${text}, as compaction leaves it; not told of again`)
    this.#gaps = true
  }

  #epochOf({ partitionLeaderEpoch: epoch, baseOffset }: DecodedBatch, findings: FileFindings): void {
    if (epoch < this.#epoch) findings.damage(`the batch at offset ${baseOffset} is of epoch ${epoch}, the one before it of ${this.#epoch}`)
    if (epoch <= this.#epoch) return
    this.#epoch = epoch
    const first = this.#epochs?.[0]
    if (this.#epochs === undefined || first === undefined || baseOffset < first.startOffset) return
    const inForce = this.#epochs.findLast(({ startOffset }) => startOffset <= baseOffset)!.epoch
    if (inForce !== epoch)
      this.#findings(LEADER_EPOCH_FILE).damage(
        `epoch ${inForce} is in force at offset ${baseOffset}, where a batch of epoch ${epoch} stands`
      )
  }

  #epochsBehindEnd(): void {
    for (const { epoch, startOffset } of this.#epochs ?? [])
      if (startOffset > this.#next)
        this.#findings(LEADER_EPOCH_FILE).damage(`epoch ${epoch} begins at ${startOffset}, behind the end of the log at ${this.#next}`)
  }

  /** The snapshots of offsets up to `offset`, which the log has reached. */
  async #snapshots(offset: number): Promise<void> {
    while (this.#pendingSnapshots.length > 0 && this.#pendingSnapshots[0]! <= offset) {
      const at = this.#pendingSnapshots.shift()!
      const name = offsetName(at) + SNAPSHOT_SUFFIX
      const findings = this.#findings(name)
      try {
        const entries = decodeSnapshot(await readFile(path.join(this.#folder, name)))
        // Before the end, in a gap, there may be one: of a segment that compaction has put together with others.
        if (at > this.#next && offset === Number.POSITIVE_INFINITY) findings.damage(`is of offset ${at}, the log ends at ${this.#next}`)
        // Compaction takes away what a snapshot was made of, and damage hides it.
        else if (!this.#gaps && !this.#damaged) {
          const complete = this.#files.segments[0] === 0
          for (const flaw of this.#replay.flawsOf(entries, at, complete)) findings.damage(flaw)
        }
      } catch (error) {
        findings.damage((error as Error).message)
      }
      findings.end()
    }
  }

  async #transactionIndex(base: number, expected: readonly AbortedTransaction[]): Promise<void> {
    const name = offsetName(base) + TXN_INDEX_SUFFIX
    const findings = this.#findings(name)
    const known = this.#files.indexes.has(name)
    const bytes = known ? await readFile(path.join(this.#folder, name)) : Buffer.alloc(0)
    if (bytes.length % ABORTED_TXN_BYTES !== 0) findings.damage(`${bytes.length} bytes are no whole entries of ${ABORTED_TXN_BYTES}`)
    const found = [...abortedTransactions(bytes)]
    for (const { version, firstOffset, lastOffset, producerId } of found) {
      if (version !== 0) findings.damage(`an entry has the version ${version}`)
      else if (firstOffset > lastOffset || lastOffset < base || lastOffset >= this.#next)
        findings.damage(
          `the aborted transaction of producer ${producerId}, offsets ${firstOffset} to ${lastOffset}, does not fit the segment`
        )
    }
    this.#options.watch?.aborted(base, this.#gaps || this.#damaged ? undefined : expected)
    if (this.#gaps || this.#damaged) return findings.end()
    const text = (one: AbortedTransaction) => `producer ${one.producerId}, offsets ${one.firstOffset} to ${one.lastOffset}`
    const there = new Map(found.map((one) => [text(one), one]))
    let late = 0
    for (const one of expected) {
      const entry = there.get(text(one))
      there.delete(text(one))
      const stable = entry?.lastStableOffset ?? -1
      if (entry === undefined)
        findings.damage(`the aborted transaction of ${text(one)} is ${known ? 'not in it' : 'in no index: the file is missing'}`)
      else if (stable < one.lastStableOffset || stable > this.#next)
        findings.damage(`the last stable offset behind ${text(one)} is ${stable}, by the log ${one.lastStableOffset}`)
      else if (stable > one.lastStableOffset) late++
    }
    // Of all that a replica of Kafka writes at once it takes the transactions for ended before it asks for the first one's.
    if (late > 0) findings.note(`of ${late} aborted transactions the last stable offset is behind that of the log, as Kafka copies it`)
    const start = this.#files.segments[0]!
    // Of a transaction that began before the log does now, only the index knows.
    for (const [name, { firstOffset }] of there)
      if (firstOffset >= start) findings.damage(`the log knows nothing of an aborted transaction of ${name}`)
    findings.end()
  }
}
