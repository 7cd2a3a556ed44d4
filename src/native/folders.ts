/** Whole folders of a log directory in one native job: what stands in them, and small files written to them. Formats: native/folder_survey.h. */
import { StorageError } from '../errors.js'
import { errnoName, type Runtime } from './runtime.js'

/** What a look into the folder of a log finds. */
export interface FolderSurvey {
  /** `size`: of files that end in .log or .txnindex; else -1; `NOT_A_FILE`: a folder, a FIFO, a link that leads nowhere. */
  readonly files: readonly { readonly name: string; readonly size: number }[]
  /** Contents of the files that were asked for; `none`: there is no such file; `unread`: read it yourself. */
  readonly texts: readonly (string | typeof NONE | typeof UNREAD)[]
  /** The newest producer snapshot (by its offset). */
  readonly snapshot: Buffer | typeof NONE | typeof UNREAD
  /** The offset behind the last batch of the newest segment, whose last byte is the last of the file; undefined: not known without reading more. */
  readonly tailEnd: number | undefined
  /** Of the first batch of the newest segment. */
  readonly firstTimestamp: number | undefined
}

export const NOT_A_FILE = -2
export const NONE = Symbol('none')
export const UNREAD = Symbol('unread')

/** A small file to be written. */
export interface SmallFile {
  readonly path: string
  readonly contents: Uint8Array
  /** It may exist, and must be whole at any time. */
  readonly replaces: boolean
}

const NO_FILE = -1
const NUMBER_BYTES = 8
const LENGTH_BYTES = 4
/** What is done with a file: see native/folder_survey.h. */
const WRITE = 0
const WRITE_AND_RENAME = 1
const RENAME = 2

/** One after the other, as given; a folder that can't be listed is a StorageError. Rejects with a StorageError. */
export async function surveyFolders(
  runtime: Runtime,
  dir: string,
  folders: readonly string[],
  texts: readonly string[]
): Promise<(FolderSurvey | StorageError)[]> {
  const [, id] = await runtime.run(dir, (ticket) => runtime.native.surveyFolders(dir, folders.join('\0'), texts.join('\0'), ticket))
  if (id === 0) return []
  const frame = runtime.frame(id)
  try {
    const cursor = new Cursor(frame.buffer, frame.start)
    return folders.map((folder) => readSurvey(cursor, `${dir}/${folder}`, texts.length))
  } finally {
    runtime.release(frame)
  }
}

/** Writes files of the log directory `dir`. Rejects with the StorageError of the first that failed; the others are written all the same. */
export function writeFiles(runtime: Runtime, dir: string, files: readonly SmallFile[], durable: boolean): Promise<void> {
  return run(
    runtime,
    dir,
    files.map(({ path, contents, replaces }) => encoded(replaces ? WRITE_AND_RENAME : WRITE, path, contents)),
    durable
  )
}

/** Gives files of the log directory `dir` their names, each written before as `path`.tmp. Rejects as writeFiles. */
export function nameFiles(runtime: Runtime, dir: string, paths: readonly string[]): Promise<void> {
  return run(
    runtime,
    dir,
    paths.map((path) => encoded(RENAME, path, new Uint8Array(0))),
    false
  )
}

function encoded(how: number, path: string, contents: Uint8Array): Buffer {
  const name = Buffer.from(path)
  const head = Buffer.alloc(2 * LENGTH_BYTES)
  head.writeInt32LE(how, 0)
  head.writeInt32LE(name.length, LENGTH_BYTES)
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeInt32LE(contents.length)
  return Buffer.concat([head, name, length, contents])
}

async function run(runtime: Runtime, dir: string, files: readonly Buffer[], durable: boolean): Promise<void> {
  const bytes = Buffer.concat(files)
  await runtime.run(dir, (ticket) => runtime.native.writeFiles(dir, bytes, durable, ticket))
}

/**
 * Flushes the whole file system on which the lock file of `dir` is: one wait, however many files were written. False: not known to work on this kind of
 * file system. Rejects with a StorageError when something could not be written since the lock was taken.
 */
export async function syncFileSystem(runtime: Runtime, dir: string, lock: number): Promise<boolean> {
  try {
    await runtime.run(dir, (ticket) => runtime.native.syncFileSystem(dir, lock, ticket))
    return true
  } catch (error) {
    if (error instanceof StorageError && error.code === 'EOPNOTSUPP') return false
    throw error
  }
}

class Cursor {
  readonly #buffer: Buffer
  #at: number

  constructor(buffer: Buffer, at: number) {
    this.#buffer = buffer
    this.#at = at
  }

  int(): number {
    const value = this.#buffer.readInt32LE(this.#at)
    this.#at += LENGTH_BYTES
    return value
  }

  number(): number {
    const value = this.#buffer.readDoubleLE(this.#at)
    this.#at += NUMBER_BYTES
    return value
  }

  text(length: number): string {
    const from = this.#at
    this.#at += length
    return this.#buffer.toString('utf8', from, this.#at)
  }

  bytes(length: number): Buffer {
    const from = this.#at
    this.#at += length
    return Buffer.from(this.#buffer.subarray(from, this.#at))
  }
}

function readSurvey(cursor: Cursor, folder: string, texts: number): FolderSurvey | StorageError {
  const status = cursor.int()
  if (status < 0) return new StorageError(errnoName(status), folder)
  const tailEnd = cursor.number()
  const firstTimestamp = cursor.number()
  const files = Array.from({ length: cursor.int() }, () => ({ name: cursor.text(cursor.int()), size: cursor.number() }))
  const contents = Array.from({ length: texts }, () => {
    const length = cursor.int()
    return length < 0 ? missing(length) : cursor.text(length)
  })
  const snapshotBytes = cursor.int()
  return {
    files,
    texts: contents,
    snapshot: snapshotBytes < 0 ? missing(snapshotBytes) : cursor.bytes(snapshotBytes),
    tailEnd: tailEnd < 0 ? undefined : tailEnd,
    firstTimestamp: Number.isNaN(firstTimestamp) ? undefined : firstTimestamp
  }
}

function missing(length: number): typeof NONE | typeof UNREAD {
  return length === NO_FILE ? NONE : UNREAD
}
