/** What a program appends to a log: batches are built or taken as they are, and known until they are answered. */
import type { Runtime, Frame } from '../../native/runtime.js'
import { ErrorCode } from '../../protocol/error-codes.js'
import {
  Compression,
  endTransactionBatch,
  RecordBatchBuilder,
  roomFor,
  type COMPRESSION_NAMES,
  type RecordInput
} from '../../record/index.js'
import type { AppendOrigin, AppendResult, Log as PartitionLog } from '../log.js'
import { checkAppend, checkOutcome, checkProducer, checkRecords, checkSize } from './checks.js'
import { refusal } from './errors.js'

/** Of what is smaller, a copy costs less than keeping the buffer until it is written. */
const LENT_FROM_BYTES = 16 * 1024

export type CompressionName = (typeof COMPRESSION_NAMES)[number]

export interface AppendOptions {
  /** Default: none. */
  readonly compression?: CompressionName
  /** An idempotent producer: a batch that is appended again with the same sequence is written once. */
  readonly producer?: Producer & {
    /** Of the batch's first record: 0 for the first one, then one more for each record. */
    readonly sequence: number
    /** The batch is part of a transaction, which begins with it if none is open, until `endTransaction`. Default: false. */
    readonly transactional?: boolean
  }
}

export interface Producer {
  readonly id: number
  /** A higher one shuts out the lower ones. */
  readonly epoch: number
}

/** Offsets of the records that were appended. */
export interface Appended {
  readonly firstOffset: number
  readonly lastOffset: number
}

type Answer = (result: Appended | Error) => void

/** Somebody who waits for the appends up to a number. */
interface Settling {
  readonly upTo: number
  left: number
  readonly resolve: () => void
}

/** Rejects as `append` of the Log does. */
export class Appends {
  readonly #log: PartitionLog
  readonly #runtime: Runtime
  /** Throws where nothing can be appended. Asked when an append begins: those that have begun are ended before the log is closed. */
  readonly #checkWritable: () => void
  // Counted in the order of the calls. A promise for each, which `settled` could wait for, took a fifth of what a small append takes.
  #begun = 0
  #underWay = 0
  #settling: Settling[] = []

  constructor(log: PartitionLog, runtime: Runtime, checkWritable: () => void) {
    this.#log = log
    this.#runtime = runtime
    this.#checkWritable = checkWritable
  }

  /** As one batch. */
  records(records: RecordInput | readonly RecordInput[], options: AppendOptions): Promise<Appended> {
    return this.#begin((answer) => {
      checkAppend(options)
      const { compression = 'none', producer } = options
      const builder = builderOf(isList(records) ? records : [records], producer)
      // Without compression nothing is waited for: appends of one turn keep their order.
      if (compression === 'none') return this.#append(builder.build(), 'client', answer)
      void builder
        .buildCompressed(Compression[compression])
        .then((bytes) => this.#append(bytes, 'client', answer))
        .catch((error: unknown) => answer(error as Error))
    })
  }

  /** One that is encoded. */
  batch(bytes: Uint8Array): Promise<Appended> {
    return this.#begin((answer) => {
      if (!(bytes instanceof Uint8Array)) throw new TypeError('a batch is a Buffer or Uint8Array')
      this.#append(bytes, 'client', answer)
    })
  }

  /** The marker that ends a transaction. */
  async marker(producer: Producer, outcome: 'commit' | 'abort'): Promise<Appended> {
    checkProducer(producer)
    checkOutcome(outcome)
    const { id, epoch } = producer
    // A folder of a broker may know a coordinator; this is its successor.
    let coordinatorEpoch = 0
    for (const known of this.#log.producers()) if (known.producerId === id) coordinatorEpoch = Math.max(0, known.coordinatorEpoch)
    const marker = { producerId: id, producerEpoch: epoch, commit: outcome === 'commit', coordinatorEpoch, timestamp: Date.now() }
    return this.#begin((answer) => this.#append(endTransactionBatch(marker), 'coordinator', answer))
  }

  /** Resolves when all that have begun have been answered. */
  settled(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve()
    return new Promise((resolve) => this.#settling.push({ upTo: this.#begun, left: this.#underWay, resolve }))
  }

  #begin(append: (answer: Answer) => void): Promise<Appended> {
    return new Promise((resolve, reject) => {
      const number = ++this.#begun
      this.#underWay++
      const answer = (result: Appended | Error): void => {
        this.#ended(number)
        if (result instanceof Error) reject(result)
        else resolve(result)
      }
      try {
        this.#checkWritable()
        append(answer)
      } catch (error) {
        answer(error as Error)
      }
    })
  }

  #ended(number: number): void {
    this.#underWay--
    if (this.#settling.length === 0) return
    for (const one of this.#settling) if (number <= one.upTo && --one.left === 0) one.resolve()
    this.#settling = this.#settling.filter(({ left }) => left > 0)
  }

  #append(bytes: Uint8Array, origin: AppendOrigin, answer: Answer): void {
    const frame = this.#frameOf(bytes)
    const leaderEpoch = Math.max(0, this.#log.latestEpoch)
    this.#log.appendThen({ frame, offset: 0, length: bytes.length, origin, leaderEpoch }, (result) => {
      this.#runtime.release(frame)
      answer(this.#appended(result))
    })
  }

  #appended({ errorCode, errorMessage, baseOffset, lastOffset }: AppendResult): Appended | Error {
    if (errorCode === ErrorCode.NONE) return { firstOffset: baseOffset, lastOffset }
    return refusal(errorCode, errorMessage ?? `the batch can not be appended to ${this.#log.topic}-${this.#log.partition}`)
  }

  #frameOf(bytes: Uint8Array): Frame {
    if (bytes.length < LENT_FROM_BYTES) return this.#runtime.frameFrom(bytes)
    return this.#runtime.frameOver(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  }
}

function builderOf(records: readonly RecordInput[], producer: AppendOptions['producer']): RecordBatchBuilder {
  checkRecords(records)
  const options = {
    timestamp: Date.now(),
    ...(producer && {
      producerId: producer.id,
      producerEpoch: producer.epoch,
      baseSequence: producer.sequence,
      transactional: producer.transactional ?? false
    })
  }
  const builder = new RecordBatchBuilder(options, roomFor(records))
  for (const record of records) builder.append(record)
  checkSize(builder)
  return builder
}

function isList(records: RecordInput | readonly RecordInput[]): records is readonly RecordInput[] {
  return Array.isArray(records)
}
