/**
 * Writes the markers of ending transactions, and does not give up: until its marker is in a partition, nobody reads past the beginning of the
 * transaction there. Only a partition that does not exist any more is left out. One that does not serve yet, right after a start, is waited for:
 * to skip it would leave the transaction open in it for ever.
 */
import type { Clock } from '../../clock.js'
import { ErrorCode } from '../../protocol/error-codes.js'
import type { CoordinatorLogger } from '../runtime.js'
import type { Marker, MarkerJob, TransactionMarkers } from './markers.js'

export interface MarkerWriterOptions {
  readonly clock: Clock
  readonly logger: CoordinatorLogger
  /** Appends a marker; resolves, never rejects, to an error code: NONE, it is written and in force. */
  readonly append: (topic: string, index: number, marker: Marker) => Promise<number>
  /** The metadata knows the partition, whether it serves or not. */
  readonly exists: (topic: string, index: number) => boolean
  readonly written: (job: MarkerJob) => void
}

const FIRST_RETRY_MS = 20
const SLOWEST_RETRY_MS = 1000
/** Tries after which the log is told, and again after as many. */
const TRIES_TO_REPORT = 30

export class MarkerWriter implements TransactionMarkers {
  readonly #options: MarkerWriterOptions
  /** By transactional id: the job that counts. */
  readonly #jobs = new Map<string, MarkerJob>()
  #closed = false

  constructor(options: MarkerWriterOptions) {
    this.#options = options
  }

  write(job: MarkerJob): void {
    this.#jobs.set(job.transactionalId, job)
    void this.#writeAll(job)
  }

  /** Ends the jobs of a partition of the coordinator that is another broker's now. */
  giveUp(coordinatorPartition: number): void {
    for (const [transactionalId, job] of this.#jobs)
      if (job.coordinatorPartition === coordinatorPartition) this.#jobs.delete(transactionalId)
  }

  close(): void {
    this.#closed = true
    this.#jobs.clear()
  }

  async #writeAll(job: MarkerJob): Promise<void> {
    const ends: Promise<boolean>[] = []
    for (const [topic, indexes] of job.partitions) for (const index of indexes) ends.push(this.#writeOne(job, topic, index))
    const ended = await Promise.all(ends)
    if (!this.#counts(job) || ended.includes(false)) return
    this.#jobs.delete(job.transactionalId)
    this.#options.written(job)
  }

  #counts(job: MarkerJob): boolean {
    return !this.#closed && this.#jobs.get(job.transactionalId) === job
  }

  /** False: the job counts no longer. */
  async #writeOne(job: MarkerJob, topic: string, index: number): Promise<boolean> {
    const { append, exists, logger } = this.#options
    const what = `the end of ${job.transactionalId}'s transaction in ${topic}-${index}`
    for (let tries = 1; ; tries++) {
      if (!exists(topic, index)) return true
      const errorCode = await append(topic, index, job)
      if (!this.#counts(job)) return false
      switch (errorCode) {
        case ErrorCode.NONE:
          return true
        // The partition has seen a later epoch of the producer, or of the coordinator. As in Kafka the ending goes no further: it was not written, so
        // it must not be told to be complete. The next start tries again.
        case ErrorCode.INVALID_PRODUCER_EPOCH:
        case ErrorCode.TRANSACTION_COORDINATOR_FENCED:
          logger.error(`${what} is refused with error ${errorCode}: it remains undecided until the broker is started again`)
          this.#jobs.delete(job.transactionalId)
          return false
      }
      if (tries % TRIES_TO_REPORT === 0) logger.warn(`${what} could not be written ${tries} times, the last error is ${errorCode}`)
      await this.#pause(Math.min(SLOWEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(tries - 1, 10)))
      if (!this.#counts(job)) return false
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.schedule(delayMs, resolve))
  }
}
