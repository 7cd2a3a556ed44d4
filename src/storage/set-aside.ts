/** What a start can't use and does not understand is kept under another name, which no start takes for its own; nothing of it is deleted. */
import { lstat, open, rename, unlink } from 'node:fs/promises'
import path from 'node:path'
import { isMissing, openFile, storageError, syncFolder } from './files.js'

/** Of bytes of a log behind its first bad batch, and of whole files behind it. */
export const CORRUPT_SUFFIX = '.corrupt'
/** Of small files that can't be read: of another version, or broken. */
export const UNREADABLE_SUFFIX = '.unreadable'

const COPY_BYTES = 1024 * 1024
const ASIDE = /\.(corrupt|unreadable)(\.\d+)?$/
const MOST_OF_A_NAME = 1000

/** Whether the name is one that was given here. */
export function isSetAside(name: string): boolean {
  return ASIDE.test(name)
}

/** Renames a file; returns its new name, undefined when there is no such file. An earlier one of that name stays. Rejects with a StorageError. */
export async function setAside(file: string, suffix: string): Promise<string | undefined> {
  const to = await freeName(file + suffix)
  try {
    await rename(file, to)
    return path.basename(to)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw storageError(error, file)
  }
}

/**
 * Copies the bytes of a file from `from` on into one of its own beside it. Returns its name; undefined when they are all zeros, which were
 * allocated and never written. Rejects with a StorageError: nothing may be cut then.
 */
export async function keepTail(file: string, from: number): Promise<string | undefined> {
  const to = await freeName(`${file}.${from}${CORRUPT_SUFFIX}`)
  try {
    const source = await openFile(file)
    try {
      const { size } = await source.stat()
      if (await isZeros(source, from, size)) return undefined
      const target = await open(to, 'wx', 0o644)
      try {
        for await (const bytes of pieces(source, from, size)) await target.writeFile(bytes)
        await target.datasync()
      } catch (error) {
        // A part of it would only take the room of the next attempt.
        await unlink(to).catch(() => undefined)
        throw error
      } finally {
        await target.close()
      }
      await syncFolder(path.dirname(to))
      return path.basename(to)
    } finally {
      await source.close()
    }
  } catch (error) {
    throw storageError(error, file)
  }
}

type Handle = Awaited<ReturnType<typeof open>>

async function* pieces(source: Handle, from: number, to: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.min(COPY_BYTES, Math.max(1, to - from)))
  for (let position = from; position < to;) {
    const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, to - position), position)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    position += bytesRead
  }
}

async function isZeros(source: Handle, from: number, to: number): Promise<boolean> {
  const zeros = Buffer.alloc(COPY_BYTES)
  for await (const bytes of pieces(source, from, to)) if (!bytes.equals(zeros.subarray(0, bytes.length))) return false
  return true
}

async function freeName(wanted: string): Promise<string> {
  for (let number = 0; number < MOST_OF_A_NAME; number++) {
    const name = number === 0 ? wanted : `${wanted}.${number}`
    try {
      await lstat(name)
    } catch (error) {
      if (isMissing(error)) return name
      throw storageError(error, name)
    }
  }
  throw storageError(Object.assign(new Error(`${wanted} is there ${MOST_OF_A_NAME} times`), { code: 'EEXIST' }), wanted)
}
