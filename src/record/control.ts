/** Control records: the markers that end a transaction, and what kind a control batch is. */
import { NO_SEQUENCE } from './batch.js'
import { buildBatch } from './builder.js'
import type { DecodedRecord } from './decode.js'

export const ControlType = {
  abort: 0,
  commit: 1,
  leaderChange: 2,
  snapshotHeader: 3,
  snapshotFooter: 4,
  kraftVersion: 5,
  kraftVoters: 6
} as const

export interface EndTransactionMarker {
  readonly producerId: number
  readonly producerEpoch: number
  readonly commit: boolean
  readonly coordinatorEpoch: number
  readonly timestamp: number
}

const KEY_BYTES = 4
const VALUE_BYTES = 6

/** The type in a control record's key; -1 when the key is none. Newer versions of the key only add to it. */
export function controlTypeOf(key: Uint8Array | null): number {
  if (key === null || key.length < KEY_BYTES) return -1
  const view = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  return view.readInt16BE(0) < 0 ? -1 : view.readInt16BE(2)
}

/** The key of a control record of a type: int16 version 0, int16 type. */
export function controlKey(type: number): Buffer {
  const key = Buffer.alloc(KEY_BYTES)
  key.writeInt16BE(type, 2)
  return key
}

/** What an end-transaction marker says; undefined when the record is another control record. */
export function readEndTransaction(record: DecodedRecord): { commit: boolean; coordinatorEpoch: number } | undefined {
  const type = controlTypeOf(record.key)
  if (type !== ControlType.abort && type !== ControlType.commit) return undefined
  if (record.value === null || record.value.length < VALUE_BYTES) return undefined
  return { commit: type === ControlType.commit, coordinatorEpoch: record.value.readInt32BE(2) }
}

/** The batch that ends a transaction in a partition. */
export function endTransactionBatch(marker: EndTransactionMarker, baseOffset = 0, partitionLeaderEpoch = -1): Buffer {
  const value = Buffer.alloc(VALUE_BYTES)
  value.writeInt32BE(marker.coordinatorEpoch, 2)
  const key = controlKey(marker.commit ? ControlType.commit : ControlType.abort)
  return buildBatch([{ key, value, timestamp: marker.timestamp }], {
    baseOffset,
    partitionLeaderEpoch,
    producerId: marker.producerId,
    producerEpoch: marker.producerEpoch,
    baseSequence: NO_SEQUENCE,
    transactional: true,
    control: true
  })
}
