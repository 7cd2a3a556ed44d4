/**
 * Drives the native load generator (bench/native/load): one child process per run, its figures as values.
 *
 *   const load = await openLoad()
 *   const before = sampleProcess(pid)
 *   const result = await load.fetch({ bootstrap, topic, fetchBytes: 65536, seconds: 2 }, { onReady: () => … sample … })
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import os from 'node:os'
import { createInterface } from 'node:readline'
import { buildLoad } from './build.js'

export interface Latency {
  readonly count: number
  /** All in ms. */
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
  /** [upper bound in ms, samples], rising; only bounds that have samples. */
  readonly histogram: readonly (readonly [number, number])[]
}

export interface LoadResult {
  /** Bytes of record batches (not of headers) that were acknowledged, or received. Fetch: whole batches only. */
  readonly bytes: number
  readonly records: number
  readonly requests: number
  /** From the first request to the last answer. */
  readonly seconds: number
  /** Open loop: intended requests without an answer when patience ended. 0 otherwise: any error ends a run. */
  readonly errors: number
  /** CPU seconds of the generator itself, between the same two moments. */
  readonly cpuUser: number
  readonly cpuSystem: number
  /** Of a request, from its intended start (open loop) or from its sending (closed loop) to the last byte of its answer. */
  readonly latency: Latency
  /** Open loop: how late the generator itself sent, in ms: what of the latency may be the generator's own. */
  readonly lateness?: Latency
}

export interface LatencyResult extends LoadResult {
  /** From the intended start to the acknowledgement; absent with acks=0. `latency` is the one until a waiting fetch has the record. */
  readonly acknowledged?: Latency
}

export interface IdleResult {
  readonly connections: number
  /** Fetches answered (empty ones), with `waiting`. */
  readonly polls: number
  /** How long opening all connections took, and how long they were kept then. */
  readonly openingSeconds: number
  readonly seconds: number
  readonly cpuUser: number
  readonly cpuSystem: number
}

interface Target {
  /** host:port */
  readonly bootstrap: string
  readonly topic: string
  /** Partitions 0 … n-1 are used; default 1. With more partitions than connections, a connection serves several in turn. */
  readonly partitions?: number
}

interface Traffic extends Target {
  /** Default 1. */
  readonly connections?: number
  /** Requests under way on a connection, default 1 (produce: 5). */
  readonly inFlight?: number
  /** Open loop: so many requests a second in all, whatever the answers do. Without: closed loop. */
  readonly rate?: number
  /** Threads of the generator, default 1. */
  readonly threads?: number
}

export interface ProduceOptions extends Traffic {
  /** Size of a batch, reached as closely as whole records allow from below. Default 65536. */
  readonly batchBytes?: number
  /** Of a record's value. Default 1024. */
  readonly recordBytes?: number
  /** Default 1. */
  readonly acks?: 1 | 0 | -1
  /** Ends after so many bytes or seconds, whichever comes first; one must be given. */
  readonly bytes?: number
  readonly seconds?: number
}

export interface FetchOptions extends Traffic {
  /** max.partition.fetch.bytes of each fetch. */
  readonly fetchBytes: number
  readonly seconds: number
  /** copy: as a client does; trunc: dropped in the kernel, so that receiving costs least. Default copy. */
  readonly take?: 'copy' | 'trunc'
  /** Starts again from the first offset after so many bytes of a partition. */
  readonly limit?: number
  /** Default: earliest. */
  readonly from?: 'earliest' | number
  /** Fan-out: every connection reads every partition. */
  readonly groups?: boolean
  /** Ends when everything was read once; connections share the partitions' bytes, so that no byte is read twice (a cold log stays cold). */
  readonly once?: boolean
  /** 12 (default) by topic name; 13 to 17 by topic id. */
  readonly fetchVersion?: number
}

export interface LatencyOptions extends Target {
  /** Default 1024. */
  readonly recordBytes?: number
  /** Default 1. */
  readonly acks?: 1 | 0 | -1
  readonly samples: number
  /** Records a second; 0: the next one when the last has arrived (closed loop). Default 1000. */
  readonly rate?: number
  /** Records before those that count; default 200. */
  readonly warmup?: number
}

export interface IdleOptions extends Target {
  readonly connections: number
  readonly seconds: number
  /** Each connection keeps a fetch waiting at the end of its partition (500 ms, as a consumer does). */
  readonly waiting?: boolean
}

export interface CannedOptions {
  /** A segment (`.log`) whose batches are all of one size and record count, as `produce` makes them. */
  readonly file: string
  /** At most so many bytes a fetch, whatever it asks for. */
  readonly fetchBytes?: number
  /** SO_SNDBUF of its sockets; default: the system's choice. */
  readonly sendBuffer?: number
  /** pread + send instead of sendfile. */
  readonly readwrite?: boolean
}

