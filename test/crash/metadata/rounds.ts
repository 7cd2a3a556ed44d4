/** Kills and power cuts while metadata changes: after each a controller is started on what is left, and compared with what was said. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { CrashDisk, randomFrom, type Random } from '../../../src/cli/crash-disk.js'
import { JournalOp, readJournal, type JournalEntry } from '../../../src/cli/crash-journal.js'
import { faultEnvironment } from '../../../src/cli/crash-library.js'
import { METADATA_FOLDER } from '../../../src/metadata/local-controller.js'
import { verifyFolder } from '../../../src/storage/verify.js'
import { MAY_BE_LOST } from '../directed.js'
import { unsound } from '../discipline.js'
import type { Place } from '../place.js'
import { chosen } from '../points.js'
import { cutPoints, describe, MERCIES } from '../power.js'
import { RecoveryPoints } from '../recovery-points.js'
import type { ChildEnd, RoundResult } from '../rounds.js'
import type { MetadataPlan } from './child.js'
import { ask, MetadataTruth, stateOf, type Line } from './model.js'
import { DIR_NAME, startNode } from './node.js'

const CHILD = path.join(import.meta.dirname, 'child.js')
const CHILD_LIMIT_MS = 60_000

/** An operation, and up to the how many-th of its kind. */
const KILL_POINTS: readonly (readonly [point: string, most: number])[] = [
  ['any *', 400],
  ['any *', 60],
  ['write *.log', 60],
  ['sync *.log', 60],
  ['sync *index', 30],
  ['create *.log', 8],
  ['sync-folder *', 12],
  ['write *.checkpoint.part', 30],
  ['sync *.checkpoint.part', 4],
  ['rename *.checkpoint', 4],
  ['unlink *.checkpoint', 3],
  ['rename *.deleted', 6],
  ['unlink *.deleted', 6],
  ['rename *log-start-offset-checkpoint', 3],
  ['rename *leader-epoch-checkpoint', 3],
  ['create *.snapshot', 4],
  ['write *quorum-state.tmp', 1],
  ['rename *quorum-state', 1]
]
const FAULTS = [
  'EIO sync *.log',
  'EIO sync *.index',
  'EIO sync-folder *',
  'ENOSPC write *.log',
  'ENOSPC write *.index',
  'short write *.log',
  'ENOSPC create *.log',
  'ENOSPC write *.checkpoint.part',
  'ENOSPC rename *.checkpoint',
  'EIO sync *.checkpoint.part',
  'ENOSPC write *log-start-offset-checkpoint.tmp'
] as const

interface Run extends Omit<MetadataPlan, 'disk' | 'history'> {
  readonly rules: string
  readonly journal?: string
}

async function run(place: Place, { rules, journal, ...plan }: Run): Promise<ChildEnd & { readonly lines: Line[] }> {
  await writeFile(place.history, '')
  const options = { root: place.disk, control: place.history, rules }
  const full: MetadataPlan = { ...plan, disk: place.disk, history: place.history }
  const child = spawn(process.execPath, [CHILD, JSON.stringify(full)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...faultEnvironment(journal === undefined ? options : { ...options, journal }) },
    timeout: CHILD_LIMIT_MS
  })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  const lines = linesOf(await readFile(place.history, 'utf8'))
  return { killed: signal === 'SIGKILL', code, complaint: signal === 'SIGTERM' ? `the child hung; ${complaint}` : complaint, lines }
}

function linesOf(text: string): Line[] {
  const lines = text.split('\n')
  lines.pop()
  return lines.map((line) => JSON.parse(line) as Line)
}

function plan(random: Random): Omit<Run, 'rules'> {
  return {
    seed: Math.floor(random() * 2 ** 31),
    changes: 20 + Math.floor(random() * 80),
    end: random() < 0.5 ? 'kill' : 'close',
    settings: random() < 0.5 ? {} : { 'internal.metadata.log.segment.bytes': String(1500 + Math.floor(random() * 6000)) }
  }
}

function killAt(random: Random): string {
  const [point, most] = chosen(random, KILL_POINTS)
  return `${chosen(random, ['kill', 'kill-mid', 'kill-after'])} ${point} ${1 + Math.floor(random() * most)}`
}

/** Starts a controller, compares, changes something, stops it, and starts it once more. The truth is what was found at last. */
async function restart(disk: string, truth: MetadataTruth, ending: 'kill' | 'power', orderly: boolean): Promise<string[]> {
  const problems: string[] = []
  let lines: readonly string[] = []
  try {
    const node = await startNode(disk)
    lines = node.lines
    problems.push(...truth.compare(stateOf(node.controller.image), ending))
    const { errorCode } = await ask(node.controller, { kind: 'ids' })
    if (errorCode !== 0) problems.push(`a change behind the restart is answered with ${errorCode}`)
    const left = stateOf(node.controller.image)
    await (orderly ? node.close() : node.drop())
    const folder = path.join(disk, DIR_NAME, METADATA_FOLDER)
    // Of segments that a snapshot has made needless, a power cut may bring some back.
    for (const { file, message } of await verifyFolder(folder, { gaps: true })) problems.push(`${file}: ${message}`)
    truth.adopt(left)
    const again = await startNode(disk)
    problems.push(...truth.compare(stateOf(again.controller.image), 'kill').map((problem) => `the second start: ${problem}`))
    await again.close()
  } catch (error) {
    problems.push(`it does not start: ${(error as Error).stack}`)
  }
  return problems.length === 0 ? [] : [...problems, ...lines.map((line) => `engine: ${line}`)]
}

