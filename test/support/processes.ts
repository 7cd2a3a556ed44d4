import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'

/** The folder of the project. */
export const root = path.resolve(import.meta.dirname, '../../..')

export interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Written to standard input, which is then closed. */
  readonly input?: string
  /** After that many ms the process is killed and `run` rejects. Default 60,000. */
  readonly timeoutMs?: number
}

/** Runs a command to its end. Rejects only if it cannot be started or takes too long. */
export async function run(
  command: string,
  args: readonly string[],
  { input = '', timeoutMs = 60_000 }: RunOptions = {}
): Promise<Finished> {
  const child = spawn(command, args, { cwd: root, stdio: 'pipe' })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, timeoutMs)
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  const stdout = Buffer.concat(out).toString()
  const stderr = Buffer.concat(err).toString()
  if (late) throw new Error(`${path.basename(command)} ${args.join(' ')} took longer than ${timeoutMs} ms:\n${stdout}${stderr}`)
  return { code: code ?? -1, stdout, stderr }
}

/** Resolves with the first line of standard output that starts with `prefix`; rejects with what was printed if the process ends before. */
export function firstLine(child: ChildProcess, prefix: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = ''
    child.stderr?.on('data', (chunk: Buffer) => (printed = (printed + chunk.toString()).slice(-4000)))
    if (child.stdout === null) throw new Error('standard output is not a pipe')
    createInterface(child.stdout).on('line', (line) => {
      printed = `${printed}${line}\n`.slice(-4000)
      if (line.startsWith(prefix)) resolve(line)
    })
    child.once('error', reject)
    child.once('close', (code, signal) => reject(new Error(`the process ended (${code ?? signal}) before '${prefix}':\n${printed}`)))
  })
}
