/** Reading a file forward in bounded memory: one buffer, and a larger one only for a batch that does not fit into it. */
import type { FileHandle } from 'node:fs/promises'
import { openFile } from '../files.js'

const WINDOW_BYTES = 1024 * 1024

export class FileWindow {
  readonly #handle: FileHandle
  /** Where reading ends: the size of the file when it was opened, or less. */
  readonly end: number
  readonly #bytes = Buffer.allocUnsafe(WINDOW_BYTES)
  #start = 0
  #length = 0

  private constructor(handle: FileHandle, end: number) {
    this.#handle = handle
    this.end = end
  }

  /** Opens a file for reading only. Rejects as `openFile`. */
  static async open(file: string, most = Number.POSITIVE_INFINITY): Promise<FileWindow> {
    const handle = await openFile(file)
    try {
      return new FileWindow(handle, Math.min((await handle.stat()).size, most))
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** The bytes of `[position, position + length)`, fewer at the end of the file. Valid until the next call. */
  async at(position: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.end - position))
    if (position >= this.#start && position + wanted <= this.#start + this.#length) return this.#view(position, wanted)
    if (wanted > WINDOW_BYTES) return this.#read(Buffer.allocUnsafe(wanted), position)
    this.#length = (await this.#read(this.#bytes.subarray(0, Math.min(WINDOW_BYTES, this.end - position)), position)).length
    this.#start = position
    return this.#view(position, Math.min(wanted, this.#length))
  }

  /** Pieces of `[from, to)`, each valid until the next: for checksums of what is too large to be held. */
  async *pieces(from: number, to: number): AsyncGenerator<Buffer> {
    for (let position = from; position < to;) {
      const piece = await this.at(position, Math.min(WINDOW_BYTES, to - position))
      if (piece.length === 0) return
      yield piece
      position += piece.length
    }
  }

  close(): Promise<void> {
    return this.#handle.close()
  }

  #view(position: number, length: number): Buffer {
    return this.#bytes.subarray(position - this.#start, position - this.#start + length)
  }

  async #read(into: Buffer, position: number): Promise<Buffer> {
    let filled = 0
    while (filled < into.length) {
      const { bytesRead } = await this.#handle.read(into, filled, into.length - filled, position + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return into.subarray(0, filled)
  }
}
