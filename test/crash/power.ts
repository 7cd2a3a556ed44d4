/** Power cuts: a run's journal is played onto a simulated disk, which is cut off at several points; what it leaves is opened and compared. */
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { CrashDisk, Mercy, randomFrom, type Random } from '../../src/cli/crash-disk.js'
import { JournalOp, readJournal, type JournalEntry } from '../../src/cli/crash-journal.js'
import { unsound } from './discipline.js'
import { dirsOf } from './engine.js'
import { decodeLines, type Line } from './history.js'
import type { Place } from './place.js'
import { chosen, killAt } from './points.js'
import { RecoveryPoints } from './recovery-points.js'
import { complaintsIn, readHistory, reopen, runChild, type RoundResult } from './rounds.js'
import { Truth } from './truth.js'

const CUTS = 10
export const MERCIES = [Mercy.none, Mercy.some, Mercy.some, Mercy.some, Mercy.all] as const
/** Half of the cuts come right behind one of these: that is where something could be believed too early. */
const TURNING_POINTS = new Set<number>([JournalOp.syncEnd, JournalOp.create, JournalOp.rename, JournalOp.mark, JournalOp.truncate])
/** Syncs that fail, and what a full disk or a lack of descriptors keeps from being promised. */
const FAULTS = [
  'EIO sync *.log',
  'EIO sync-folder *',
  'EIO sync *.index',
  'EIO sync *checkpoint.tmp',
  'ENOSPC write *leader-epoch-checkpoint.tmp',
  'ENOSPC write *.txnindex',
  'ENOSPC write *.snapshot',
  'ENOSPC write *index',
  'EMFILE open *-0',
  'short write *'
] as const

/** Children one after the other on one folder, killed or ended; then cuts all over what they did. */
export async function powerRound(seed: number, place: Place): Promise<RoundResult> {
  const random = randomFrom(seed)
  const disk = await CrashDisk.of(place.disk)
  const entries: JournalEntry[] = []
  const story: string[] = []
  const begins = new Set<number>()
  const recoveryPoints = new RecoveryPoints()
  for (let generation = 0; generation < 2; generation++) {
    const journal = path.join(place.work, `journal-${generation}`)
    await writeFile(place.history, '')
    const kill = random() < 0.5 ? killAt(random).rule : undefined
    const fault = random() < 0.3 ? `${chosen(random, FAULTS)} ${1 + Math.floor(random() * 10)} ${1 + Math.floor(random() * 4)}` : undefined
    const environmentRules = [kill, fault].filter((rule) => rule !== undefined).join(';')
    const end = await runChild(place, {
      environmentRules,
      journal,
      seed: Math.floor(random() * 2 ** 31),
      name: `c${generation}`,
      operations: 30 + Math.floor(random() * 80),
      end: random() < 0.5 ? 'kill' : 'close'
    })
    story.push(`child ${generation}: ${environmentRules}: ${JSON.stringify(end)}`)
    // A folder whose first files can't be synced is refused: then nothing was promised.
    if (!end.killed && end.code !== 0 && fault === undefined) return { problems: [`the child failed: ${end.complaint}`], story, hits: [] }
    const written = readJournal(await readFile(journal))
    recoveryPoints.processEnded()
    const problems = [...unsound(written), ...written.flatMap((entry) => recoveryPoints.apply(entry))]
    if (problems.length > 0) return { problems, story, hits: [] }
    begins.add(entries.length)
    entries.push(...written)
    const history = await readHistory(place)
    const complaints = complaintsIn(history)
    if (complaints.length > 0) return { problems: complaints, story, hits: [] }
    // What a failed sync took may still be in memory, where the next process would find it: what that means no engine can know.
    if (history.some((line) => line[0] === 'offline') || (!end.killed && end.code !== 0)) break
  }
  const lines: Line[] = []
  let at = 0
  for (const cut of cutPoints(entries, random)) {
    for (; at < cut; at++) {
      const entry = entries[at]!
      if (begins.has(at)) disk.processEnded()
      disk.apply(entry)
      if (entry.op === JournalOp.mark) lines.push(...decodeLines(entry.data.toString()))
    }
    const mercy = chosen(random, MERCIES)
    const problems = await cutAndCompare(disk, lines, random, mercy, place, random() < 0.5)
    if (problems.length > 0) {
      story.push(`power cut behind entry ${cut} of ${entries.length}, mercy ${mercy}: ${describe(entries, cut)}`)
      return { problems, story, hits: [] }
    }
  }
  return { problems: [], story, hits: Array.from({ length: CUTS }, () => 'power cut') }
}

async function cutAndCompare(
  disk: CrashDisk,
  lines: readonly Line[],
  random: Random,
  mercy: number,
  place: Place,
  orderly: boolean
): Promise<string[]> {
  const into = path.join(place.work, 'cut')
  await rm(into, { recursive: true, force: true, maxRetries: 10 })
  await disk.cut(into, random, mercy)
  const truth = new Truth()
  for (const line of lines) truth.apply(line)
  // The first start had not got so far that it promised anything.
  if (!dirsOf(into).some((dir) => existsSync(dir)) && [...truth.partitions.values()].every((one) => one.existence !== 'there')) return []
  return reopen(into, truth, 'power', orderly, 'pp')
}

/** Behind which entries the power is cut: rising. */
export function cutPoints(entries: readonly JournalEntry[], random: Random): number[] {
  const points: number[] = []
  for (let count = 0; count < CUTS; count++) {
    let point = 1 + Math.floor(random() * entries.length)
    if (random() < 0.5) while (point < entries.length && !TURNING_POINTS.has(entries[point - 1]!.op)) point++
    points.push(point)
  }
  return points.sort((a, b) => a - b)
}

/** The last entries before a cut, for whoever looks for the cause. */
export function describe(entries: readonly JournalEntry[], cut: number): string {
  const names = new Map(Object.entries(JournalOp).map(([name, op]) => [op as number, name]))
  return entries
    .slice(Math.max(0, cut - 12), cut)
    .map(({ op, path: file, to, offset, length, data, failed }) =>
      op === JournalOp.mark
        ? data.toString().trim()
        : `${names.get(op)} ${file}${to === '' ? '' : ` -> ${to}`} ${offset}+${length}${failed ? ' failed' : ''}`
    )
    .join('\n    ')
}
