/** A partition to which transactions are written: it keeps its producer states as the storage engine does, and whose each record is. */
import { ErrorCode } from '../../../src/protocol/error-codes.js'
import { readEndMarker } from '../../../src/storage/producer-batch.js'
import { ProducerStates } from '../../../src/storage/producer-state.js'

export const TOPIC = 't'

/** One transaction as its client sees it. */
export interface Unit {
  readonly client: number
  readonly generation: number
  /** `late`: it belongs to whatever is open when it comes. */
  outcome: 'open' | 'committed' | 'aborted' | 'unknown' | 'late'
}

type Entry = { readonly producerId: number } & ({ readonly unit: Unit } | { readonly commit: boolean })

export class SimPartition {
  readonly topic = TOPIC
  readonly states = new ProducerStates()
  readonly entries: Entry[] = []
  readonly log = { producer: (producerId: number) => this.states.get(producerId) }
  up = true

  /** A client's batch of one record. */
  write(unit: Unit, producerId: number, producerEpoch: number, sequence: number): number {
    const batch = { producerId, producerEpoch, baseSequence: sequence, lastSequence: sequence, transactional: true }
    const check = this.states.check(batch, true)
    if (check.kind === 'refused') return check.errorCode
    if (check.kind === 'duplicate') return ErrorCode.NONE
    this.states.append(batch, this.entries.length, this.entries.length, 0)
    this.entries.push({ producerId, unit })
    return ErrorCode.NONE
  }

  /** A marker, as `endTransaction` appends it. */
  append({ frame, transactionVersion }: { frame: { buffer: Buffer }; transactionVersion?: number }): Promise<{ errorCode: number }> {
    const marker = readEndMarker(frame.buffer, 0)!
    const check = this.states.checkMarker(marker, transactionVersion)
    if (check.kind === 'refused') return Promise.resolve({ errorCode: check.errorCode })
    const offset = this.entries.length
    this.states.end(marker, 0)
    this.entries.push({ producerId: marker.producerId, commit: marker.commit })
    this.states.ended(marker.producerId, offset)
    return Promise.resolve({ errorCode: ErrorCode.NONE })
  }
}
