/** Drives the bare loops over system calls (bench/native/storage): one child process per run, its figures as values. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { buildProgram } from '../lib/build.js'

export interface LoopResult {
  readonly bytes: number
  readonly operations: number
  /** Calls of fdatasync. */
  readonly syncs: number
  /** CRC-32C of the files that were scanned, combined by exclusive or; 0 of other commands. */
  readonly checksum: number
  /** Spent in the loop; making and removing files does not count. */
  readonly seconds: number
  readonly cpuUser: number
  readonly cpuSystem: number
}

export interface AppendLoop {
  readonly dir: string
  readonly batchBytes: number
  /** Of a lap: each goes to new files. */
  readonly bytes: number
  /** Laps follow one another until so much time has been spent writing. */
  readonly seconds: number
  /** Files that are written to in turn. */
  readonly logs: number
  /** With `sync`: batches before each fdatasync. */
  readonly group: number
  readonly sync: boolean
}

export interface Loops {
  append(loop: AppendLoop): Promise<LoopResult>
  /** pread of the same size, one place after the other or at random. */
  read(loop: { readonly file: string; readonly readBytes: number; readonly seconds: number; readonly random: boolean }): Promise<LoopResult>
  /** Reads each file once and computes its CRC-32C. */
  scan(loop: { readonly files: readonly string[]; readonly threads: number }): Promise<LoopResult>
}

/** Compiles the loops when that is needed. Rejects with BuildError. `signal` ends what runs. */
export async function openLoops(signal: AbortSignal): Promise<Loops> {
  const program = await buildProgram('storage', ['bench/native/storage', 'bench/native/load/arguments.cc', 'native/crc32c.cc'])
  const run = (...args: (string | number)[]): Promise<LoopResult> => runLoop(program, args.map(String), signal)
  return {
    append: ({ dir, batchBytes, bytes, seconds, logs, group, sync }) => {
      const plan = ['--dir', dir, '--batch-bytes', batchBytes, '--bytes', bytes, '--seconds', seconds, '--logs', logs, '--group', group]
      return run('append', ...plan, ...(sync ? ['--sync'] : []))
    },
    read: ({ file, readBytes, seconds, random }) =>
      run('read', '--read-bytes', readBytes, '--seconds', seconds, ...(random ? ['--random'] : []), file),
    scan: ({ files, threads }) => run('scan', '--threads', threads, ...files)
  }
}

async function runLoop(program: string, args: readonly string[], signal: AbortSignal): Promise<LoopResult> {
  signal.throwIfAborted()
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const abort = (): void => void child.kill('SIGKILL')
  signal.addEventListener('abort', abort)
  let answer = ''
  let complaint = ''
  child.stdout.on('data', (chunk: Buffer) => (answer += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-4096)))
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    signal.throwIfAborted()
    if (code !== 0) throw new Error(complaint.trim() || `the loop ended with ${code}`)
    return JSON.parse(answer) as LoopResult
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
