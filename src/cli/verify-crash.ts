/**
 * The proof of the durability dial: an engine runs with a flush policy while every change of its files is kept in a journal; power cuts are
 * played at several points of it; what each leaves is opened again and compared with what had been acknowledged by then.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, realpath, rm } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeAnyRecords } from '../record/index.js'
import { verifyFolder } from '../storage/verify.js'
import { readOffsetCheckpoint } from '../storage/checkpoints.js'
import { makeTemporary } from '../storage/files.js'
import { RECOVERY_POINT_FILE } from '../storage/names.js'
import { CRASH_TOPIC, crashRecord, openCrashLogs, RECORDS_PER_BATCH, type CrashChildPlan } from './crash-child.js'
import { CrashDisk, Mercy, randomFrom } from './crash-disk.js'
import { JournalOp, readJournal, type JournalEntry } from './crash-journal.js'
import { faultEnvironment, faultLibraryProblem } from './crash-library.js'

export interface FlushPolicy {
  readonly name: string
  readonly settings: Readonly<Record<string, string>>
  /** What it promises to lose at most in a power cut; none of them: nothing is promised. */
  readonly atMostBytes?: number
  readonly atMostMs?: number
  readonly atMostRecords?: number
}

const MiB = 1024 * 1024
const NO_BACKGROUND = { 'sluice.flush.background.bytes': '0' }

/** From the most careful to the fastest. */
export const POLICIES: readonly FlushPolicy[] = [
  { name: 'log.flush.interval.messages=1', settings: { 'log.flush.interval.messages': '1' }, atMostRecords: 0 },
  {
    name: 'log.flush.interval.messages=1000',
    settings: { ...NO_BACKGROUND, 'log.flush.interval.messages': '1000' },
    atMostRecords: 999
  },
  { name: 'log.flush.interval.ms=100', settings: { ...NO_BACKGROUND, 'log.flush.interval.ms': '100' }, atMostMs: 100 },
  { name: 'sluice.flush.background.bytes=1 MiB', settings: { 'sluice.flush.background.bytes': String(MiB) }, atMostBytes: MiB },
  { name: 'none', settings: NO_BACKGROUND }
]

export interface Loss {
  readonly records: number
  readonly bytes: number
  /** From the oldest lost acknowledgement to the cut. */
  readonly ms: number
}

export interface PolicyReport {
  readonly policy: string
  readonly settings: Readonly<Record<string, string>>
  /** Records. */
  readonly acknowledged: number
  readonly cuts: number
  readonly syncs: number
  readonly worst: Loss
  readonly mean: Loss
  /** In words. */
  readonly promise: string
  /** What was wrong: a broken promise, a folder that did not open, something synced that was not found. */
  readonly problems: readonly string[]
}

export interface VerifyCrashOptions {
  /** Where the folders go for the time. */
  readonly temp: string
  /** Of writing, for each policy. */
  readonly seconds: number
  readonly cuts: number
  readonly seed: number
  readonly signal?: AbortSignal
  readonly progress?: (policy: string) => void
}

interface Acknowledged {
  readonly lastOffset: number
  readonly bytes: number
  readonly timeMs: number
}

const BYTES_PER_SECOND = 6 * MiB
/** How late a due flush may begin: it is looked for ten times a second. */
const FLUSH_TICK_MS = 100
/** What a busy machine may add to any wait. */
const SLACK_MS = 250

