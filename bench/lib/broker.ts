/**
 * The brokers of a benchmark: Sluice as users run it, a real Apache Kafka, or one that runs already.
 *
 * Each gets a fresh data folder, by default under the system's temporary one, and both brokers on the same file system. What was started is
 * stopped and its folder removed by `stop`, on Ctrl-C, and when the benchmark fails.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { metadata } from '../../src/protocol/messages/03-metadata.js'
import { root, run } from '../../test/support/processes.js'
import { RawClient } from '../../test/support/raw-client.js'
import { Admin, parseAddress, type NewTopic } from './admin.js'
import { atEnd } from './ending.js'

export interface BenchBroker {
  /** The name of the subject in results: "Sluice", "Apache Kafka 4.3.1". */
  readonly subject: string
  /** host:port */
  readonly bootstrap: string
  readonly host: string
  readonly port: number
  /** The process, for CPU and memory. Unknown for an external broker unless it was given; another one after `restart`. */
  readonly pid: number | undefined
  /** Where its log segments are; unknown for an external broker. */
  readonly dir: string | undefined
  /** False for an external broker, which is neither stopped nor restarted. */
  readonly own: boolean
  /** From the start of the process to the first Metadata answer with a live broker in it, in ms; of the last start. */
  readonly startup: number | undefined
  /** The end of its log. */
  log(): string
  /** Takes the processor away (SIGSTOP), so that a broker whose turn it is not costs nothing: see `pausable`. Nothing for an external one. */
  pause(): void
  /** Gives it back; resolves when the broker answers again. */
  resume(): Promise<void>
  /** Ends it, by SIGTERM or as told, and starts it on the same folder and port. Times in ms. Rejects for an external one. */
  restart(signal?: NodeJS.Signals): Promise<{ readonly shutdown: number; readonly startup: number }>
  /** Ends it and removes its folder, unless it was given one. */
  stop(): Promise<void>
}

export interface StartOptions {
  /** Settings by their Kafka names, stronger than those of every benchmark (`COMMON_SETTINGS`). */
  readonly settings?: Readonly<Record<string, string>>
  /** Created when the broker serves. */
  readonly topics?: readonly NewTopic[]
  /** A folder to keep: used as it is and not removed. */
  readonly dir?: string
  /** Where a temporary folder is made. By default that of the system. */
  readonly parent?: string
  /** The name in results. */
  readonly subject?: string
  /** It will be paused for longer than a moment, and not killed. */
  readonly pausable?: boolean
}

export interface SluiceOptions extends StartOptions {
  /** For Node itself, such as `--cpu-prof`. */
  readonly nodeArguments?: readonly string[]
}

export interface ExternalOptions {
  readonly bootstrap: string
  /** Its process, if it runs on this machine. */
  readonly pid?: number
  readonly subject?: string
}

/** The machine lacks what a broker needs. The message is one sentence for users. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}

/** For both brokers: what is deleted frees its page cache soon, groups do not wait for more members. */
export const COMMON_SETTINGS: Readonly<Record<string, string>> = {
  'log.segment.delete.delay.ms': '1000',
  'group.initial.rebalance.delay.ms': '0'
}

/** For Apache Kafka: the first 30 s it deletes nothing, so that the first tests would wait that long for their memory. */
const KAFKA_SETTINGS: Readonly<Record<string, string>> = { 'log.initial.task.delay.ms': '500' }

/**
 * For an Apache Kafka that is paused longer than its session (9 s): it would be fenced when it goes on, and serve nothing until the next
 * heartbeat. Not for others: after kill -9 the controller lets a broker register again only when the session of the killed one is over.
 */
const PAUSABLE_KAFKA_SETTINGS: Readonly<Record<string, string>> = { 'broker.session.timeout.ms': '3600000' }

const CLI = path.join(root, 'dist/src/cli/main.js')
/** From, to: see freePort. */
const PORTS = [15_000, 32_000] as const
const START_TIMEOUT_MS = 300_000
const INSTALL_TIMEOUT_MS = 15 * 60_000
/** Between two attempts to reach a broker that starts: what a start-up time may be too long by. */
const PROBE_MS = 3
const PROBE_PATIENCE_MS = 10_000
const LOG_KEPT = 64 * 1024
const STOP_PATIENCE_MS = 60_000