// What a killed process was writing: of it any part may be there.
async function tear(disk: string, random: Random): Promise<string[]> {
  const folder = path.join(disk, DIR_NAME, METADATA_FOLDER)
  const last = existsSync(folder)
    ? (await readdir(folder))
        .filter((name) => name.endsWith('.log'))
        .toSorted()
        .at(-1)
    : undefined
  if (last === undefined) return []
  const bytes = Buffer.from(Array.from({ length: 1 + Math.floor(random() * 200) }, () => Math.floor(random() * 256)))
  await appendFile(path.join(folder, last), bytes)
  return [`${bytes.length} bytes behind ${last}`]
}

/** Children that are killed, each on what the one before left; sometimes with a torn end. */
export async function metadataKillRound(seed: number, place: Place): Promise<RoundResult> {
  const random = randomFrom(seed)
  const truth = new MetadataTruth()
  const story: string[] = []
  const hits: string[] = []
  for (let generation = 0; generation < 3; generation++) {
    const rules = killAt(random)
    const { lines, ...end } = await run(place, { ...plan(random), rules })
    story.push(`child ${generation}: ${rules}: ${JSON.stringify(end)}`)
    if (end.killed) hits.push(rules.split(' ').slice(1, 3).join(' '))
    if (!end.killed && end.code !== 0) return { problems: [`the child failed: ${end.complaint}`], story, hits }
    for (const line of lines) truth.apply(line)
    if (end.killed && random() < 0.5) story.push(...(await tear(place.disk, random)))
    const problems = [...truth.problems, ...(await restart(place.disk, truth, 'kill', random() < 0.5))]
    if (problems.length > 0) return { problems, story, hits }
  }
  return { problems: [], story, hits }
}

/** Children one after the other on one folder, killed or ended, some with a disk that fails; then power cuts all over what they did. */
export async function metadataPowerRound(seed: number, place: Place): Promise<RoundResult> {
  const random = randomFrom(seed)
  const disk = await CrashDisk.of(place.disk)
  const entries: JournalEntry[] = []
  const story: string[] = []
  const begins = new Set<number>()
  const recoveryPoints = new RecoveryPoints()
  const whole = new MetadataTruth()
  for (let generation = 0; generation < 2; generation++) {
    const journal = path.join(place.work, `journal-${generation}`)
    const kill = random() < 0.5 ? [killAt(random)] : []
    const fault = random() < 0.3 ? [`${chosen(random, FAULTS)} ${1 + Math.floor(random() * 20)} ${1 + Math.floor(random() * 4)}`] : []
    const rules = [...kill, ...fault].join(';')
    const { lines, ...end } = await run(place, { ...plan(random), rules, journal })
    story.push(`child ${generation}: ${rules}: ${JSON.stringify(end)}`)
    if (!end.killed && end.code !== 0 && fault.length === 0) return { problems: [`the child failed: ${end.complaint}`], story, hits: [] }
    const written = readJournal(await readFile(journal))
    recoveryPoints.processEnded()
    for (const line of lines) whole.apply(line)
    const order = [
      ...unsound(written).filter((problem) => !MAY_BE_LOST.test(problem)),
      ...written.flatMap((entry) => recoveryPoints.apply(entry))
    ]
    const problems = [...order, ...whole.problems]
    if (problems.length > 0) return { problems, story, hits: [] }
    begins.add(entries.length)
    entries.push(...written)
    // What a failed sync took may still be in memory, where the next process would find it.
    if (lines.some(([what]) => what === 'offline') || (!end.killed && end.code !== 0)) break
  }
  const said: Line[] = []
  let at = 0
  for (const cut of cutPoints(entries, random)) {
    for (; at < cut; at++) {
      if (begins.has(at)) disk.processEnded()
      disk.apply(entries[at]!)
      if (entries[at]!.op === JournalOp.mark) said.push(...linesOf(entries[at]!.data.toString()))
    }
    const mercy = chosen(random, MERCIES)
    const into = path.join(place.work, 'cut')
    await rm(into, { recursive: true, force: true, maxRetries: 10 })
    await disk.cut(into, random, mercy)
    const truth = new MetadataTruth()
    for (const line of said) truth.apply(line)
    const problems = await restart(into, truth, 'power', random() < 0.5)
    if (problems.length === 0) continue
    story.push(`power cut behind entry ${cut} of ${entries.length}, mercy ${mercy}: ${describe(entries, cut)}`)
    return { problems, story, hits: [] }
  }
  return { problems: [], story, hits: ['power cuts'] }
}
