/**
 * What a process uses: CPU, memory, open files, system calls; and what the rest of the machine used meanwhile, which tells whether a
 * measurement was disturbed. All from /proc; nothing here slows the process, except `countSystemCalls`.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** Of all threads, in seconds, since they began. */
export interface CpuSample {
  /** performance.now() */
  readonly at: number
  /** By thread id, from the scheduler: exact to the nanosecond. Empty where the kernel does not tell. */
  readonly threads: ReadonlyMap<number, number>
  /** In ticks of the clock: 10 ms as a rule. Counts threads that have ended, too. */
  readonly user: number
  readonly system: number
  /** Busy seconds of all CPUs of the machine, without what the host took. */
  readonly machine: number
}

export interface CpuUse {
  readonly seconds: number
  readonly cpu: number
  readonly cpuUser: number
  readonly cpuSystem: number
  readonly machine: number
}

/** The process has ended, or is not ours to look at. */
export class NoProcessError extends Error {
  override readonly name = 'NoProcessError'
}

const TICK_SECONDS = 1 / clockTicks()

function clockTicks(): number {
  try {
    return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) || 100
  } catch {
    // The value of every Linux that people run.
    return 100
  }
}

/** Throws NoProcessError. */
export function sampleCpu(pid: number): CpuSample {
  const stat = readProcess(pid, 'stat')
  // The name in parentheses may hold blanks and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {
    at: performance.now(),
    threads: threadSeconds(pid),
    user: Number(fields[11]) * TICK_SECONDS,
    system: Number(fields[12]) * TICK_SECONDS,
    machine: machineBusySeconds()
  }
}

/**
 * What was used between two samples. The total is exact; how it divides into user and system is the kernel's estimate by ticks, so over less
 * than some 100 ms it means little.
 */
export function cpuBetween(before: CpuSample, after: CpuSample): CpuUse {
  const user = after.user - before.user
  const system = after.system - before.system
  const ended = [...before.threads.keys()].some((thread) => !after.threads.has(thread))
  let cpu = user + system
  if (after.threads.size > 0 && !ended) {
    cpu = 0
    for (const [thread, seconds] of after.threads) cpu += seconds - (before.threads.get(thread) ?? 0)
  }
  const userShare = user + system > 0 ? user / (user + system) : 0
  return {
    seconds: (after.at - before.at) / 1000,
    cpu,
    cpuUser: cpu * userShare,
    cpuSystem: cpu * (1 - userShare),
    machine: after.machine - before.machine
  }
}

/**
 * Share of the machine, in percent, that neither the process nor the generator used: other processes, and threads of the kernel that work for
 * nobody in particular. `known` are CPU seconds of those that belong to the measurement. The machine counts in ticks: over less than a second
 * a few percent are noise.
 */
export function otherPercent(use: CpuUse, ...known: readonly number[]): number {
  const others = use.machine - use.cpu - known.reduce((sum, seconds) => sum + seconds, 0)
  return Math.max(0, (others / (use.seconds * os.cpus().length)) * 100)
}

/** Resident memory in MiB: all of it, and the anonymous part (what the process itself holds, without mapped files). */
export function memoryOf(pid: number): { rss: number; anonymous: number } {
  const status = readProcess(pid, 'status')
  const mebibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024
  return { rss: mebibytes('VmRSS'), anonymous: mebibytes('RssAnon') }
}

/** Descriptors that the process has open. Throws NoProcessError. */
export function openFilesOf(pid: number): number {
  return entriesOf(pid, 'fd').length
}

function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch (error) {
    throw new NoProcessError(`process ${pid} has ended or may not be read`, { cause: error })
  }
}

