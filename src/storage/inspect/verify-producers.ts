/**
 * Follows producers and transactions through a log, as far as is needed to judge its transaction indexes and producer snapshots. By itself:
 * it shares no code with the engine's own producer state.
 */
import { batch, type DecodedBatch } from '../../record/index.js'
import type { ProducerEntry } from '../producer-state.js'
import type { AbortedTransaction } from './dump-state.js'

interface Producer {
  epoch: number
  lastSequence: number
  lastOffset: number
  /** -1: none is open. */
  openSince: number
}

export class ProducerReplay {
  readonly #producers = new Map<number, Producer>()
  // First offsets of open transactions, in the order of the log.
  readonly #open = new Map<number, number>()

  data(header: DecodedBatch): void {
    if (header.producerId < 0) return
    const before = this.#producers.get(header.producerId)
    let openSince = before?.openSince ?? -1
    if (header.transactional && openSince < 0) {
      openSince = header.baseOffset
      this.#open.set(header.producerId, openSince)
    }
    const delta = header.lastOffset - header.baseOffset
    // A coordinator writes for a producer without a sequence.
    const lastSequence = header.baseSequence < 0 ? batch.NO_SEQUENCE : batch.incrementSequence(header.baseSequence, delta)
    this.#producers.set(header.producerId, { epoch: header.producerEpoch, lastSequence, lastOffset: header.lastOffset, openSince })
  }

  /** A marker. Returns what the transaction index must say of it; undefined: nothing was aborted, or its beginning is not in the log. */
  marker(header: DecodedBatch, commit: boolean): AbortedTransaction | undefined {
    const { producerId, producerEpoch, baseOffset } = header
    const before = this.#producers.get(producerId)
    const same = before?.epoch === producerEpoch
    this.#producers.set(producerId, {
      epoch: producerEpoch,
      lastSequence: same ? before.lastSequence : -1,
      lastOffset: same ? before.lastOffset : -1,
      openSince: -1
    })
    const firstOffset = this.#open.get(producerId)
    this.#open.delete(producerId)
    if (firstOffset === undefined || commit) return undefined
    let lastStableOffset = header.lastOffset + 1
    for (const offset of this.#open.values()) lastStableOffset = Math.min(lastStableOffset, offset)
    return { version: 0, producerId, firstOffset, lastOffset: baseOffset, lastStableOffset }
  }

  /**
   * What a snapshot at this point says that the log does not. `complete`: the log holds everything from its first record on, so that what it
   * does not know must not be in the snapshot. Producers that the snapshot leaves out may have expired, but not inside of a transaction.
   */
  flawsOf(entries: readonly ProducerEntry[], at: number, complete: boolean): string[] {
    const flaws: string[] = []
    for (const { producerId, epoch, batches, currentTxnFirstOffset } of entries) {
      const last = batches.at(-1)
      if (last !== undefined && last.lastOffset >= at)
        flaws.push(`producer ${producerId} wrote offset ${last.lastOffset}, behind the snapshot`)
      const known = this.#producers.get(producerId)
      if (known === undefined) {
        if (complete) flaws.push(`producer ${producerId} wrote nothing in this log`)
        continue
      }
      if (known.epoch !== epoch) flaws.push(`producer ${producerId} has epoch ${epoch}, by the log ${known.epoch}`)
      else if (last !== undefined && known.lastSequence >= 0 && known.lastSequence !== last.lastSequence)
        flaws.push(`producer ${producerId} ends in sequence ${last.lastSequence}, by the log ${known.lastSequence}`)
      else if (last !== undefined && known.lastOffset >= 0 && known.lastOffset !== last.lastOffset)
        flaws.push(`producer ${producerId} wrote last at offset ${last.lastOffset}, by the log ${known.lastOffset}`)
      if (currentTxnFirstOffset !== known.openSince && (complete || known.openSince >= 0))
        flaws.push(
          `the transaction of producer ${producerId} began at ${currentTxnFirstOffset}, by the log ${known.openSince} (-1: none is open)`
        )
    }
    const named = new Set(entries.map(({ producerId }) => producerId))
    for (const [producerId, since] of this.#open)
      if (!named.has(producerId)) flaws.push(`the transaction of producer ${producerId} that is open since ${since} is missing`)
    return flaws
  }
}
