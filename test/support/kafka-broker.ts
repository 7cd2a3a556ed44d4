/** A real Apache Kafka of the project's own installation. Only for tests that are skipped where it cannot be had (`haveTools`). */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { root } from './processes.js'

export interface KafkaBroker {
  readonly host: string
  readonly port: number
  /** host:port */
  readonly bootstrap: string
  readonly pid: number
  /** A clean stop; the second call does nothing. */
  stop(): Promise<void>
  /** Lines of its log that are more severe than INFO; whole after `stop`. */
  complaints(): string[]
}

export interface KafkaStart {
  /** Of two neighbouring ports that are free: the other one is the controller's. */
  readonly port: number
  /** Holds `server.properties`, `broker.log`, and the data in `data` unless `log.dirs` says otherwise. */
  readonly dir: string
  readonly settings?: Readonly<Record<string, string>>
}

interface Script {
  startKafka(options: KafkaStart & { readonly lean: boolean }): Promise<{ readonly pid: number; readonly stop: () => Promise<unknown> }>
}

/** Resolves when it serves. Formats the data folder when it is empty. */
export async function startKafka(options: KafkaStart): Promise<KafkaBroker> {
  const script = (await import(pathToFileURL(path.join(root, 'scripts/kafka/broker.mjs')).href)) as Script
  const broker = await script.startKafka({ ...options, lean: true })
  let stopped: Promise<unknown> | undefined
  return {
    host: '127.0.0.1',
    port: options.port,
    bootstrap: `127.0.0.1:${options.port}`,
    pid: broker.pid,
    stop: async () => {
      await (stopped ??= broker.stop())
    },
    complaints: () =>
      readFileSync(path.join(options.dir, 'broker.log'), 'utf8')
        .split('\n')
        .filter((line) => /^(WARN|ERROR|FATAL) /.test(line))
  }
}

/**
 * Copies folders into a new one while none of the threads of a process can run: what kill -9 would leave of them. Files stay as sparse as they
 * are.
 */
export async function copyAsKilled(pid: number, folders: readonly string[], into: string): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  try {
    while (!isStopped(pid)) await delay(1)
    copyFolders(folders, into)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
}

export function copyFolders(folders: readonly string[], into: string): void {
  mkdirSync(into, { recursive: true })
  execFileSync('cp', ['-a', '--sparse=auto', ...folders, into])
}

function isStopped(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((task) => {
      const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8')
      return stat.charAt(stat.lastIndexOf(')') + 2) === 'T'
    })
  } catch (error) {
    // A thread that has just ended.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}
