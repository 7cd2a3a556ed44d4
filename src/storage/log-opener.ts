/**
 * Opens the logs that were found in a directory. Their folders are looked at in groups, natively; a log that was flushed whole is open after that,
 * the others are recovered, as many at a time as there are threads for it. A log that somebody asks for goes first.
 */
import { StorageError } from '../errors.js'
import type { Clock, Timer } from '../clock.js'
import type { Logger } from '../log.js'
import type { Runtime } from '../native/runtime.js'
import type { Log } from './log.js'
import type { LogDir } from './log-dir.js'
import { LOG_SUFFIX, parseSegmentFile, SNAPSHOT_SUFFIX } from './names.js'
import { NOT_A_FILE, surveyLogs, type FolderSurvey } from './survey.js'

export interface FoundLog {
  /** Of its folder in the directory. */
  readonly name: string
  readonly topic: string
  readonly partition: number
}

/** How far the recovery of a directory is. */
export interface RecoveryProgress {
  readonly logs: number
  readonly recoveredLogs: number
  /** Of the segments that may hold what was not flushed. */
  readonly bytes: number
  readonly checkedBytes: number
}

export interface LogOpenerOptions {
  readonly dir: Pick<LogDir, 'path' | 'cleanShutdown' | 'recoveryPoints'>
  readonly runtime: Runtime
  readonly clock: Clock
  readonly log: Logger
  /** `num.recovery.threads.per.data.dir` */
  readonly threads: number
  /** `checked`, of a log that is to be recovered: told of bytes that were read. */
  readonly open: (found: FoundLog, survey: FolderSurvey, checked: ((bytes: number) => void) | undefined) => Promise<Log>
}

interface Waiting extends FoundLog {
  readonly resolve: (log: Promise<Log>) => void
  readonly reject: (error: unknown) => void
}

interface Unrecovered {
  readonly found: Waiting
  readonly survey: FolderSurvey
  readonly bytes: number
}

/** Folders in one native job: some milliseconds. */
const GROUP = 64
const TELL_MS = 2000
const MIB = 1024 * 1024

export class LogOpener {
  readonly #options: LogOpenerOptions
  readonly #found: Waiting[] = []
  /** By folder name, in the order in which they are recovered. */
  readonly #unrecovered = new Map<string, Unrecovered>()
  readonly #hurried = new Set<string>()
  #surveying = 0
  #recovering = 0
  #progress = { logs: 0, recoveredLogs: 0, bytes: 0, checkedBytes: 0 }
  #startedMs = 0
  #timer: Timer | undefined
  #canceled = false

  constructor(options: LogOpenerOptions) {
    this.#options = options
  }