/** The built broker in a process of its own, through its command line. Rejects with the end of its log if it ends before it serves. */
export async function startSluice(options: SluiceOptions = {}): Promise<BenchBroker> {
  const settings = Object.entries({ ...COMMON_SETTINGS, ...options.settings }).flatMap(([name, value]) => ['--set', `${name}=${value}`])
  const args = (port: number, dir: string): string[] => [
    ...(options.nodeArguments ?? []),
    CLI,
    'start',
    '--port',
    String(port),
    '--dir',
    dir,
    ...settings
  ]
  const folder = await dataFolder('sluice', options)
  return startOwn({ subject: options.subject ?? 'Sluice', command: process.execPath, ports: 1, args, folder, data: folder.dir, options })
}

/** A real Apache Kafka: KRaft, one node that is broker and controller, installed at its first use. Rejects with `Unavailable`. */
export async function startKafka(options: StartOptions = {}): Promise<BenchBroker> {
  const { version } = await installedKafka()
  const { prepareKafka } = (await import(pathToFileURL(path.join(root, 'scripts/kafka/broker.mjs')).href)) as {
    prepareKafka: (start: { port: number; dir: string; settings: Readonly<Record<string, string>> }) => Promise<string[]>
  }
  const settings = { ...COMMON_SETTINGS, ...KAFKA_SETTINGS, ...(options.pausable ? PAUSABLE_KAFKA_SETTINGS : {}), ...options.settings }
  const args = (port: number, dir: string): Promise<string[]> => prepareKafka({ port, dir, settings })
  const subject = options.subject ?? `Apache Kafka ${version}`
  const folder = await dataFolder('kafka', options)
  return startOwn({ subject, command: 'java', ports: 2, args, folder, data: path.join(folder.dir, 'data'), options })
}

/** Installs Apache Kafka if it is not there yet (a minute or two). Resolves with the folder of its jars; rejects with `Unavailable`. */
export async function installedKafka(): Promise<{ readonly jars: string; readonly version: string }> {
  const script = path.join(root, 'scripts/kafka/install.mjs')
  const { code, stdout, stderr } = await run(process.execPath, [script], { timeoutMs: INSTALL_TIMEOUT_MS })
  if (code !== 0) throw new Unavailable(`Apache Kafka is not available: ${stderr.trim().split('\n').slice(0, 3).join(' ')}`)
  const jars = stdout.trim()
  const versions = readdirSync(jars).flatMap((jar) => /^kafka_[\d.]+-(\d+\.\d+\.\d+)\.jar$/.exec(jar)?.[1] ?? [])
  return { jars, version: versions[0] ?? '' }
}

/** A broker that runs already. Rejects if none answers there, or the process is not there. */
export async function external({ bootstrap, pid, subject = bootstrap }: ExternalOptions): Promise<BenchBroker> {
  if (pid !== undefined) requireProcess(pid)
  await Admin.with(bootstrap, (admin) => admin.nodeId())
  return {
    ...parseAddress(bootstrap),
    subject,
    bootstrap,
    pid,
    dir: undefined,
    own: false,
    startup: undefined,
    log: () => '',
    pause() {},
    resume: () => Promise.resolve(),
    restart: () => Promise.reject(new Error('an external broker is not restarted')),
    stop: () => Promise.resolve()
  }
}

/**
 * So many ports in a row that nobody uses now; the first of them. Below the range from which the kernel takes ports for outgoing connections,
 * so that no connection takes one while a broker restarts.
 */