function entriesOf(pid: number, folder: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/${folder}`)
  } catch (error) {
    throw new NoProcessError(`process ${pid} has ended or may not be read`, { cause: error })
  }
}

function threadSeconds(pid: number): Map<number, number> {
  const threads = new Map<number, number>()
  for (const thread of entriesOf(pid, 'task')) {
    try {
      threads.set(Number(thread), Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e9)
    } catch {
      // The thread has just ended, or the kernel keeps no such figures.
    }
  }
  return threads
}

function machineBusySeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + softirq) * TICK_SECONDS
}

export interface SystemCalls {
  readonly total: number
  readonly byName: Readonly<Record<string, number>>
}

export interface CountedCalls<T> {
  readonly value: T
  /** undefined: could not be counted, see `leftOut`. */
  readonly calls?: SystemCalls
  /** Why not: one sentence. */
  readonly leftOut?: string
}

/** A tracer that is attached to a process. */
export interface Tracing {
  /** Detaches it and gives what was counted. */
  finish(): Promise<SystemCalls>
}

/**
 * Counts the system calls of a process (all threads) from now on, with `strace -c`, or `perf trace -s` where there is no strace. Both slow the
 * process, strace a lot: take no other figure meanwhile. A string tells why nothing can be counted, in one sentence.
 */
export async function traceSystemCalls(pid: number): Promise<Tracing | string> {
  const reasons: string[] = []
  for (const tracer of [straceOf, perfOf]) {
    const tracing = await tracer(pid)
    if (typeof tracing !== 'string') return tracing
    reasons.push(tracing)
  }
  return `system calls are not counted: ${reasons.join('; ')}`
}

/** Counts them while `run` goes on, which it does even if nothing can be counted. */
export async function countSystemCalls<T>(pid: number, run: () => Promise<T>): Promise<CountedCalls<T>> {
  const tracing = await traceSystemCalls(pid)
  if (typeof tracing === 'string') return { value: await run(), leftOut: tracing }
  let value: T
  try {
    value = await run()
  } catch (error) {
    await tracing.finish()
    throw error
  }
  return { value, calls: await tracing.finish() }
}

const ATTACH_LIMIT_MS = 5000
let outputs = 0

function straceOf(pid: number): Promise<Tracing | string> {
  const output = path.join(os.tmpdir(), `sluice-strace-${process.pid}-${outputs++}`)
  return trace('strace', ['-c', '-f', '-o', output, '-p', String(pid)], output, /attached/, parseStrace)
}

function perfOf(pid: number): Promise<Tracing | string> {
  const output = path.join(os.tmpdir(), `sluice-perf-${process.pid}-${outputs++}`)
  // perf says nothing when it has attached: what it writes before it counts is its header, at the end.
  return trace('perf', ['trace', '-s', '-o', output, '-p', String(pid)], output, undefined, parsePerf)
}

/** Attaches a tracer; a string tells why that is not possible. */
async function trace(
  command: string,
  args: readonly string[],
  output: string,
  attached: RegExp | undefined,
  parse: (text: string) => SystemCalls
): Promise<Tracing | string> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  let failure: NodeJS.ErrnoException | undefined
  child.on('error', (error) => (failure = error))
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const ready = new Promise<void>((resolve) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4096)
      if (attached?.test(said)) resolve()
    })
    if (!attached) setTimeout(resolve, 500).unref()
  })
  const late = new Promise<void>((resolve) => setTimeout(resolve, ATTACH_LIMIT_MS).unref())
  await Promise.race([ready, closed, late])
  if (failure || child.exitCode !== null) {
    rmSync(output, { force: true })
    if (failure?.code === 'ENOENT') return `${command} is not installed`
    return `${command} may not trace here (${said.trim().split('\n')[0] ?? 'it ended'})`
  }
  return {
    finish: async () => {
      child.kill('SIGINT')
      await closed
      try {
        return parse(readFileSync(output, 'utf8'))
      } finally {
        rmSync(output, { force: true })
      }
    }
  }
}

/** Rows `% time, seconds, usecs/call, calls, [errors,] name`. */
export function parseStrace(text: string): SystemCalls {
  return summed(
    [...text.matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d*\s+(\d+)\s+(?:\d+\s+)?([a-z]\w*)\s*$/gm)].filter(([, , name]) => name !== 'total')
  )
}

/** Rows `name calls errors …` below a heading for each thread. */
export function parsePerf(text: string): SystemCalls {
  return summed([...text.matchAll(/^ {2,}([a-z]\w*)\s+(\d+)\s+\d+\s+[\d.]+/gm)].map(([row, name = '', calls = '']) => [row, calls, name]))
}

function summed(rows: readonly (readonly string[])[]): SystemCalls {
  const byName: Record<string, number> = {}
  for (const [, calls, name] of rows) if (name !== undefined) byName[name] = (byName[name] ?? 0) + Number(calls)
  return { total: Object.values(byName).reduce((sum, calls) => sum + calls, 0), byName }
}

/** Waits for the end of a child, at most `limitMs` after SIGTERM, then kills it. */
export async function endProcess(child: ReturnType<typeof spawn>, limitMs = 5000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
  await closed
  clearTimeout(timer)
}