  /** Opened once `start` was called. Rejects with a StorageError. */
  add(found: FoundLog): Promise<Log> {
    return new Promise((resolve, reject) => this.#found.push({ ...found, resolve, reject }))
  }

  /** Returns at once. */
  start(): void {
    const { clock, threads } = this.#options
    this.#startedMs = clock.monotonic()
    // The broker's own topics are what it needs to serve the others.
    this.#found.sort((a, b) => Number(b.name.startsWith('__')) - Number(a.name.startsWith('__')))
    for (let worker = 0; worker <= threads; worker++) {
      this.#surveying++
      void this.#survey()
    }
  }

  /** The log goes before all that nobody has asked for. */
  hurry(name: string): void {
    if (this.#unrecovered.has(name) || this.#surveying > 0) this.#hurried.add(name)
  }

  /** What was not begun is not opened any more: its promises reject. */
  cancel(): void {
    this.#timer?.cancel()
    const waiting = [...this.#found.splice(0), ...Array.from(this.#unrecovered.values(), ({ found }) => found)]
    this.#unrecovered.clear()
    this.#canceled = true
    for (const { name, reject } of waiting) reject(new StorageError('ECANCELED', name, 'the logs are closed'))
  }

  /** Undefined: nothing is left to be recovered. */
  progress(): RecoveryProgress | undefined {
    return this.#progress.recoveredLogs < this.#progress.logs ? { ...this.#progress } : undefined
  }

  async #survey(): Promise<void> {
    const { dir, runtime } = this.#options
    for (let group = this.#found.splice(0, GROUP); group.length > 0; group = this.#found.splice(0, GROUP)) {
      try {
        const names = group.map(({ name }) => name)
        const surveys = await surveyLogs(runtime, dir.path, names)
        for (const [index, found] of group.entries()) this.#surveyed(found, surveys[index]!)
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    if (--this.#surveying === 0) this.#announce()
  }

  #surveyed(found: Waiting, survey: FolderSurvey | StorageError): void {
    if (survey instanceof StorageError) return found.reject(survey)
    if (this.#canceled) return found.reject(new StorageError('ECANCELED', found.name, 'the logs are closed'))
    const { dir, open } = this.#options
    const recoveryPoint = dir.recoveryPoints.get(found.name) ?? 0
    const { whole, bytes } = dir.cleanShutdown ? { whole: true, bytes: 0 } : unread(survey, recoveryPoint)
    if (whole) return found.resolve(open(found, survey, undefined))
    // Where all is flushed, only headers are looked at for what a producer snapshot does not tell.
    if (bytes > 0) this.#progress.logs++
    this.#progress.bytes += bytes
    this.#unrecovered.set(found.name, { found, survey, bytes })
    this.#recoverMore()
  }

  #recoverMore(): void {
    while (this.#recovering < this.#options.threads) {
      const next = this.#next()
      if (next === undefined) return
      this.#recovering++
      void this.#recover(next).finally(() => {
        this.#recovering--
        this.#recoverMore()
      })
    }
  }

  #next(): Unrecovered | undefined {
    for (const name of this.#hurried) {
      const wanted = this.#unrecovered.get(name)
      if (wanted === undefined) continue
      this.#hurried.delete(name)
      this.#unrecovered.delete(name)
      return wanted
    }
    for (const [name, first] of this.#unrecovered) {
      this.#unrecovered.delete(name)
      return first
    }
    return undefined
  }

  async #recover({ found, survey, bytes }: Unrecovered): Promise<void> {
    let checked = 0
    const opened = this.#options.open(found, survey, (more) => {
      checked += more
      this.#progress.checkedBytes += more
    })
    found.resolve(opened)
    await opened.catch(() => undefined)
    if (bytes === 0) return
    // What lay below the recovery point was not read.
    this.#progress.checkedBytes += bytes - checked
    this.#progress.recoveredLogs++
    if (this.#surveying === 0 && this.progress() === undefined) this.#finished()
  }

  #announce(): void {
    const { logs, bytes } = this.#progress
    if (logs === 0 || this.#canceled) return
    const { dir, log } = this.#options
    log.info(`${dir.path} was not closed: ${logs} logs are checked, ${mib(bytes)} MiB at most`)
    if (this.progress() === undefined) this.#finished()
    else this.#tellLater()
  }

  #tellLater(): void {
    this.#timer = this.#options.clock.schedule(TELL_MS, () => {
      const { logs, recoveredLogs, bytes, checkedBytes } = this.#progress
      this.#options.log.info(
        `recovery of ${this.#options.dir.path}: ${recoveredLogs} of ${logs} logs, ${mib(checkedBytes)} of ${mib(bytes)} MiB`
      )
      this.#tellLater()
    })
  }

  #finished(): void {
    this.#timer?.cancel()
    const { clock, dir, log } = this.#options
    const seconds = (clock.monotonic() - this.#startedMs) / 1000
    log.info(`${dir.path}: ${this.#progress.logs} logs recovered in ${seconds.toFixed(2)} s`)
  }
}

/**
 * What is to be read of a log. `whole`: nothing, it is empty, or ends at the recovery point and at a producer snapshot. `bytes`: of the segments that may hold
 * what was not flushed.
 */
function unread(survey: FolderSurvey, recoveryPoint: number): { whole: boolean; bytes: number } {
  const segments: { base: number; size: number }[] = []
  let snapshot = -1
  for (const { name, size } of survey.files) {
    const file = parseSegmentFile(name)
    if (file === undefined || file.state !== '' || size === NOT_A_FILE) continue
    if (file.suffix === LOG_SUFFIX) segments.push({ base: file.offset, size })
    else if (file.suffix === SNAPSHOT_SUFFIX) snapshot = Math.max(snapshot, file.offset)
  }
  const isFlushed = survey.tailEnd === recoveryPoint
  // Without a snapshot at its end its headers are to be read: not of thousands of logs at a time.
  const whole = segments.every(({ size }) => size === 0) || (isFlushed && snapshot === recoveryPoint)
  if (whole || isFlushed) return { whole, bytes: 0 }
  segments.sort((a, b) => a.base - b.base)
  let bytes = 0
  for (const [index, { size }] of segments.entries()) {
    const next = segments[index + 1]
    if (next === undefined || next.base > recoveryPoint) bytes += size
  }
  return { whole, bytes }
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(0)
}