export interface CannedServer extends AsyncDisposable {
  readonly bootstrap: string
  readonly pid: number
  stop(): Promise<void>
  /** Ends it without waiting. */
  kill(): void
}

export interface Control {
  /** Ends the run; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Gives way to others that want a processor: for load that is not what is measured. */
  readonly nice?: boolean
  /**
   * Called when the generator has connected and learnt what it needs and nothing is under way; traffic starts when this resolves. The place to
   * take the first CPU sample, or to drop the page cache.
   */
  readonly onReady?: (() => void | Promise<void>) | undefined
}

export interface CacheDrop {
  /** Bytes of the files, and how many of them were still in the page cache afterwards; -1: the kernel does not tell. */
  readonly bytes: number
  readonly residentBytes: number
}

export interface Load {
  produce(options: ProduceOptions, control?: Control): Promise<LoadResult>
  fetch(options: FetchOptions, control?: Control): Promise<LoadResult>
  latency(options: LatencyOptions, control?: Control): Promise<LatencyResult>
  idle(options: IdleOptions, control?: Control): Promise<IdleResult>
  /** The limit: a server that answers fetches from a file by a bare sendfile loop. */
  canned(options: CannedOptions): Promise<CannedServer>
  /** Writes the files to the disk and drops them from the page cache (no root needed). */
  dropCache(files: readonly string[]): Promise<CacheDrop>
}

/** The generator ended with an error: its one line, such as "127.0.0.1:1: Connection refused". */
export class LoadError extends Error {
  override readonly name = 'LoadError'
}

/** Compiles the generator when that is needed. Rejects with BuildError. */
export async function openLoad(): Promise<Load> {
  const program = await buildLoad()
  return {
    produce: (options, control) => runLoad<LoadResult>(program, 'produce', { ...options }, control),
    fetch: (options, control) => runLoad<LoadResult>(program, 'fetch', { ...options }, control),
    latency: (options, control) => runLoad<LatencyResult>(program, 'latency', { ...options }, control),
    idle: (options, control) => runLoad<IdleResult>(program, 'idle', { ...options }, control),
    canned: (options) => startCanned(program, options),
    dropCache: (files) => runLoad<CacheDrop>(program, 'drop-cache', {}, undefined, files)
  }
}

type Flags = Readonly<Record<string, string | number | boolean | undefined>>

/** { batchBytes: 5, once: true } → --batch-bytes 5 --once */
function flagsOf(options: Flags): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || value === false) return []
    const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    return value === true ? [flag] : [flag, String(value)]
  })
}

async function runLoad<Result>(
  program: string,
  command: string,
  options: Flags,
  { signal, nice = false, onReady }: Control = {},
  rest: readonly string[] = []
): Promise<Result> {
  signal?.throwIfAborted()
  const child = spawn(program, [command, ...flagsOf(options), ...(onReady ? ['--wait'] : []), ...rest])
  if (nice && child.pid !== undefined) os.setPriority(child.pid, os.constants.priority.PRIORITY_LOW)
  const abort = () => child.kill('SIGKILL')
  signal?.addEventListener('abort', abort)
  let result: Result | undefined
  let complaint = ''
  let readyFailed: unknown
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-4096)))
  child.stdin.on('error', () => {})
  const start = async () => {
    try {
      await onReady?.()
      child.stdin.write('go\n')
    } catch (error) {
      readyFailed = error
      child.kill('SIGKILL')
    }
  }
  createInterface(child.stdout).on('line', (line) => {
    if (line === '{"ready":true}') void start()
    else result = JSON.parse(line) as Result
  })
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    signal?.throwIfAborted()
    if (readyFailed !== undefined) throw readyFailed
    if (code !== 0 || result === undefined) throw new LoadError(complaint.trim() || `load ${command} ended with ${code}`)
    return result
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

async function startCanned(program: string, options: CannedOptions): Promise<CannedServer> {
  const child = spawn(program, ['canned', '--port', '0', ...flagsOf({ ...options })])
  return serverOf(child, 'load canned')
}

/**
 * Waits until a child prints {"port":N} and makes a server of it. `stop` ends its standard input and sends SIGTERM. Rejects with LoadError and
 * its complaint when it ends instead.
 */
export async function serverOf(child: ChildProcessWithoutNullStreams, name: string): Promise<CannedServer> {
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-4096)))
  child.stdin.on('error', () => {})
  const closed = once(child, 'close')
  const port = await new Promise<number>((resolve, reject) => {
    createInterface(child.stdout).once('line', (line) => resolve((JSON.parse(line) as { port: number }).port))
    closed.then(() => reject(new LoadError(complaint.trim() || `${name} ended before it served`)), reject)
  })
  const stop = async () => {
    child.stdin.end()
    child.kill('SIGTERM')
    await closed
  }
  return { bootstrap: `127.0.0.1:${port}`, pid: child.pid ?? 0, stop, kill: () => void child.kill('SIGKILL'), [Symbol.asyncDispose]: stop }
}
