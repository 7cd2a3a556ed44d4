/**
 * classic-level: one database, keys of log and number, a write batch for each append; `sync` with flush. LevelDB itself groups writes that wait.
 * Nothing is compressed, as nothing is by the others.
 */
import { bigEndian, type Finder, type Store, type StoreKind, type StoreOptions } from './store.js'

interface Range {
  readonly gte?: Buffer
  readonly lte?: Buffer
  readonly lt?: Buffer
  readonly reverse?: boolean
  readonly limit?: number
}

interface Level {
  open(): Promise<void>
  batch(operations: readonly { type: 'put'; key: Buffer; value: Buffer }[], options: { sync: boolean }): Promise<void>
  get(key: Buffer): Promise<Buffer>
  values(range: Range): AsyncIterable<Buffer>
  close(): Promise<void>
}

export interface ClassicLevel {
  readonly ClassicLevel: new (location: string, options: { keyEncoding: 'buffer'; valueEncoding: 'buffer'; compression: boolean }) => Level
}

const OPTIONS = { keyEncoding: 'buffer', valueEncoding: 'buffer', compression: false } as const
const MOST_AT_ONCE = 10_000

export function levelKind({ ClassicLevel: Database }: ClassicLevel): StoreKind {
  return {
    name: 'classic-level',
    async open({ folder, logs, policy }: StoreOptions): Promise<Store> {
      const database = new Database(`${folder}/level`, OPTIONS)
      await database.open()
      const ends = Array.from({ length: logs }, () => 0)
      const sync = policy === 'flush'
      return {
        append(log, values) {
          const first = ends[log]!
          ends[log] = first + values.length
          const operations = values.map((value, index) => ({ type: 'put' as const, key: bigEndian(log, first + index), value }))
          return database.batch(operations, { sync })
        },
        read: (log, number) => database.get(bigEndian(log, number)),
        scan: (log) => database.values({ gte: bigEndian(log, 0), lt: bigEndian(log + 1, 0) }),
        close: () => database.close()
      }
    },
    async finder(folder, entries): Promise<Finder> {
      const database = new Database(`${folder}/level`, OPTIONS)
      await database.open()
      for (let at = 0; at < entries.length; at += MOST_AT_ONCE) {
        const part = entries.slice(at, at + MOST_AT_ONCE)
        await database.batch(
          part.map(([key, value]) => ({ type: 'put', key: bigEndian(key), value: bigEndian(value) })),
          { sync: false }
        )
      }
      return {
        async find(key) {
          for await (const value of database.values({ lte: bigEndian(key), reverse: true, limit: 1 }))
            return Number(value.readBigUInt64BE())
          return -1
        },
        close: () => database.close()
      }
    }
  }
}
