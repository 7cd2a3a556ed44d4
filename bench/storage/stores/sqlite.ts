/**
 * better-sqlite3: a table for each log, the number as its primary key, in WAL mode; `synchronous` is OFF without flush and FULL with it. Appends of one
 * turn of the event loop share a transaction, since it is synchronous.
 */
import { Rounds, type Finder, type Store, type StoreKind, type StoreOptions } from './store.js'

interface Statement {
  run(...values: unknown[]): unknown
  get(...values: unknown[]): unknown
  pluck(): Statement
  iterate(...values: unknown[]): Iterable<unknown>
}

interface Database {
  pragma(text: string): unknown
  exec(text: string): unknown
  prepare(text: string): Statement
  transaction<Args extends readonly unknown[]>(work: (...args: Args) => void): (...args: Args) => void
  close(): void
}

export type BetterSqlite3 = new (file: string) => Database

interface Append {
  readonly log: number
  readonly values: readonly Buffer[]
}

export function sqliteKind(Sqlite: BetterSqlite3): StoreKind {
  return {
    name: 'better-sqlite3',
    open({ folder, logs: count, policy }: StoreOptions): Promise<Store> {
      const database = new Sqlite(`${folder}/sqlite.db`)
      database.pragma('journal_mode = WAL')
      database.pragma(`synchronous = ${policy === 'flush' ? 'FULL' : 'OFF'}`)
      const logs = Array.from({ length: count }, (_, log) => {
        database.exec(`CREATE TABLE log_${log} (number INTEGER PRIMARY KEY, value BLOB NOT NULL)`)
        return {
          end: 0,
          insert: database.prepare(`INSERT INTO log_${log} (number, value) VALUES (?, ?)`),
          select: database.prepare(`SELECT value FROM log_${log} WHERE number = ?`).pluck(),
          all: database.prepare(`SELECT value FROM log_${log} ORDER BY number`).pluck()
        }
      })
      const insert = database.transaction((appends: readonly Append[]) => {
        for (const { log, values } of appends) for (const value of values) logs[log]!.insert.run(logs[log]!.end++, value)
      })
      const rounds = new Rounds<Append>((appends) => insert(appends))
      return Promise.resolve({
        append: (log, values) => rounds.add({ log, values }),
        read: (log, number) => logs[log]!.select.get(number) as Buffer,
        scan: (log) => logs[log]!.all.iterate() as Iterable<Buffer>,
        close() {
          database.close()
          return Promise.resolve()
        }
      })
    },
    finder(folder, entries): Promise<Finder> {
      const database = new Sqlite(`${folder}/sqlite.db`)
      database.pragma('journal_mode = WAL')
      database.pragma('synchronous = OFF')
      database.exec('CREATE TABLE entries (key INTEGER PRIMARY KEY, value INTEGER NOT NULL)')
      const insert = database.prepare('INSERT INTO entries (key, value) VALUES (?, ?)')
      database.transaction((): void => entries.forEach((entry) => void insert.run(...entry)))()
      const select = database.prepare('SELECT value FROM entries WHERE key <= ? ORDER BY key DESC LIMIT 1').pluck()
      return Promise.resolve({
        find: (key) => select.get(key) as number,
        close() {
          database.close()
          return Promise.resolve()
        }
      })
    }
  }
}
