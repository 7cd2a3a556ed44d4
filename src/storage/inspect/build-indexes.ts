/** Index files made anew from a log, by Kafka's rules, without the engine. Files are replaced whole. */
import { writeDurably } from '../files.js'
import { INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX } from '../names.js'
import { batch } from '../../record/index.js'
import { ABORTED_TXN_BYTES, type AbortedTransaction } from './dump-state.js'
import { INDEX_ENTRY_BYTES, TIME_ENTRY_BYTES } from './dump-index.js'
import { FileWindow } from './file-window.js'
import { walkSegment } from './segment-walk.js'

/** Kafka's default of index.interval.bytes. An index may be sparser or denser than others: each is right. */
const INTERVAL_BYTES = 4096

/** `segment`: path without a suffix. Bytes that are no sound batch are passed over. Rejects with a StorageError or an error of node:fs. */
export async function buildIndexes(segment: string, base: number): Promise<void> {
  const offsets: Buffer[] = []
  const times: Buffer[] = []
  let largest = -1
  let offsetOfLargest = base
  let indexed = -1
  let entryAt = 0
  const addTime = () => {
    if (largest <= indexed) return
    const entry = Buffer.alloc(TIME_ENTRY_BYTES)
    batch.writeInt64(entry, largest, 0)
    entry.writeInt32BE(offsetOfLargest - base, 8)
    times.push(entry)
    indexed = largest
  }
  const window = await FileWindow.open(segment + LOG_SUFFIX)
  try {
    for await (const piece of walkSegment(window, base)) {
      if (piece.kind === 'bad') continue
      const lastOffset = batch.lastOffset(piece.header, 0)
      const timestamp = batch.maxTimestamp(piece.header, 0)
      if (timestamp > largest) {
        largest = timestamp
        offsetOfLargest = lastOffset
      }
      if (piece.position - entryAt <= INTERVAL_BYTES) continue
      const entry = Buffer.alloc(INDEX_ENTRY_BYTES)
      entry.writeInt32BE(lastOffset - base, 0)
      entry.writeInt32BE(piece.position, 4)
      offsets.push(entry)
      addTime()
      entryAt = piece.position
    }
  } finally {
    await window.close()
  }
  addTime()
  await writeDurably(segment + INDEX_SUFFIX, Buffer.concat(offsets))
  await writeDurably(segment + TIME_INDEX_SUFFIX, Buffer.concat(times))
}

export async function buildTransactionIndex(segment: string, entries: readonly AbortedTransaction[]): Promise<void> {
  const bytes = Buffer.alloc(entries.length * ABORTED_TXN_BYTES)
  for (const [index, { version, producerId, firstOffset, lastOffset, lastStableOffset }] of entries.entries()) {
    const at = index * ABORTED_TXN_BYTES
    bytes.writeInt16BE(version, at)
    batch.writeInt64(bytes, producerId, at + 2)
    batch.writeInt64(bytes, firstOffset, at + 10)
    batch.writeInt64(bytes, lastOffset, at + 18)
    batch.writeInt64(bytes, lastStableOffset, at + 26)
  }
  await writeDurably(segment + TXN_INDEX_SUFFIX, bytes)
}
