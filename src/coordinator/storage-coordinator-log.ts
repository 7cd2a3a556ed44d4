/** The coordinator's port to its topic, over the storage engine of this broker. */
import type { Clock } from '../clock.js'
import type { Frame } from '../native/runtime.js'
import { ErrorCode } from '../protocol/error-codes.js'
import {
  RecordBatchBuilder,
  decodeBatches,
  decompressedRecords,
  readEndTransaction,
  recordsOf,
  roomFor,
  visitRecords,
  type DecodedBatch
} from '../record/index.js'
import type { CoordinatorAppendResult, CoordinatorLog, EncodedRecord, RecordVisitor, TransactionalProducer } from './coordinator-log.js'

/** What a batch may grow to when it is decompressed while loading. */
const MAX_DECOMPRESSED_BYTES = 128 * 1024 * 1024

/** Of storage's Log, what is needed here. */
export interface CoordinatorLogFile {
  readonly logStartOffset: number
  readonly endOffset: number
  readonly config: { readonly maxMessageBytes: number }
  append(input: {
    readonly frame: Frame
    readonly offset: number
    readonly length: number
    readonly origin: 'coordinator'
    readonly leaderEpoch: number
  }): Promise<CoordinatorAppendResult>
  readBytes(offset: number, maxBytes: number): Promise<Buffer>
  /** What is known of a producer that has written here. */
  producer(producerId: number): { readonly epoch: number } | undefined
}

export interface StorageCoordinatorLogOptions {
  /** The partition's log; undefined while this broker does not have it. */
  readonly log: (partition: number) => CoordinatorLogFile | undefined
  /** The partition's log when it is recovered; undefined if this broker is not to have it. */
  readonly whenReady: (partition: number) => Promise<CoordinatorLogFile | undefined>
  readonly leaderEpoch: (partition: number) => number
  /** Native memory for a batch; the caller of `frameFrom` releases it. */
  readonly frames: { frameFrom(bytes: Uint8Array): Frame; release(frame: Frame): void }
  readonly clock: Clock
  /** offsets.load.buffer.size */
  readonly loadBufferBytes: () => number
  /** offsets.topic.compression.codec: the number of a codec, 0 for none. */
  readonly compression: () => number
}

export class StorageCoordinatorLog implements CoordinatorLog {
  readonly #options: StorageCoordinatorLogOptions
  /** By partition: the batch that is being compressed, behind which the next one waits. */
  readonly #compressing = new Map<number, Promise<unknown>>()

  constructor(options: StorageCoordinatorLogOptions) {
    this.#options = options
  }

  maxBatchBytes(partition: number): number {
    return this.#options.log(partition)?.config.maxMessageBytes ?? Number.POSITIVE_INFINITY
  }

  checkProducer(partition: number, { producerId, producerEpoch }: TransactionalProducer): number {
    const known = this.#options.log(partition)?.producer(producerId)
    return known && producerEpoch < known.epoch ? ErrorCode.INVALID_PRODUCER_EPOCH : ErrorCode.NONE
  }

  append(partition: number, records: readonly EncodedRecord[], producer?: TransactionalProducer): Promise<CoordinatorAppendResult> {
    const timestamp = this.#options.clock.now()
    // Kafka gives such batches sequence 0, and checks no sequence of what a coordinator writes.
    const options = producer ? { timestamp, ...producer, baseSequence: 0, transactional: true } : { timestamp }
    const builder = new RecordBatchBuilder(options, roomFor(records))
    for (const record of records) builder.append(record)
    const codec = this.#options.compression()
    if (codec === 0) return this.#write(partition, builder.build())
    // Compressing takes a while off this thread: order is kept by hand.
    const before = this.#compressing.get(partition) ?? Promise.resolve()
    const compressed = builder.buildCompressed(codec)
    const written = before.then(async () => ({ result: this.#write(partition, await compressed) }))
    this.#compressing.set(
      partition,
      written.catch(() => undefined)
    )
    return written.then(({ result }) => result)
  }

  #write(partition: number, batch: Buffer): Promise<CoordinatorAppendResult> {
    const { log, frames, leaderEpoch } = this.#options
    const file = log(partition)
    if (!file) return Promise.resolve({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, lastOffset: -1 })
    const frame = frames.frameFrom(batch)
    try {
      return file.append({ frame, offset: 0, length: batch.length, origin: 'coordinator', leaderEpoch: leaderEpoch(partition) })
    } finally {
      frames.release(frame)
    }
  }

  async load(partition: number, visitor: RecordVisitor): Promise<void> {
    const file = await this.#options.whenReady(partition)
    if (!file) return
    const end = file.endOffset
    let offset = file.logStartOffset
    while (offset < end) {
      const bytes = await file.readBytes(offset, this.#options.loadBufferBytes())
      const before = offset
      for (const batch of decodeBatches(bytes)) {
        // The first batch may begin before the log start offset.
        await visit(bytes, batch, offset, visitor)
        offset = batch.lastOffset + 1
      }
      // Behind a compacted end there may be nothing but a gap.
      if (offset === before) return
    }
  }
}

async function visit(bytes: Buffer, batch: DecodedBatch, from: number, visitor: RecordVisitor): Promise<void> {
  const payload = await decompressedRecords(bytes, batch, MAX_DECOMPRESSED_BYTES)
  const producerId = batch.transactional ? batch.producerId : -1
  if (batch.control) {
    for (const record of recordsOf(bytes, batch, payload)) {
      const marker = readEndTransaction(record)
      if (marker && record.offset >= from) visitor.marker(batch.producerId, marker.commit)
    }
  } else {
    visitRecords(bytes, batch, payload, (offset, key, value) => {
      if (key && offset >= from) visitor.record(key, value, offset, producerId)
    })
  }
}
