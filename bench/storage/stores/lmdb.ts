/**
 * lmdb: a database for each log, numbers as keys, bytes as values. It puts what is written within a turn of the event loop into one transaction,
 * which runs in a thread of its own. Without flush it runs with `noSync`; with it, as it comes, and an append waits for `flushed`.
 */
import { bigEndian, type Finder, type Store, type StoreKind, type StoreOptions } from './store.js'

interface Database {
  put(key: number, value: Uint8Array): Promise<boolean>
  getBinary(key: number): Buffer | undefined
  getRange(options: { start?: number; reverse?: boolean; limit?: number }): Iterable<{ key: number; value: Buffer }>
  transaction<T>(work: () => T): Promise<T>
}

interface Environment extends Database {
  readonly flushed: Promise<boolean>
  openDB(options: { name: string; encoding: 'binary'; keyEncoding: 'uint32' }): Database
  close(): Promise<void>
}

export interface Lmdb {
  open(options: { path: string; maxDbs: number; encoding: 'binary'; noSync: boolean; overlappingSync?: boolean }): Environment
}

const KEYS = { encoding: 'binary', keyEncoding: 'uint32' } as const

export function lmdbKind(lmdb: Lmdb): StoreKind {
  return {
    name: 'lmdb',
    open({ folder, logs: count, policy }: StoreOptions): Promise<Store> {
      const noSync = policy === 'no flush'
      const environment = lmdb.open({ path: `${folder}/lmdb`, maxDbs: count + 1, encoding: 'binary', noSync })
      const logs = Array.from({ length: count }, (_, log) => environment.openDB({ name: String(log), ...KEYS }))
      const ends = logs.map(() => 0)
      const append = async (log: number, values: readonly Buffer[]): Promise<void> => {
        const database = logs[log]!
        const first = ends[log]!
        ends[log] = first + values.length
        if (values.length === 1) await database.put(first, values[0]!)
        else await database.transaction(() => values.forEach((value, index) => void database.put(first + index, value)))
        if (!noSync) await environment.flushed
      }
      return Promise.resolve({
        append,
        read: (log, number) => logs[log]!.getBinary(number)!,
        *scan(log) {
          for (const { value } of logs[log]!.getRange({})) yield value
        },
        close: () => environment.close()
      })
    },
    // Keys above 32 bits: as many bytes, big-endian.
    async finder(folder, entries): Promise<Finder> {
      const environment = lmdb.open({ path: `${folder}/lmdb`, maxDbs: 2, encoding: 'binary', noSync: true })
      const index = environment.openDB({ name: 'index', encoding: 'binary', keyEncoding: 'binary' } as never) as unknown as BinaryKeys
      await index.transaction(() => entries.forEach(([key, value]) => void index.put(bigEndian(key), bigEndian(value))))
      return {
        find(key) {
          for (const { value } of index.getRange({ start: bigEndian(key), reverse: true, limit: 1 })) return Number(value.readBigUInt64BE())
          return -1
        },
        close: () => environment.close()
      }
    }
  }
}

interface BinaryKeys {
  put(key: Buffer, value: Buffer): Promise<boolean>
  getRange(options: { start: Buffer; reverse: boolean; limit: number }): Iterable<{ value: Buffer }>
  transaction<T>(work: () => T): Promise<T>
}
