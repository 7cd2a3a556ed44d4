/**
 * A folder on a disk that is as slow, or as broken, as one wants: drives the file system of bench/native/slowfs, which mirrors another folder.
 *
 *   await using disk = await mountSlowFs(path.join(work, 'disk'))
 *   … write to disk.folder …
 *   await disk.drop('topic-0'); await disk.set({ operation: 'read', delayMs: 200 })
 */
import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { access, constants, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { buildProgram } from './build.js'

const execute = promisify(execFile)

export type FileOperation = 'read' | 'write' | 'fsync' | 'open' | 'create' | 'truncate' | 'rename' | 'unlink'

export interface FileRule {
  readonly operation: FileOperation
  /** How long an answer takes, in ms. Any number of operations wait side by side. */
  readonly delayMs?: number
  /** What it fails with, such as EIO or ENOSPC. Without delay and error the rule is taken away. */
  readonly error?: string
  /** Part of the file's path below the mount; every file when absent. The longest match decides. */
  readonly match?: string
  /** So often, then the rule is gone. */
  readonly times?: number
}

export interface FileTally {
  /** Since the mount. */
  readonly begun: number
  /** Now, for their delay to pass. */
  readonly waiting: number
  readonly bytes: number
}

export interface SlowFs extends AsyncDisposable {
  /** Where it is mounted. */
  readonly folder: string
  /** Where the files really are. */
  readonly backing: string
  set(rule: FileRule): Promise<void>
  /** Takes all rules away. What waits for its delay is done now. */
  clear(): Promise<void>
  /** What waits for its delay is done now; the rules hold on. */
  release(): Promise<void>
  /** Writes back and drops what the page cache has of the files whose path holds `match` (default: all): they are cold then. */
  drop(match?: string): Promise<void>
  stats(): Promise<Readonly<Record<FileOperation, FileTally>>>
  /** Unmounts. Who still has files open there gets errors. Idempotent. */
  unmount(): Promise<void>
}

/** Why such a file system cannot be mounted on this machine; undefined when it can. */
export async function whyNoSlowFs(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'a slow file system needs Linux'
  if (process.getuid?.() !== 0) return 'a slow file system needs root (it mounts over /dev/fuse)'
  try {
    await access('/dev/fuse', constants.R_OK | constants.W_OK)
    return undefined
  } catch {
    return 'a slow file system needs /dev/fuse, which is not there or may not be opened'
  }
}

/** Mounts `folder`/mnt over `folder`/backing; both are made. Rejects with an Error of one line: no permission, no compiler. */
export async function mountSlowFs(folder: string): Promise<SlowFs> {
  const program = await buildProgram('slowfs', ['bench/native/slowfs'])
  const backing = path.join(folder, 'backing')
  const mountpoint = path.join(folder, 'mnt')
  await mkdir(backing, { recursive: true })
  await mkdir(mountpoint, { recursive: true })
  // A group of its own: Ctrl-C ends the benchmark, which then unmounts. Should this process die, the end of its input ends the mount.
  const child = spawn(program, [backing, mountpoint], { detached: true })
  const answers = answersOf(child)
  if ((await answers.next()) !== 'ready') throw new Error(answers.complaint() || 'slowfs did not mount')
  return new Mounted(child, answers, mountpoint, backing)
}

class Mounted implements SlowFs {
  readonly folder: string
  readonly backing: string
  readonly #child: ChildProcessWithoutNullStreams
  readonly #answers: Answers
  #ended: Promise<void> | undefined

  constructor(child: ChildProcessWithoutNullStreams, answers: Answers, folder: string, backing: string) {
    this.#child = child
    this.#answers = answers
    this.folder = folder
    this.backing = backing
  }

  async set({ operation, delayMs, error, match, times }: FileRule): Promise<void> {
    const words = Object.entries({ delay: delayMs, error, match, times }).flatMap(([key, value]) =>
      value === undefined ? [] : `${key}=${value}`
    )
    await this.#order(['set', operation, ...words].join(' '))
  }

  clear(): Promise<void> {
    return this.#order('clear')
  }

  release(): Promise<void> {
    return this.#order('release')
  }

  drop(match = ''): Promise<void> {
    return this.#order(`drop ${match}`)
  }

  async stats(): Promise<Readonly<Record<FileOperation, FileTally>>> {
    return JSON.parse(await this.#say('stats')) as Record<FileOperation, FileTally>
  }

  unmount(): Promise<void> {
    this.#ended ??= this.#unmount()
    return this.#ended
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unmount()
  }

  async #unmount(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const closed = once(this.#child, 'close')
      this.#child.stdin.end()
      await closed
    }
    // When it was killed, a dead mount is left.
    await execute('umount', ['--lazy', this.folder]).catch(() => {})
  }

  async #order(line: string): Promise<void> {
    const answer = await this.#say(line)
    if (answer !== 'ok') throw new Error(`slowfs: ${answer}`)
  }

  #say(line: string): Promise<string> {
    this.#child.stdin.write(`${line}\n`)
    return this.#answers.next()
  }
}

interface Answers {
  next(): Promise<string>
  complaint(): string
}

// Lines come in the order of the orders. After the end every one is ''.
function answersOf(child: ChildProcessWithoutNullStreams): Answers {
  const waiting: ((line: string) => void)[] = []
  const lines: string[] = []
  let complaint = ''
  let ended = false
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  child.stdin.on('error', () => {})
  createInterface(child.stdout).on('line', (line) => {
    const first = waiting.shift()
    if (first) first(line)
    else lines.push(line)
  })
  const end = () => {
    ended = true
    for (const resolve of waiting.splice(0)) resolve('')
  }
  child.on('close', end)
  child.on('error', (error) => {
    complaint += error.message
    end()
  })
  return {
    next: () => {
      const line = lines.shift()
      if (line !== undefined || ended) return Promise.resolve(line ?? '')
      return new Promise((resolve) => waiting.push(resolve))
    },
    complaint: () => complaint.trim()
  }
}
