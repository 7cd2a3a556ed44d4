/**
 * The broker under test. `SLUICE_TEST_BOOTSTRAP=host:port` runs the tests against a broker that runs already (an Apache Kafka, to learn whether
 * a test asks what Kafka does; a Sluice built elsewhere). Otherwise each file starts its own.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import path from 'node:path'
import { firstLine, root } from './processes.js'
import { ownedTempDir } from './temp-dir.js'

export interface TestBroker {
  /** host:port */
  readonly bootstrap: string
  readonly host: string
  readonly port: number
  /** True if the tests did not start it, so that they neither stop it nor see its folder. */
  readonly foreign: boolean
  stop(): Promise<void>
}

export interface Start {
  readonly dir?: string
  /** Of a child that must be found where another was. Default: one that is free. */
  readonly port?: number
  readonly topics?: Readonly<Record<string, number>>
  readonly settings?: Readonly<Record<string, string>>
  /** Added to the environment of a child. */
  readonly env?: Readonly<Record<string, string>>
}

const FOREIGN = process.env['SLUICE_TEST_BOOTSTRAP']
const CLI = path.join(root, 'dist/src/cli/main.js')

/**
 * What every test wants: groups that do not wait for more members, internal topics of a size that starts fast, and no retention, however long the test
 * takes: records may be of the past.
 */
const TEST_SETTINGS = {
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '5',
  'log.initial.task.delay.ms': '3600000'
}

/** True if tests of what only Sluice has, or of the broker's own folder and process, cannot run. */
export const foreignBroker = FOREIGN !== undefined

/** A broker in this process, or the foreign one. */
export async function startBroker({ dir, topics = {}, settings = {} }: Start = {}): Promise<TestBroker> {
  if (FOREIGN !== undefined) return { ...address(FOREIGN), foreign: true, stop: () => Promise.resolve() }
  const { Broker } = await import('../../src/index.js')
  const broker = await Broker.start({ port: 0, topics, settings: { ...TEST_SETTINGS, ...settings }, ...(dir === undefined ? {} : { dir }) })
  return { ...address(broker.bootstrap), foreign: false, stop: () => broker.stop() }
}

export interface ChildBroker extends TestBroker {
  readonly pid: number
  readonly dir: string
  /** The end of what it wrote to standard error and output. */
  log(): string
  /** kill -9; resolves when the process is gone. The folder stays. */
  kill(): Promise<void>
  /** Anonymous resident memory in bytes. */
  anonymousMemory(): number
  openDescriptors(): number
  /** Of them: a log that is used for the first time opens files. */
  openSockets(): number
}

/** A broker in a process of its own, through the command line. Without `dir` it gets a temporary one, removed by `stop`. */
export async function startChildBroker({ dir, port = 0, topics = {}, settings = {}, env = {} }: Start = {}): Promise<ChildBroker> {
  const owned = dir === undefined ? await ownedTempDir() : undefined
  const folder = dir ?? path.join(owned?.dir ?? '', 'data')
  const child = spawn(process.execPath, [CLI, 'start', ...cliArguments(folder, port, topics, { ...TEST_SETTINGS, ...settings })], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-64 * 1024)))
  const ready = await firstLine(child, 'ready')
  const bootstrap = /bootstrap=(\S+)/.exec(ready)?.[1]
  if (bootstrap === undefined || child.pid === undefined) throw new Error(`no bootstrap address in: ${ready}`)
  const pid = child.pid
  return {
    ...address(bootstrap),
    foreign: false,
    pid,
    dir: folder,
    log: () => log,
    stop: async () => {
      await end(child, 'SIGTERM')
      await owned?.remove()
    },
    kill: () => end(child, 'SIGKILL'),
    anonymousMemory: () => statusKib(pid, 'RssAnon') * 1024,
    openDescriptors: () => readdirSync(`/proc/${pid}/fd`).length,
    openSockets: () => readdirSync(`/proc/${pid}/fd`).filter((fd) => isSocket(`/proc/${pid}/fd/${fd}`)).length
  }
}

function isSocket(link: string): boolean {
  try {
    return readlinkSync(link).startsWith('socket:')
  } catch {
    // Closed in between.
    return false
  }
}

function cliArguments(
  dir: string,
  port: number,
  topics: Readonly<Record<string, number>>,
  settings: Readonly<Record<string, string>>
): string[] {
  return [
    '--port',
    String(port),
    '--dir',
    dir,
    ...Object.entries(topics).flatMap(([name, partitions]) => ['--topic', `${name}:${partitions}`]),
    ...Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`])
  ]
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'close')
  child.kill(signal)
  await gone
}

function statusKib(pid: number, field: string): number {
  const status = `/proc/${pid}/status`
  if (!existsSync(status)) throw new Error(`process ${pid} has ended`)
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(status, 'utf8'))?.[1])
}

function address(bootstrap: string): { bootstrap: string; host: string; port: number } {
  const colon = bootstrap.lastIndexOf(':')
  return { bootstrap, host: bootstrap.slice(0, colon), port: Number(bootstrap.slice(colon + 1)) }
}