/** Rejects where the fault library can't be used, saying why. */
export async function verifyCrash(options: VerifyCrashOptions): Promise<PolicyReport[]> {
  const problem = faultLibraryProblem()
  if (problem !== undefined) throw new Error(problem)
  const reports: PolicyReport[] = []
  const work = await realpath(await makeTemporary(options.temp, 'sluice-verify-crash-'))
  try {
    for (const [index, policy] of POLICIES.entries()) {
      options.progress?.(policy.name)
      reports.push(await verifyPolicy(policy, path.join(work, String(index)), options))
    }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return reports
}

async function verifyPolicy(policy: FlushPolicy, work: string, { seconds, cuts, seed, signal }: VerifyCrashOptions): Promise<PolicyReport> {
  const root = path.join(work, 'disk')
  await mkdir(root, { recursive: true })
  const disk = await CrashDisk.of(root)
  const entries = await runJournaled(policy, work, root, seconds, signal)
  const random = randomFrom(seed)
  const acknowledged: Acknowledged[] = []
  const losses: Loss[] = []
  const problems: string[] = []
  const slackMs = FLUSH_TICK_MS + SLACK_MS + 4 * longestSync(entries)
  let at = 0
  for (const cut of cutPoints(entries, cuts, random)) {
    signal?.throwIfAborted()
    for (; at < cut; at++) {
      disk.apply(entries[at]!)
      acknowledged.push(...acknowledgements(entries[at]!))
    }
    const mercy = losses.length % 3 === 2 ? Mercy.some : Mercy.none
    const into = path.join(work, 'cut')
    await rm(into, { recursive: true, force: true })
    await disk.cut(into, random, mercy)
    const { found, wrong } = await reopen(path.join(into, 'data'), policy, acknowledged.length > 0)
    problems.push(...wrong.map((each) => `cut ${losses.length + 1}: ${each}`))
    const loss = lossOf(acknowledged, found, entries[cut - 1]!.timeMs)
    const broken = brokenPromise(policy, loss, acknowledged, slackMs)
    if (broken !== undefined) problems.push(`cut ${losses.length + 1}: ${broken}`)
    losses.push(loss)
  }
  const syncs = entries.filter((entry) => entry.op === JournalOp.syncEnd).length
  const { name, settings } = policy
  const promise = promiseOf(policy, slackMs)
  return {
    policy: name,
    settings,
    acknowledged: acknowledged.length * RECORDS_PER_BATCH,
    cuts,
    syncs,
    worst: worstOf(losses),
    mean: meanOf(losses),
    promise,
    problems
  }
}

async function runJournaled(
  policy: FlushPolicy,
  work: string,
  root: string,
  seconds: number,
  signal?: AbortSignal
): Promise<JournalEntry[]> {
  const control = path.join(work, 'control')
  const journal = path.join(work, 'journal')
  const plan: CrashChildPlan = {
    dir: path.join(root, 'data'),
    control,
    settings: policy.settings,
    seconds,
    bytesPerSecond: BYTES_PER_SECOND
  }
  const child = spawn(process.execPath, [fileURLToPath(new URL('crash-child-main.js', import.meta.url)), JSON.stringify(plan)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...faultEnvironment({ root, control, journal }) },
    ...(signal === undefined ? {} : { signal, killSignal: 'SIGKILL' as const })
  })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  const [, killedBy] = (await once(child, 'close')) as [number | null, string | null]
  if (killedBy !== 'SIGKILL') throw new Error(`the engine failed under ${policy.name}: ${complaint.trim()}`)
  return readJournal(await readFile(journal))
}

function acknowledgements({ op, data, timeMs }: JournalEntry): Acknowledged[] {
  const found = op === JournalOp.mark ? /^a (\d+) (\d+)\n$/.exec(data.toString()) : null
  return found === null ? [] : [{ lastOffset: Number(found[1]), bytes: Number(found[2]), timeMs }]
}

/** Spread over the run, each somewhere in its part; not before the first acknowledgement. */
function cutPoints(entries: readonly JournalEntry[], count: number, random: () => number): number[] {
  const first = entries.findIndex((entry) => acknowledgements(entry).length > 0) + 1
  const span = entries.length - first
  return Array.from({ length: count }, (_, index) => Math.min(entries.length, Math.ceil(first + (span * (index + random())) / count)))
}

function longestSync(entries: readonly JournalEntry[]): number {
  const begun = new Map<number, number>()
  let longest = 0
  for (const { op, file, timeMs } of entries) {
    if (op === JournalOp.syncBegin) begun.set(file, timeMs)
    else if (op === JournalOp.syncEnd) longest = Math.max(longest, timeMs - (begun.get(file) ?? timeMs))
  }
  return longest
}

