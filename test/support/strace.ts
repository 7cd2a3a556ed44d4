/** A broker whose system calls are recorded, and sums over what they returned. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { firstLine, root } from './processes.js'

const CALLS = 'sendfile,splice,sendmsg,sendto,write,writev,read,readv,recvfrom,recvmsg,preadv,preadv2,pread64,pwrite64,pwritev,pwritev2'

/** One call that did not fail: its name, its arguments as strace prints them (descriptors with what they are), what it returned. */
export interface Call {
  readonly name: string
  readonly args: string
  readonly returned: number
}

export interface TracedBroker {
  readonly host: string
  readonly port: number
  readonly dir: string
  /** Stops the broker and gives every traced call of its life. */
  stop(): Promise<Call[]>
}

/** Runs `sluice start` under strace; `folder` takes its data and the record. Only for tests declared with `available('strace')`. */
export async function startTracedBroker(folder: string, args: readonly string[]): Promise<TracedBroker> {
  const dir = path.join(folder, 'data')
  // A file for each thread, so that no call of one cuts the line of another.
  const record = path.join(folder, 'calls')
  const command = [process.execPath, path.join(root, 'dist/src/cli/main.js'), 'start', '--port', '0', '--dir', dir, ...args]
  const child = spawn('strace', ['-ff', '--seccomp-bpf', '-qq', '-yy', '-s', '0', '-o', record, '-e', `trace=${CALLS}`, '--', ...command], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const ended = once(child, 'close')
  const ready = await firstLine(child, 'ready')
  const [, host, port, pid] = /bootstrap=(\S+):(\d+) pid=(\d+)/.exec(ready) ?? []
  return {
    host: host!,
    port: Number(port),
    dir,
    async stop() {
      process.kill(Number(pid), 'SIGTERM')
      await ended
      const files = readdirSync(folder).filter((name) => name.startsWith('calls.'))
      return files.flatMap((name) => callsOf(readFileSync(path.join(folder, name), 'utf8')))
    }
  }
}

function callsOf(text: string): Call[] {
  const calls: Call[] = []
  for (const line of text.split('\n')) {
    const match = /^(\w+)\((.*)\) += (\d+)$/.exec(line)
    if (match) calls.push({ name: match[1]!, args: match[2]!, returned: Number(match[3]) })
  }
  return calls
}

/** What the calls with these names returned altogether, of those whose arguments match. */
export function sumOf(calls: readonly Call[], names: readonly string[], args: RegExp): number {
  return calls.reduce((sum, call) => (names.includes(call.name) && args.test(call.args) ? sum + call.returned : sum), 0)
}
