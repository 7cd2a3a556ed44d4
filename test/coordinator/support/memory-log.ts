/** A coordinator's log in memory: batches in order, writes that can be held back or fail. */
import type {
  CoordinatorAppendResult,
  CoordinatorLog,
  EncodedRecord,
  RecordVisitor,
  TransactionalProducer
} from '../../../src/coordinator/coordinator-log.js'

interface Stored extends EncodedRecord {
  readonly producerId: number
}

type Entry = { readonly batch: readonly Stored[] } | { readonly marker: number; readonly committed: boolean }

export class MemoryLog implements CoordinatorLog {
  readonly #entries = new Map<number, Entry[]>()
  #held: (() => void)[] | undefined
  #failures: number[] = []
  loads = 0
  batchLimit = 1_048_588
  loadGate: Promise<void> | undefined
  loadError: Error | undefined

  entries(partition: number): Entry[] {
    let entries = this.#entries.get(partition)
    if (!entries) this.#entries.set(partition, (entries = []))
    return entries
  }

  /** How many records each batch holds. */
  batchSizes(partition: number): number[] {
    return this.entries(partition).map((entry) => ('batch' in entry ? entry.batch.length : 0))
  }

  put(partition: number, records: readonly EncodedRecord[], producerId = -1): void {
    this.entries(partition).push({ batch: records.map(({ key, value }) => ({ key, value, producerId })) })
  }

  putMarker(partition: number, producerId: number, committed: boolean): void {
    this.entries(partition).push({ marker: producerId, committed })
  }

  /** From now on appends wait for `release`. */
  hold(): void {
    this.#held ??= []
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const go of held) go()
  }

  /** The writer is killed: what is held is lost, and nobody is told. */
  loseHeld(): void {
    this.#held = undefined
  }

  /** The next append fails with `errorCode`, and all that are under way behind it. */
  failNext(errorCode: number): void {
    this.#failures.push(errorCode)
  }

  maxBatchBytes(): number {
    return this.batchLimit
  }

  /** Epochs below are fenced, by producer. */
  readonly epochs = new Map<number, number>()

  checkProducer(_partition: number, { producerId, producerEpoch }: TransactionalProducer): number {
    return producerEpoch < (this.epochs.get(producerId) ?? 0) ? 47 : 0
  }

  async append(partition: number, records: readonly EncodedRecord[], producer?: TransactionalProducer): Promise<CoordinatorAppendResult> {
    const errorCode = this.#failures.shift() ?? 0
    if (this.#held) await new Promise<void>((resolve) => this.#held!.push(resolve))
    if (errorCode !== 0) return { errorCode, lastOffset: -1 }
    this.put(partition, records, producer?.producerId)
    return { errorCode: 0, lastOffset: this.entries(partition).length }
  }

  async load(partition: number, visitor: RecordVisitor): Promise<void> {
    this.loads++
    await this.loadGate
    if (this.loadError) throw this.loadError
    let offset = 0
    for (const entry of this.entries(partition)) {
      if ('marker' in entry) visitor.marker(entry.marker, entry.committed)
      else for (const { key, value, producerId } of entry.batch) visitor.record(key, value, offset++, producerId)
    }
  }
}