/** Opens what a cut left, and tells which offsets are there. */
async function reopen(dir: string, { settings }: FlushPolicy, promised: boolean): Promise<{ found: ReadonlySet<number>; wrong: string[] }> {
  const wrong: string[] = []
  const found = new Set<number>()
  const points = await readOffsetCheckpoint(path.join(dir, RECOVERY_POINT_FILE))
  const { manager, runtime } = await openCrashLogs(dir, settings)
  try {
    const log = await manager.whenReady(CRASH_TOPIC, 0)
    if (log === undefined) return { found, wrong: promised ? ['the partition is gone'] : [] }
    for (let next = 0; next < log.endOffset;) {
      const bytes = await log.readBytes(next, MiB)
      if (bytes.length === 0) break
      for await (const { offset, value } of decodeAnyRecords(bytes, MiB)) {
        if (value?.equals(crashRecord(offset)) !== true) wrong.push(`at offset ${offset} is another record`)
        found.add(offset)
        next = offset + 1
      }
    }
    const point = points.get(`${CRASH_TOPIC}-0`) ?? 0
    for (let offset = 0; offset < point; offset++) {
      if (!found.has(offset)) wrong.push(`offset ${offset} is missing, below the recovery point ${point}`)
    }
    await manager.close()
    // What nobody flushed may be missing between two segments.
    for (const { file, message } of await verifyFolder(log.folder, { gaps: true })) wrong.push(`${file}: ${message}`)
  } catch (error) {
    wrong.push(`the folder does not open: ${(error as Error).message}`)
  } finally {
    await manager.close()
    await runtime.close()
  }
  return { found, wrong: wrong.slice(0, 5) }
}

function lossOf(acknowledged: readonly Acknowledged[], found: ReadonlySet<number>, cutMs: number): Loss {
  const lost = acknowledged.filter((one) => !found.has(one.lastOffset))
  if (lost.length === 0) return { records: 0, bytes: 0, ms: 0 }
  const sum = lost.reduce((all, one) => all + one.bytes, 0)
  return { records: lost.length * RECORDS_PER_BATCH, bytes: sum, ms: Math.max(0, cutMs - lost[0]!.timeMs) }
}

function brokenPromise(
  { atMostBytes, atMostMs, atMostRecords }: FlushPolicy,
  loss: Loss,
  all: readonly Acknowledged[],
  slackMs: number
): string | undefined {
  if (atMostMs !== undefined && loss.ms > atMostMs + slackMs) return `${loss.ms.toFixed(0)} ms of acknowledged records are lost`
  if (atMostRecords !== undefined && loss.records > atMostRecords) return `${loss.records} acknowledged records are lost`
  if (atMostBytes === undefined) return undefined
  // While one flush runs, and one that waits for it, appends go on.
  const meanwhile = (slackMs / 1000) * BYTES_PER_SECOND
  const newest = all.at(-1)?.bytes ?? 0
  return loss.bytes > atMostBytes + meanwhile + newest ? `${loss.bytes} bytes of acknowledged records are lost` : undefined
}

function promiseOf({ atMostBytes, atMostMs, atMostRecords }: FlushPolicy, slackMs: number): string {
  if (atMostRecords !== undefined) return atMostRecords === 0 ? 'nothing acknowledged is lost' : `at most ${atMostRecords} records`
  if (atMostMs !== undefined) return `at most ${atMostMs} ms, and ${Math.ceil(slackMs)} ms for the flush itself`
  if (atMostBytes !== undefined) return `at most ${atMostBytes / MiB} MiB, and what comes during a flush`
  return 'none: the kernel writes back when it likes'
}

function worstOf(losses: readonly Loss[]): Loss {
  const most = (pick: (loss: Loss) => number) => losses.reduce((worst, loss) => Math.max(worst, pick(loss)), 0)
  return { records: most((loss) => loss.records), bytes: most((loss) => loss.bytes), ms: most((loss) => loss.ms) }
}

function meanOf(losses: readonly Loss[]): Loss {
  const mean = (pick: (loss: Loss) => number) => losses.reduce((sum, loss) => sum + pick(loss), 0) / Math.max(1, losses.length)
  return { records: mean((loss) => loss.records), bytes: mean((loss) => loss.bytes), ms: mean((loss) => loss.ms) }
}