export async function freePort(inRow = 1): Promise<number> {
  for (;;) {
    const servers: net.Server[] = []
    const first = randomInt(...PORTS)
    try {
      for (let port = first; port < first + inRow; port++) servers.push(await listen(port))
      return first
    } catch (error) {
      if (!['EADDRINUSE', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    } finally {
      await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
    }
  }
}

/** Waits until no folder of the topic is left, so that the page cache of its segments is free; a while where the folder is unknown. */
export async function waitFilesGone(broker: BenchBroker, topic: string, timeoutMs = 30_000): Promise<void> {
  if (broker.dir === undefined) {
    await delay(2000)
    return
  }
  const until = performance.now() + timeoutMs
  while (readdirSync(broker.dir).some((name) => name.startsWith(`${topic}-`) || name.startsWith(`${topic}.`))) {
    if (performance.now() > until) throw new Error(`the files of ${topic} are still there after ${timeoutMs} ms`)
    await delay(50)
  }
}

interface Folder {
  readonly dir: string
  /** Absent for a folder that is kept. */
  readonly temporary?: string
}

async function dataFolder(kind: string, { dir, parent = os.tmpdir() }: StartOptions): Promise<Folder> {
  if (dir !== undefined) return { dir }
  mkdirSync(parent, { recursive: true })
  const temporary = await mkdtemp(path.join(parent, `sluice-bench-${kind}-`))
  return { dir: temporary, temporary }
}

interface Own {
  readonly subject: string
  readonly command: string
  /** How many in a row it needs. */
  readonly ports: number
  readonly args: (port: number, dir: string) => string[] | Promise<string[]>
  readonly folder: Folder
  /** Below the folder, where the segments are. */
  readonly data: string
  readonly options: StartOptions
}

async function startOwn({ subject, command, ports, args, folder, data, options }: Own): Promise<BenchBroker> {
  const removeFolder = (): void => {
    if (folder.temporary !== undefined) rmSync(folder.temporary, { recursive: true, force: true })
  }
  let child: ChildProcess | undefined
  let startup = 0
  let log = ''
  let stopped = false
  const stop = async (): Promise<void> => {
    stopped = true
    if (child !== undefined) await end(child, 'SIGTERM')
    removeFolder()
    forget()
  }
  const forget = atEnd(stop, () => {
    child?.kill('SIGKILL')
    removeFolder()
  })
  const port = await freePort(ports)
  const address = { host: '127.0.0.1', port }
  const bootstrap = `${address.host}:${port}`
  const launch = async (line: readonly string[]): Promise<void> => {
    if (stopped) throw new Error(`${subject} is being stopped`)
    const begun = performance.now()
    const started = spawn(command, line, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    child = started
    for (const stream of [started.stdout, started.stderr])
      stream.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-LOG_KEPT)))
    const problem = await firstAnswer(address, started)
    startup = performance.now() - begun
    if (problem === undefined) return
    await end(started, 'SIGKILL')
    throw new Error(`${subject} ${problem}: ${reasonIn(log)}`)
  }
  let line: readonly string[]
  try {
    line = await args(port, folder.dir)
    await launch(line)
    const { topics } = options
    if (topics !== undefined && topics.length > 0) await Admin.with(bootstrap, (admin) => createAll(admin, topics))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    ...address,
    subject,
    bootstrap,
    dir: data,
    own: true,
    get pid() {
      return child?.pid
    },
    get startup() {
      return startup
    },
    log: () => log,
    pause: () => void child?.kill('SIGSTOP'),
    async resume() {
      child?.kill('SIGCONT')
      await Admin.with(bootstrap, (admin) => admin.nodeId())
    },
    async restart(signal = 'SIGTERM') {
      const begun = performance.now()
      if (child !== undefined) await end(child, signal)
      const shutdown = performance.now() - begun
      await launch(line)
      return { shutdown, startup }
    },
    stop
  }
}

async function createAll(admin: Admin, topics: readonly NewTopic[]): Promise<void> {
  await admin.createTopics(topics)
  await admin.waitServing(topics.map(({ name }) => name))
}

/** Resolves when the broker names a live broker in its metadata, or with what is wrong. */
async function firstAnswer(address: { host: string; port: number }, child: ChildProcess): Promise<string | undefined> {
  let failure = ''
  child.once('error', (error) => (failure = `can not be started: ${error.message}`))
  const hasEnded = (): boolean => failure !== '' || child.exitCode !== null || child.signalCode !== null
  const until = performance.now() + START_TIMEOUT_MS
  while (!hasEnded()) {
    if (await answers(address)) return undefined
    if (performance.now() > until) return `did not serve within ${START_TIMEOUT_MS / 1000} s`
    await delay(PROBE_MS)
  }
  return failure === '' ? `ended (${child.exitCode ?? child.signalCode}) before it served` : failure
}

async function answers(address: { host: string; port: number }): Promise<boolean> {
  let client: RawClient | undefined
  try {
    client = await RawClient.connect(address, { patienceMs: PROBE_PATIENCE_MS })
    const { brokers } = await client.request(metadata, 9, { topics: [], allowAutoTopicCreation: false })
    return brokers.length > 0
  } catch {
    return false
  } finally {
    client?.close()
  }
}

/** Sends the signal and waits for the end; a process that does not end is killed. A paused one has to go on to see the signal. */
async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  child.kill('SIGCONT')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS)
  await gone
  clearTimeout(timer)
}

function requireProcess(pid: number): void {
  try {
    readFileSync(`/proc/${pid}/stat`)
  } catch {
    throw new Error(`there is no process ${pid}`)
  }
}

async function listen(port: number): Promise<net.Server> {
  const server = net.createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** Of a log, what tells why a broker ended: its last complaints, or just its end. */
function reasonIn(log: string): string {
  const lines = log.trim().split('\n')
  const complaints = lines.filter((line) => /\b(ERROR|FATAL)\b|^sluice: |^Caused by: |^\S*(Exception|Error)\b/.test(line))
  return (complaints.length > 0 ? complaints : lines).slice(-5).join('\n')
}
