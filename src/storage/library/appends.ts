/** What a program appends to a log: batches are built or taken as they are, and known until they are answered. */
import type { Runtime, Frame } from '../../native/runtime.js'
import { Compression, endTransactionBatch, RecordBatchBuilder, type COMPRESSION_NAMES, type RecordInput } from '../../record/index.js'
import type { AppendOrigin, Log as PartitionLog } from '../log.js'
import { refuse } from './errors.js'

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

/** Rejects as `append` of the Log does. */
export class Appends {
  readonly #log: PartitionLog
  readonly #runtime: Runtime
  /** Throws where nothing can be appended. */
  readonly #checkWritable: () => void
  // Those that are not answered yet.
  readonly #underWay = new Set<Promise<unknown>>()

  constructor(log: PartitionLog, runtime: Runtime, checkWritable: () => void) {
    this.#log = log
    this.#runtime = runtime
    this.#checkWritable = checkWritable
  }

  /** As one batch. */
  records(records: RecordInput | readonly RecordInput[], options: AppendOptions): Promise<Appended> {
    return this.#track(this.#build(records, options))
  }

  /** One that is encoded. */
  batch(bytes: Uint8Array): Promise<Appended> {
    return this.#track(this.#append(bytes, 'client'))
  }

  /** The marker that ends a transaction. */
  async marker({ id, epoch }: Producer, outcome: 'commit' | 'abort'): Promise<Appended> {
    // A folder of a broker may know a coordinator; this is its successor.
    let coordinatorEpoch = 0
    for (const known of this.#log.producers()) if (known.producerId === id) coordinatorEpoch = Math.max(0, known.coordinatorEpoch)
    const marker = { producerId: id, producerEpoch: epoch, commit: outcome === 'commit', coordinatorEpoch, timestamp: Date.now() }
    return this.#track(this.#append(endTransactionBatch(marker), 'coordinator'))
  }

  /** Resolves when all of them have been answered. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }

  async #build(records: RecordInput | readonly RecordInput[], { compression = 'none', producer }: AppendOptions): Promise<Appended> {
    const list = isList(records) ? records : [records]
    if (list.length === 0) throw new RangeError('a batch holds at least one record')
    const builder = new RecordBatchBuilder({
      timestamp: Date.now(),
      ...(producer && {
        producerId: producer.id,
        producerEpoch: producer.epoch,
        baseSequence: producer.sequence,
        transactional: producer.transactional === true
      })
    })
    for (const record of list) builder.append(record)
    // Without compression nothing is waited for: appends of one turn keep their order.
    const bytes = compression === 'none' ? builder.build() : await builder.buildCompressed(Compression[compression])
    return this.#append(bytes, 'client')
  }

  #track<T>(append: Promise<T>): Promise<T> {
    const over = (): void => void this.#underWay.delete(append)
    this.#underWay.add(append)
    append.then(over, over)
    return append
  }

  async #append(bytes: Uint8Array, origin: AppendOrigin): Promise<Appended> {
    this.#checkWritable()
    const frame = this.#frameOf(bytes)
    try {
      const leaderEpoch = Math.max(0, this.#log.latestEpoch)
      const appended = this.#log.append({ frame, offset: 0, length: bytes.length, origin, leaderEpoch })
      const { errorCode, errorMessage, baseOffset, lastOffset } = await appended
      refuse(errorCode, errorMessage ?? `the batch can not be appended to ${this.#log.topic}-${this.#log.partition}`)
      return { firstOffset: baseOffset, lastOffset }
    } finally {
      this.#runtime.release(frame)
    }
  }

  #frameOf(bytes: Uint8Array): Frame {
    if (bytes.length < LENT_FROM_BYTES) return this.#runtime.frameFrom(bytes)
    return this.#runtime.frameOver(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  }
}

function isList(records: RecordInput | readonly RecordInput[]): records is readonly RecordInput[] {
  return Array.isArray(records)
}
