/** Aborted transactions of the part of a log that is compacted, and the transaction index of a cleaned segment. */
import { open } from 'node:fs/promises'
import type { AbortedTransaction } from '../../native/log-clean.js'
import * as batch from '../../record/batch.js'
import { describeBatch, readEndTransaction, recordsOf } from '../../record/index.js'
import { storageError } from '../files.js'
import { scanSegment, ScanFlag } from '../log-scan.js'
import type { LogState } from '../log-state.js'
import { CLEANED_SUFFIX, TXN_INDEX_SUFFIX } from '../names.js'

const ENTRY_BYTES = 34

/**
 * The aborted transactions with a record in [from, to), each once. Found by walking all batches below `to`, which lies at most at the last stable
 * offset, so that every transaction that begins there is ended in the log. Rejects with a StorageError.
 */
export async function abortedTransactions(state: LogState, from: number, to: number): Promise<AbortedTransaction[]> {
  const open = new Map<number, number>()
  const aborted: AbortedTransaction[] = []
  for (const segment of state.segments.snapshot()) {
    if (segment.size === 0 || (segment.baseOffset >= to && open.size === 0)) continue
    await scanSegment(state, segment, 0, ScanFlag.onlyIdempotent, async (buffer, at, position) => {
      const producerId = batch.producerId(buffer, at)
      const firstOffset = batch.baseOffset(buffer, at)
      if (!batch.isControl(buffer, at)) {
        if (batch.isTransactional(buffer, at) && firstOffset < to && !open.has(producerId)) open.set(producerId, firstOffset)
        return
      }
      const bytes = await segment.native.read(position, batch.sizeInBytes(buffer, at))
      const header = describeBatch(bytes, 0)
      const first = open.get(header.producerId)
      for (const record of recordsOf(bytes, header)) {
        const end = readEndTransaction(record)
        if (end === undefined) continue
        open.delete(header.producerId)
        if (end.commit || first === undefined || header.lastOffset < from) continue
        aborted.push({
          producerId: header.producerId,
          firstOffset: first,
          lastOffset: header.lastOffset,
          lastStableOffset: header.lastOffset + 1
        })
      }
    })
  }
  return aborted
}

/** Writes `.txnindex.cleaned`, in Kafka's format, durably. No file where there is nothing to tell. */
export async function writeCleanedTransactions(path: string, transactions: readonly AbortedTransaction[]): Promise<void> {
  if (transactions.length === 0) return
  const bytes = Buffer.alloc(transactions.length * ENTRY_BYTES)
  for (const [index, one] of transactions.entries()) {
    const at = index * ENTRY_BYTES
    batch.writeInt64(bytes, one.producerId, at + 2)
    batch.writeInt64(bytes, one.firstOffset, at + 10)
    batch.writeInt64(bytes, one.lastOffset, at + 18)
    batch.writeInt64(bytes, one.lastStableOffset, at + 26)
  }
  const file = path + TXN_INDEX_SUFFIX + CLEANED_SUFFIX
  try {
    const handle = await open(file, 'w', 0o644)
    try {
      await handle.writeFile(bytes)
      await handle.datasync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw storageError(error, file)
  }
}
