/**
 * A few operations of an engine in a child whose writes are kept in a journal; then the power is cut where its marks are, with nothing left but what was
 * synced, and the folder is looked at. What chance finds in thousands of rounds or not at all, these find each time.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { ExecutionContext } from 'ava'
import { CrashDisk, Mercy, randomFrom } from '../../src/cli/crash-disk.js'
import { JournalOp, readJournal, type JournalEntry } from '../../src/cli/crash-journal.js'
import { faultEnvironment } from '../../src/cli/crash-library.js'
import { startEngine, type Engine, type EngineOptions } from '../storage/support.js'
import { unsound } from './discipline.js'
import { makePlace, removePlace, type Place } from './place.js'
import { RecoveryPoints } from './recovery-points.js'

const CHILD = path.join(import.meta.dirname, 'directed-child.js')
const CHILD_LIMIT_MS = 60_000
/** A file of the metadata that the log knows better (src/metadata/quorum-state.ts). */
export const MAY_BE_LOST = /\/quorum-state\b/
/** The last mark of every child. */
export const DONE = 'done'

/** What a child does its work with. */
export interface Scene {
  /** The log directory, and another one on the same disk. */
  readonly dir: string
  readonly other: string
  /** A mark in the journal. */
  readonly say: (text: string) => void
  /** Rules for the fault library from now on: see native/faults/rules.h. */
  readonly rules: (text: string) => void
  readonly start: (options?: EngineOptions) => Promise<Engine>
  /** Resolves when the journal holds such an entry. */
  readonly until: (fits: (entry: JournalEntry) => boolean) => Promise<void>
}

/** What a child has left. */
export class Aftermath {
  readonly entries: readonly JournalEntry[]
  readonly #t: ExecutionContext
  readonly #place: Place
  readonly #before: CrashDisk
  #cuts = 0
  #applied = 0

  constructor(t: ExecutionContext, place: Place, before: CrashDisk, entries: readonly JournalEntry[]) {
    this.#t = t
    this.#place = place
    this.#before = before
    this.entries = entries
  }

  /** The number of the entry of a mark. */
  at(mark: string): number {
    const at = this.entries.findIndex(({ op, data }) => op === JournalOp.mark && data.toString() === `${mark}\n`)
    if (at < 0) throw new Error(`the child has not said ${mark}`)
    return at
  }

  /** The first log directory as a power cut behind `mark` leaves it: as a rule, with nothing that was not synced. No mark before the last one. */
  async cutAt(mark: string, mercy: number = Mercy.none, seed = 1): Promise<string> {
    const end = this.at(mark) + 1
    while (this.#applied < end) this.#before.apply(this.entries[this.#applied++]!)
    const into = path.join(this.#place.work, `cut-${this.#cuts++}`)
    await this.#before.cut(into, randomFrom(seed), mercy)
    return path.join(into, 'data')
  }

  /** As the child has left it, page cache and all. */
  get dir(): string {
    return path.join(this.#place.disk, 'data')
  }

  open(dir: string, options: EngineOptions = {}): Promise<Engine> {
    return startEngine(this.#t, { dirs: [dir], ...options })
  }
}

/** Runs a scene (see scenes.ts). `prepare`: fills the log directory before. Fails the test when the child does not end as it should, or breaks a rule that holds for every journal. */
export async function play(t: ExecutionContext, scene: string, prepare?: (dir: string) => Promise<void>): Promise<Aftermath> {
  const place = await makePlace()
  t.teardown(() => removePlace(place))
  await writeFile(place.history, '')
  await prepare?.(path.join(place.disk, 'data'))
  const disk = await CrashDisk.of(place.disk)
  const journal = path.join(place.work, 'journal')
  const child = spawn(process.execPath, [CHILD, scene, path.join(place.disk, 'data'), place.history, journal], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...faultEnvironment({ root: place.disk, control: place.history, journal }) },
    timeout: CHILD_LIMIT_MS
  })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  t.is(code, 0, complaint)
  const entries = readJournal(await readFile(journal))
  const points = new RecoveryPoints()
  t.deepEqual([...unsound(entries).filter((problem) => !MAY_BE_LOST.test(problem)), ...entries.flatMap((entry) => points.apply(entry))], [])
  return new Aftermath(t, place, disk, entries)
}

/** The names in a partition's folder that count: not of what is deleted already, nor of producer states, which may be found again. */
export async function namesIn(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return []
  return (await readdir(folder)).filter((name) => !name.endsWith('.deleted')).toSorted()
}

/** Whether a sync of `name` (a file or a folder) began behind one entry and ended before another. */
export function isSyncedBetween(entries: readonly JournalEntry[], name: string, from: number, to: number): boolean {
  const begin = entries.findIndex((entry, at) => at > from && entry.op === JournalOp.syncBegin && entry.path === name)
  const end = entries.findIndex((entry, at) => at > begin && entry.op === JournalOp.syncEnd && !entry.failed && entry.path === name)
  return begin >= 0 && end >= 0 && end < to
}
