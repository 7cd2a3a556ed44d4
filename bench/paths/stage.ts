/** What takes part: one broker with a log, whose transfer mode is switched, and servers that answer the same fetches from the same file. */
import { spawn } from 'node:child_process'
import { statfsSync } from 'node:fs'
import path from 'node:path'
import { Admin } from '../lib/admin.js'
import { startSluice, type BenchBroker } from '../lib/broker.js'
import { projectRoot } from '../lib/build.js'
import { atEnd } from '../lib/ending.js'
import { serverOf, type CannedServer, type Load } from '../lib/load.js'
import type { Progress } from '../lib/progress.js'
import { KIB, MIB } from '../lib/units.js'
import { readStatus } from '../../src/cli/status-client.js'
import { IDIOMS, type Idiom } from './idioms.js'
import type { Options } from './options.js'

/** The transfer modes by the names of their subjects. */
export const MODES = {
  sendfile: 'sendfile',
  splice: 'splice',
  mmap: 'mmap',
  'read/write': 'readwrite',
  auto: 'auto'
} as const
/** With which the others are compared. */
export const BASELINE = 'read/write'
export const LIMIT = 'C++ sendfile loop'
/** Every subject there is. */
export const EVERYBODY: readonly string[] = [...Object.keys(MODES), ...Object.values(IDIOMS), LIMIT]
export const TOPIC = 'paths'

/** Bytes of log files that went out, by path, since the start. */
export interface PathBytes {
  readonly sendfileBytes: number
  readonly spliceBytes: number
  readonly mmapBytes: number
  readonly readwriteBytes: number
}

export interface Subject {
  readonly name: string
  readonly bootstrap: string
  readonly pid: number
  /** Makes it ready for its turn: switches the broker's mode. */
  prepare(): Promise<void>
  /** The broker's own meter. */
  pathBytes?(): Promise<PathBytes>
}

export interface Stage {
  readonly subjects: readonly Subject[]
  /** The file that all of them send. */
  readonly segment: string
  readonly logBytes: number
  /** Who could not take part, one sentence each. */
  readonly leftOut: readonly string[]
}

/** Batches of 4,093 bytes fill fetches of all sizes closely: 16 of them are 64 KiB but 48 bytes. */
const BATCH_BYTES = 4096
const RECORD_BYTES = 495
/** What the data folder may take, besides the log. */
const ROOM_BYTES = 64 * MIB
/** As the broker's sockets have: what is in a smaller buffer stays in the processor's cache, which is worth more than the path. */
const SEND_BUFFER_BYTES = 256 * KIB
const LEAST_LOG_BYTES = 16 * MIB
const SERVERS = path.join(projectRoot, 'dist/bench/paths/node-servers.js')

/** Starts everything in `folder` and registers its end. `wanted` tells which subjects have a case. Rejects when there is no broker or no log. */
export async function openStage(
  load: Load,
  options: Pick<Options, 'size'>,
  folder: string,
  { progress, signal, wanted }: { progress: Progress; signal: AbortSignal; wanted: (subject: string) => boolean }
): Promise<Stage> {
  const leftOut: string[] = []
  const logBytes = logThatFits(folder, options.size * MIB, leftOut)
  progress.note(`starting a broker, writing ${Math.round(logBytes / MIB)} MiB …`)
  const broker = await startSluice({ parent: folder, topics: [{ name: TOPIC, configs: { 'segment.bytes': String(2 ** 31 - 1) } }] })
  await load.produce(
    { bootstrap: broker.bootstrap, topic: TOPIC, batchBytes: BATCH_BYTES, recordBytes: RECORD_BYTES, inFlight: 32, bytes: logBytes },
    { signal }
  )
  // A broker knows what it has just appended, and takes it for hot. A new one has to look.
  await broker.restart()
  const segment = path.join(broker.dir ?? '', `${TOPIC}-0`, '00000000000000000000.log')
  const subjects: Subject[] = modesOf(broker).filter(({ name }) => wanted(name))
  const others: readonly (readonly [string, () => Promise<CannedServer>])[] = [
    ...(Object.keys(IDIOMS) as Idiom[]).map((idiom) => [IDIOMS[idiom], () => startIdiom(idiom, segment)] as const),
    [LIMIT, () => load.canned({ file: segment, sendBuffer: SEND_BUFFER_BYTES })]
  ]
  for (const [name, start] of others) {
    if (!wanted(name)) continue
    try {
      subjects.push(await standing(name, start))
    } catch (error) {
      leftOut.push(`${name}: ${(error as Error).message}`)
    }
  }
  return { subjects, segment, logBytes, leftOut }
}

/** Less than was asked for where the disk has no room. Throws where that is nothing. */
function logThatFits(folder: string, wanted: number, leftOut: string[]): number {
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  const fitting = Math.min(wanted, Math.floor((free - ROOM_BYTES) / MIB) * MIB)
  if (fitting < Math.min(wanted, LEAST_LOG_BYTES))
    throw new Error(`${folder} has no room for a log: ${Math.floor(free / MIB)} MiB are free (--dir names another)`)
  if (fitting < wanted) leftOut.push(`a log of ${wanted / MIB} MiB: there is room for ${fitting / MIB} MiB only`)
  return fitting
}

function modesOf(broker: BenchBroker): Subject[] {
  let current: string | undefined
  return Object.entries(MODES).map(([name, mode]) => ({
    name,
    bootstrap: broker.bootstrap,
    pid: broker.pid ?? 0,
    async prepare() {
      if (current === mode) return
      await Admin.with(broker.bootstrap, (admin) => admin.alterConfigs({ type: 'broker', name: null }, { 'sluice.transfer.mode': mode }))
      current = mode
    },
    pathBytes: async () => (await readStatus([broker.dir ?? ''])).total
  }))
}

async function startIdiom(idiom: Idiom, segment: string): Promise<CannedServer> {
  return serverOf(spawn(process.execPath, [SERVERS, idiom, segment]), IDIOMS[idiom])
}

async function standing(name: string, start: () => Promise<CannedServer>): Promise<Subject> {
  const server = await start()
  atEnd(
    () => server.stop(),
    () => server.kill()
  )
  return { name, bootstrap: server.bootstrap, pid: server.pid, prepare: () => Promise.resolve() }
}
