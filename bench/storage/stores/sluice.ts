/** The storage engine, as a program has it: `sluice/storage`. */
import { At, LOG_OVERHEAD, readInt64 } from '../../../src/record/batch.js'
import { LogDirectory, type Log, type Settings } from '../../../src/storage/index.js'
import { MIB } from '../../lib/units.js'
import type { Store, StoreOptions } from './store.js'

export const SLUICE = 'Sluice'

export interface SluiceOptions extends StoreOptions {
  /** Records in each value, which is an encoded record batch then; undefined: values are appended as records. */
  readonly recordsPerBatch?: number | undefined
  readonly settings?: Settings
}

const READ_BYTES = MIB

/** Behind the last of whole batches. */
function nextOffset(bytes: Buffer): number {
  let last = 0
  for (let at = 0; at < bytes.length; at += bytes.readInt32BE(at + At.batchLength) + LOG_OVERHEAD) last = at
  return readInt64(bytes, last + At.baseOffset) + bytes.readInt32BE(last + At.lastOffsetDelta) + 1
}

/** Without a flush, nothing is flushed in the background either: the others do not. */
export async function openSluice({ folder, logs: count, policy, recordsPerBatch, settings }: SluiceOptions): Promise<Store> {
  const flush: Settings = policy === 'flush' ? { 'log.flush.interval.messages': '1' } : { 'sluice.flush.background.bytes': '0' }
  const directory = await LogDirectory.open(folder, { settings: { ...flush, 'log.segment.delete.delay.ms': '0', ...settings } })
  const logs: Log[] = []
  for (let log = 0; log < count; log++) logs.push(await directory.log('bench', { partition: log }))
  const records = recordsPerBatch ?? 1
  return {
    append(log, values) {
      if (recordsPerBatch === undefined) return logs[log]!.append(values.map((value) => ({ value })))
      return values.length === 1 ? logs[log]!.appendBatch(values[0]!) : Promise.all(values.map((value) => logs[log]!.appendBatch(value)))
    },
    // A limit of one byte: the one batch.
    read: (log, number) => logs[log]!.read(number * records, 1),
    async *scan(log) {
      const from = logs[log]!
      for (let next = 0; next < from.endOffset;) {
        const bytes = await from.read(next, READ_BYTES)
        yield bytes
        next = nextOffset(bytes)
      }
    },
    async close() {
      // Not kept, so not flushed.
      for (let log = 0; log < count; log++) await directory.delete('bench', log)
      await directory.close()
    }
  }
}
