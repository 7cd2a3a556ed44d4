/** Small files written whole: they are there after a crash either as they were or as they should be. */
import { constants } from 'node:fs'
import { mkdir, mkdtemp, open, rename, rm, stat, unlink, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { StorageError } from '../errors.js'
import { errnoName } from '../native/runtime.js'
import { withDescriptor } from './descriptors.js'
import { TaskQueue } from './task-queue.js'

/**
 * Node has four threads for files, and for codecs: one is left to these, or a compressed batch would wait for a disk that is busy with new partitions.
 * And of small files no more are open at a time.
 */
const SYNCS_AT_A_TIME = 3
const syncs = new TaskQueue(SYNCS_AT_A_TIME)

/** Replaces `file` by `contents`: temporary file, fsync, rename, fsync of the folder. Rejects with a StorageError. */
export async function writeDurably(file: string, contents: string | Uint8Array): Promise<void> {
  const temporary = `${file}.tmp`
  try {
    await writeAndSync(temporary, contents)
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw storageError(error, file)
  }
  await syncFolder(path.dirname(file))
}

/** Writes `file` from its start, flushed: its name with the next flush of the folder. Rejects with a StorageError. */
export async function writeFlushed(file: string, contents: Uint8Array): Promise<void> {
  try {
    await writeAndSync(file, contents)
  } catch (error) {
    throw storageError(error, file)
  }
}

function writeAndSync(file: string, contents: string | Uint8Array): Promise<void> {
  return syncs.run(async () => {
    const handle = await openFile(file, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC)
    try {
      await handle.writeFile(contents)
      await handle.datasync()
    } finally {
      await handle.close()
    }
  })
}

/** Makes creations, renames and removals in a folder durable: they are done already, so that it waits for a descriptor. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    await withDescriptor(() => syncs.run(() => openAndSync(folder)))
  } catch (error) {
    throw storageError(error, folder)
  }
}

async function openAndSync(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const HIDDEN = new Set(['EACCES', 'EPERM', 'EINVAL'])

/** The names of a folder and of all above it are on the disk: what is synced in it is of no use when they are not. Rejects with a StorageError. */
export async function syncNames(folder: string): Promise<void> {
  for (let below = path.resolve(folder); below !== path.dirname(below); below = path.dirname(below)) {
    try {
      await syncFolder(path.dirname(below))
    } catch (error) {
      // A folder of somebody else may hide its names; this process has made none there.
      if (!(error instanceof StorageError && HIDDEN.has(error.code))) throw error
    }
  }
}

/**
 * Makes a folder and those above it that are missing, durably. Rejects with a StorageError. Node's own way, `recursive`, never ends where a folder
 * takes none and says ENOENT, as those of /proc do.
 */
export async function ensureFolder(folder: string): Promise<void> {
  if (await folderExists(folder)) return
  const above = path.dirname(folder)
  if (above !== folder) await ensureFolder(above)
  try {
    await mkdir(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Somebody else was faster.
    if (code === 'EEXIST' && (await folderExists(folder))) return
    if (code === 'EEXIST') throw new StorageError('ENOENT', folder, `${folder} is a link that leads nowhere`)
    if (code === 'ENOENT') throw new StorageError(code, folder, `no folder can be made in ${above} (ENOENT)`)
    throw storageError(error, folder)
  }
  // What is synced in a folder is of no use when the folder's own name is not.
  await syncFolder(above)
}

/** A new folder in `temp`. Rejects with a StorageError that names that one: the other name would tell nobody anything. */
export async function makeTemporary(temp: string, prefix: string): Promise<string> {
  try {
    return await mkdtemp(path.join(temp, prefix))
  } catch (error) {
    const { code } = storageError(error, temp)
    if (code === 'ENOENT' && (await isThere(temp))) throw new StorageError(code, temp, `no folder can be made in ${temp} (ENOENT)`)
    throw new StorageError(code, temp)
  }
}

/** Rejects with a StorageError where something else has the name (ENOTDIR). */
async function folderExists(folder: string): Promise<boolean> {
  try {
    if ((await stat(folder)).isDirectory()) return true
  } catch (error) {
    if (isMissing(error)) return false
    throw storageError(error, folder)
  }
  throw new StorageError('ENOTDIR', folder)
}

/**
 * Opens a file, as `flags` say (O_RDONLY …). What is none is a StorageError (ENOTSUP): opening a FIFO would wait for somebody else, and a device be read for
 * ever. Else it rejects with the error of node:fs.
 */
export async function openFile(file: string, flags: number = constants.O_RDONLY): Promise<FileHandle> {
  const handle = await open(file, flags | constants.O_NONBLOCK | constants.O_NOCTTY, 0o644).catch(async (error: unknown) => {
    // A socket, a FIFO that nobody reads, a folder that is to be written.
    const { code } = error as NodeJS.ErrnoException
    throw (code === 'ENXIO' || code === 'EISDIR') && !(await stat(file)).isFile() ? notAFile(file) : error
  })
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw notAFile(file)
}

/** What has the name of a file is a folder, a FIFO, a link that leads nowhere … */
export function notAFile(file: string): StorageError {
  return new StorageError('ENOTSUP', file, `${file} is no file, and is left as it is`)
}

/** All of it. Rejects as `openFile`. */
export async function readFile(file: string): Promise<Buffer> {
  const handle = await openFile(file)
  try {
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}

/** The text of a file; undefined when there is none. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file)).toString()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw storageError(error, file)
  }
}

/** True when a file was removed; a missing one is fine. */
export async function removeFile(file: string): Promise<boolean> {
  try {
    await unlink(file)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw storageError(error, file)
  }
}

export async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw storageError(error, from)
  }
}

/** Whether there is a file or a folder of that name, as far as can be seen. */
export async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch {
    return false
  }
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

/** An error of node:fs (or one that is a StorageError already) as a StorageError. */
export function storageError(error: unknown, file: string): StorageError {
  if (error instanceof StorageError) return error
  const { code, errno, message } = error as NodeJS.ErrnoException
  // Node has no name for some errors, EDQUOT among them.
  const name = errno !== undefined && code?.startsWith('Unknown') === true ? errnoName(errno) : code
  // What fails on an open file does not name it.
  return new StorageError(name ?? 'EIO', file, message.includes(file) ? message : `${message}: ${file}`)
}

/** What a full disk gives: the log stays, and goes on when there is room. Also a queue that was full and limits of the process. */
export function isPassing(code: string): boolean {
  return PASSING.has(code)
}

/** There is no room on the disk, or none for this user. */
export function isFull(code: string): boolean {
  return code === 'ENOSPC' || code === 'EDQUOT'
}

/** What only a file system that does not work says. */
export function isBrokenDisk(code: string): boolean {
  return BROKEN_DISK.has(code)
}

const PASSING = new Set(['ENOSPC', 'EDQUOT', 'EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'EINTR'])
const BROKEN_DISK = new Set(['EIO', 'EROFS', 'ENODEV', 'ENXIO', 'ESTALE', 'ENOTCONN', 'EUCLEAN'])
