/**
 * What a Node program writes by itself: a file that is appended to, and where each value begins in an index of its own, in memory and in a second
 * file. What is waiting goes out in one writev; with a flush, one fdatasync follows it, of the values alone: their index can be made anew from them.
 */
import { createReadStream } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { MIB } from '../../lib/units.js'
import { Rounds, type Finder, type Store, type StoreKind, type StoreOptions } from './store.js'

const LENGTH_BYTES = 4
/** The system takes no more at once. */
const MOST_PARTS = 1024

class FileLog {
  readonly #file: FileHandle
  readonly #indexFile: FileHandle
  readonly #path: string
  /** Where each value begins; one more: the end. */
  readonly #positions: number[] = [0]
  readonly #rounds: Rounds<readonly Buffer[]>

  constructor(file: FileHandle, indexFile: FileHandle, path: string, flush: boolean) {
    this.#file = file
    this.#indexFile = indexFile
    this.#path = path
    this.#rounds = new Rounds(async (appends) => {
      await this.#write(appends.flat())
      if (flush) await file.datasync()
    })
  }

  static async open(folder: string, log: number, flush: boolean): Promise<FileLog> {
    const base = path.join(folder, `log-${log}`)
    return new FileLog(await open(base, 'wx+'), await open(`${base}.index`, 'wx+'), base, flush)
  }

  append(values: readonly Buffer[]): Promise<void> {
    return this.#rounds.add(values)
  }

  async read(number: number): Promise<Buffer> {
    const position = this.#positions[number]! + LENGTH_BYTES
    const length = this.#positions[number + 1]! - position
    const { buffer } = await this.#file.read(Buffer.allocUnsafe(length), 0, length, position)
    return buffer
  }

  scan(): AsyncIterable<Uint8Array> {
    return createReadStream(this.#path, { highWaterMark: MIB })
  }

  async close(): Promise<void> {
    await this.#file.close()
    await this.#indexFile.close()
  }

  async #write(values: readonly Buffer[]): Promise<void> {
    const first = this.#positions.length - 1
    const index = Buffer.allocUnsafe(values.length * 8)
    const parts: Buffer[] = []
    let end = this.#positions[first]!
    for (const [at, value] of values.entries()) {
      const length = Buffer.allocUnsafe(LENGTH_BYTES)
      length.writeUInt32BE(value.length)
      parts.push(length, value)
      index.writeBigUInt64BE(BigInt(end), at * 8)
      end += LENGTH_BYTES + value.length
      this.#positions.push(end)
    }
    let position = this.#positions[first]!
    for (let at = 0; at < parts.length; at += MOST_PARTS) {
      const { bytesWritten } = await this.#file.writev(parts.slice(at, at + MOST_PARTS), position)
      position += bytesWritten
    }
    if (position !== end) throw new Error(`${this.#path}: ${end - position} bytes were not written`)
    await this.#indexFile.write(index, 0, index.length, first * 8)
  }
}

export const FILES: StoreKind = {
  name: 'fs with an own index',
  async open({ folder, logs: count, policy }: StoreOptions): Promise<Store> {
    const logs = await Promise.all(Array.from({ length: count }, (_, log) => FileLog.open(folder, log, policy === 'flush')))
    return {
      append: (log, values) => logs[log]!.append(values),
      read: (log, number) => logs[log]!.read(number),
      scan: (log) => logs[log]!.scan(),
      async close() {
        for (const log of logs) await log.close()
      }
    }
  },
  // The index of a log that fits into memory.
  finder(_folder, entries): Promise<Finder> {
    const keys = Float64Array.from(entries, ([key]) => key)
    const values = Float64Array.from(entries, ([, value]) => value)
    const find = (key: number): number => {
      let low = 0
      let high = keys.length - 1
      while (low <= high) {
        const middle = (low + high) >> 1
        if (keys[middle]! <= key) low = middle + 1
        else high = middle - 1
      }
      return values[high]!
    }
    return Promise.resolve({ find, close: () => Promise.resolve() })
  }
}
