/** One round: children that are killed, or whose disk fails, on one folder; after each the folder is opened again and compared with what they said. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { randomFrom } from '../../src/cli/crash-disk.js'
import { faultEnvironment } from '../../src/cli/crash-library.js'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { verifyFolder } from '../../src/storage/verify.js'
import type { ChildPlan } from './child.js'
import { damage } from './damage.js'
import { DIR_NAMES, openEngine, type CrashEngine } from './engine.js'
import { decodeLines, type Line } from './history.js'
import { inspect, probe } from './inspect.js'
import type { Place } from './place.js'
import { chosen, FAULTS, killAt } from './points.js'
import { Truth, type Ending } from './truth.js'

const CHILD = path.join(import.meta.dirname, 'child.js')
const CHILD_LIMIT_MS = 60_000

export interface ChildEnd {
  readonly killed: boolean
  readonly code: number | null
  readonly complaint: string
}

type ChildOptions = Omit<ChildPlan, 'disk' | 'history'> & {
  readonly environmentRules?: string
  readonly journal?: string
  readonly killAfterMs?: number
}

export async function runChild(place: Place, { environmentRules, journal, killAfterMs, ...plan }: ChildOptions): Promise<ChildEnd> {
  const faults = faultEnvironment({
    root: place.disk,
    control: place.history,
    ...(environmentRules === undefined ? {} : { rules: environmentRules }),
    ...(journal === undefined ? {} : { journal })
  })
  const full: ChildPlan = { ...plan, disk: place.disk, history: place.history }
  const child = spawn(process.execPath, [CHILD, JSON.stringify(full)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...faults },
    timeout: CHILD_LIMIT_MS,
    killSignal: 'SIGTERM'
  })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearTimeout(timer)
  return { killed: signal === 'SIGKILL', code, complaint: signal === 'SIGTERM' ? `the child hung; ${complaint}` : complaint }
}

export async function readHistory(place: Place): Promise<Line[]> {
  return decodeLines(await readFile(place.history, 'utf8').catch(() => ''))
}

export interface RoundResult {
  readonly problems: string[]
  /** What happened, for whoever looks for the cause. */
  readonly story: string[]
  /** Points at which a child was killed, faults that were met, power cuts: counted over many rounds. */
  readonly hits: readonly string[]
}

/** Opens the directories, compares, probes, closes. The truth is what was found afterwards. */
export async function reopen(disk: string, truth: Truth, ending: Ending, orderly: boolean, name: string): Promise<string[]> {
  let engine: CrashEngine
  try {
    engine = await openEngine(disk)
  } catch (error) {
    return [`the folder does not open: ${(error as Error).message}`]
  }
  const problems: string[] = []
  let open = true
  try {
    const found = await inspect(engine)
    problems.push(...truth.compare(found, ending))
    problems.push(...(await probe(engine, found, truth, name)))
    truth.adopt(await inspect(engine))
    for (const log of engine.manager.logs()) await log.applyRetention()
    const folders = Array.from(engine.manager.logs(), (log) => log.folder)
    for (const log of engine.manager.logs()) {
      const one = truth.of(log.topic, log.partition)
      one.startAtLeast = one.startAtMost = log.logStartOffset
    }
    await (orderly ? engine.close() : engine.drop())
    open = false
    for (const folder of folders) {
      // Where gaps may be, the truth has looked already.
      for (const { file, message } of await verifyFolder(folder, { gaps: true }))
        problems.push(`${path.basename(folder)}/${file}: ${message}`)
    }
    if (problems.length > 0) problems.push(...engine.lines.map((line) => `engine: ${line}`))
  } catch (error) {
    problems.push(`after the restart: ${(error as Error).stack}`, ...engine.lines.map((line) => `engine: ${line}`))
  } finally {
    if (open) await engine.drop()
  }
  return problems
}

/** Children that are killed, each on what the one before left; sometimes the last bytes are torn or flipped, indexes damaged, snapshots cut. */
export async function killRound(seed: number, place: Place): Promise<RoundResult> {
  const random = randomFrom(seed)
  const truth = new Truth()
  const story: string[] = []
  const hits: string[] = []
  for (let generation = 0; generation < 3; generation++) {
    await writeFile(place.history, '')
    const { point, rule: environmentRules } = killAt(random)
    const killAfterMs = random() < 0.2 ? 100 + Math.floor(random() * 400) : undefined
    const end = await runChild(place, {
      seed: Math.floor(random() * 2 ** 31),
      name: `c${generation}`,
      operations: 40 + Math.floor(random() * 120),
      end: random() < 0.5 ? 'kill' : 'close',
      ...(killAfterMs === undefined ? { environmentRules } : { killAfterMs })
    })
    story.push(
      `child ${generation}: ${killAfterMs === undefined ? environmentRules : `killed after ${killAfterMs} ms`}: ${JSON.stringify(end)}`
    )
    if (end.killed && killAfterMs === undefined) hits.push(point)
    if (!end.killed && end.code !== 0) return { problems: [`the child failed: ${end.complaint}`], story, hits }
    const lines = await readHistory(place)
    for (const line of lines) truth.apply(line)
    const wrong = complaintsIn(lines)
    if (wrong.length > 0) return { problems: wrong, story, hits }
    if (end.killed && random() < 0.5) story.push(...(await damage(place.disk, truth, random)))
    const problems = await reopen(place.disk, truth, 'kill', random() < 0.5, `p${generation}`)
    if (problems.length > 0) return { problems, story, hits }
  }
  return { problems: [], story, hits }
}

