/** A metadata log of one segment file, written without the native engine. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { StorageError } from '../../../src/errors.js'
import type { MetadataLog } from '../../../src/metadata/metadata-log.js'
import { decodeBatches } from '../../../src/record/decode.js'

const SEGMENT = '00000000000000000000.log'

export class FileLog implements MetadataLog {
  readonly #handle: FileHandle
  readonly trims: number[] = []
  endOffset: number
  epoch = 0
  /** The next call fails so. */
  failAppend: string | undefined
  failFlush: string | undefined

  private constructor(handle: FileHandle, endOffset: number) {
    this.#handle = handle
    this.endOffset = endOffset
  }

  static async open(folder: string): Promise<FileLog> {
    mkdirSync(folder, { recursive: true })
    const file = path.join(folder, SEGMENT)
    let endOffset = 0
    try {
      const bytes = readFileSync(file)
      let valid = 0
      try {
        for (const header of decodeBatches(bytes)) {
          endOffset = header.lastOffset + 1
          valid = header.position + header.sizeInBytes
        }
      } catch {
        // A damaged end is cut, as the engine does.
      }
      if (valid < bytes.length) writeFileSync(file, bytes.subarray(0, valid))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    return new FileLog(await open(file, 'a'), endOffset)
  }

  becomeLeader(epoch: number): void {
    this.epoch = epoch
  }

  async append(batch: Buffer): Promise<void> {
    if (this.failAppend !== undefined) {
      const code = this.failAppend
      this.failAppend = undefined
      throw new StorageError(code, SEGMENT)
    }
    const [header] = decodeBatches(batch)
    if (header?.baseOffset !== this.endOffset || header.partitionLeaderEpoch !== this.epoch) throw new Error('batch out of place')
    await this.#handle.appendFile(batch)
    this.endOffset = header.lastOffset + 1
  }

  async flush(): Promise<void> {
    if (this.failFlush === undefined) return
    const code = this.failFlush
    this.failFlush = undefined
    throw new StorageError(code, SEGMENT)
  }

  roll(): void {}

  async trim(offset: number): Promise<void> {
    this.trims.push(offset)
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}
