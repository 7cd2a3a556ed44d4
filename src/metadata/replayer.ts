/**
 * Feeds batches of the metadata log to an image, in order: transactions (KIP-868) take effect as a whole or not at all, and what the quorum
 * wrote about itself is remembered for snapshots.
 */
import { WireError } from '../errors.js'
import { controlTypeOf, ControlType } from '../record/control.js'
import { recordsOf, type DecodedBatch, type DecodedRecord } from '../record/decode.js'
import type { MetadataImage } from './image.js'
import { decodeRecord } from './record-codec.js'
import { RecordType, type MetadataRecord } from './records.js'

export interface KeptControlRecord {
  readonly key: Buffer
  readonly value: Buffer
}

export class Replayer {
  readonly image: MetadataImage
  /** `KRaftVersion` and `Voters`, as last written: a folder of a dynamic quorum (KIP-853) keeps them. */
  readonly quorum = new Map<number, KeptControlRecord>()
  #transaction: MetadataRecord[] | undefined

  constructor(image: MetadataImage) {
    this.image = image
  }

  /** The log ends inside of a transaction: it must be aborted before anything else is written. */
  get inTransaction(): boolean {
    return this.#transaction !== undefined
  }

  /** `bytes` holds the batch. Records below `from` are passed over. Throws WireError. */
  batch(bytes: Buffer, header: DecodedBatch, from = 0): void {
    for (const record of recordsOf(bytes, header)) {
      if (record.offset < from) continue
      if (header.control) this.#control(record)
      else this.record(decodeRecord(valueOf(record)))
    }
  }

  record(record: MetadataRecord): void {
    switch (record.type) {
      case RecordType.beginTransaction:
        if (this.#transaction) throw new WireError('a transaction of the metadata log begins inside of another')
        this.#transaction = []
        return
      case RecordType.endTransaction:
      case RecordType.abortTransaction: {
        const pending = this.#transaction
        if (!pending) throw new WireError('a transaction of the metadata log ends that has not begun')
        this.#transaction = undefined
        if (record.type === RecordType.endTransaction) for (const each of pending) this.image.replay(each)
        return
      }
      default:
        if (this.#transaction) this.#transaction.push(record)
        else this.image.replay(record)
    }
  }

  #control(record: DecodedRecord): void {
    const type = controlTypeOf(record.key)
    if (type !== ControlType.kraftVersion && type !== ControlType.kraftVoters) return
    this.quorum.set(type, { key: Buffer.from(record.key!), value: Buffer.from(valueOf(record)) })
  }
}

function valueOf(record: DecodedRecord): Buffer {
  if (record.value === null) throw new WireError(`record ${record.offset} of the metadata log has no value`)
  return record.value
}