/** A disk that fails under a child: it must answer with errors, and lose nothing that it acknowledged. */
export async function faultRound(seed: number, place: Place): Promise<RoundResult> {
  const random = randomFrom(seed)
  const truth = new Truth()
  const fault = chosen(random, FAULTS)
  // Often only one of the two directories is on the disk that fails: the other one must go on.
  const rule = random() < 0.6 ? fault.rule.replace(/ (?=\S+$)/, ` ${DIR_NAMES[0]}/`) : fault.rule
  const alone = rule !== fault.rule
  const count = random() < 0.3 ? 1 : random() < 0.5 ? 3 : fault.passes ? 12 : '*'
  const text = `${rule} ${1 + Math.floor(random() * 4)} ${count}`
  const after = 10 + Math.floor(random() * 60)
  const operations = after + 20 + Math.floor(random() * 80)
  await writeFile(place.history, '')
  const end = await runChild(place, {
    seed: Math.floor(random() * 2 ** 31),
    name: 'f',
    operations,
    end: random() < 0.5 ? 'kill' : 'close',
    heals: alone || !fault.takesOffline,
    rules: { after, text }
  })
  const story = [`${text} after ${after} of ${operations}: ${JSON.stringify(end)}`]
  const hits = [fault.rule]
  if (!end.killed && end.code !== 0) return { problems: [`the child failed: ${end.complaint}`], story, hits }
  const lines = await readHistory(place)
  for (const line of lines) truth.apply(line)
  const problems: string[] = complaintsIn(lines)
  for (const line of lines) {
    if (line[0] === 'healed' && line[3] !== 0) problems.push(`${line[1]}-${line[2]} gives ${line[3]} when the disk works again`)
    if (line[0] !== 'offline') continue
    const [, error, dir, message] = line
    if (!fault.takesOffline || !text.startsWith(error)) problems.push(`${DIR_NAMES[dir]} went offline: ${message}`)
    else if (alone && dir !== 0) problems.push(`${DIR_NAMES[dir]} went offline, though its disk works`)
    else hits.push('a directory went offline')
  }
  problems.push(...(await reopen(place.disk, truth, 'kill', true, 'pf')))
  return { problems, story, hits }
}

/** A small file system that fills up: answers are errors until there is room, and nothing that was acknowledged is missing. */
export async function fullRound(seed: number, place: Place): Promise<RoundResult> {
  const random = randomFrom(seed)
  const truth = new Truth()
  await writeFile(place.history, '')
  const after = 5 + Math.floor(random() * 60)
  const leave = 4096 * Math.floor(random() * 60)
  const end = await runChild(place, {
    seed: Math.floor(random() * 2 ** 31),
    name: 'full',
    operations: after + 60 + Math.floor(random() * 120),
    end: random() < 0.5 ? 'kill' : 'close',
    heals: true,
    ballast: { after, leave }
  })
  const story = [`full but for ${leave} bytes after ${after} operations: ${JSON.stringify(end)}`]
  if (!end.killed && end.code !== 0) return { problems: [`the child failed: ${end.complaint}`], story, hits: [] }
  const lines = await readHistory(place)
  for (const line of lines) truth.apply(line)
  const problems: string[] = complaintsIn(lines)
  for (const line of lines) {
    if (line[0] === 'healed' && line[3] !== 0) problems.push(`${line[1]}-${line[2]} gives ${line[3]} when there is room again`)
    if (line[0] === 'offline') problems.push(`a directory went offline: ${line[3]}`)
  }
  problems.push(...(await reopen(place.disk, truth, 'kill', true, 'pf')))
  const refused = lines.filter((line) => line[0] === 'nak').length
  return { problems, story, hits: refused > 0 ? ['a full disk that refused appends'] : [] }
}

/** Complaints of the engine. And: an append that was not written is answered as Kafka does; what a producer sent behind it is out of order. */
export function complaintsIn(lines: readonly Line[]): string[] {
  const expected = new Set<number>([ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER])
  const wrong = lines.filter((line) => line[0] === 'nak' && !expected.has(line[4]))
  const complaints = lines.filter((line) => line[0] === 'complaint').map((line) => line[1])
  return [...complaints.slice(0, 3), ...wrong.slice(0, 3).map((line) => `an append is answered with ${JSON.stringify(line)}`)]
}
