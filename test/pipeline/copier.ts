/**
 * A copier: a process that reads committed records as a member of a group, and writes each to two topics in transactions with its offsets. It
 * says, a line each: `ready`; `assigned` and `revoked` with partitions; `copied` with the number of records of a committed transaction; `failed`
 * with the error that ended it; `died` where it was told to kill itself. It leaves its group when its input ends. Copiers end where they do not
 * know how to go on: whoever started them starts another with the same transactional id.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { available } from '../support/available.js'
import { haveTools, javaArguments } from '../support/kafka-tools.js'
import { root } from '../support/processes.js'

const librdkafka = await available('librdkafka')

export type Client = 'java' | 'librdkafka' | 'kafkajs'

export const clients: readonly Client[] = [
  ...(haveTools ? (['java'] as const) : []),
  ...(librdkafka.found ? (['librdkafka'] as const) : []),
  'kafkajs'
]

/** Of NAME=VALUE. */
export type CopierSettings = Readonly<Record<string, string | number>>

/** Between which steps it kills itself. */
export const DIE_POINTS = ['polled', 'sent', 'offsets', 'ending', 'ended'] as const

async function commandOf(client: Client, classes: string): Promise<[command: string, ...args: string[]]> {
  const sources = path.join(root, 'test/pipeline/copiers')
  switch (client) {
    case 'java':
      return ['java', ...(await javaArguments(classes)), 'Copier']
    case 'librdkafka':
      if (!librdkafka.found) throw new Error(librdkafka.reason)
      return [librdkafka.product, path.join(sources, 'copier.py')]
    case 'kafkajs':
      return [process.execPath, path.join(root, 'dist/test/pipeline/copiers/kafkajs.js')]
  }
}

export class Copier {
  readonly #child: ChildProcess
  /** The end of what it complained of. */
  complaints = ''
  ready = false
  /** Records of transactions that it knows to be committed. */
  copied = 0
  #ended: string | undefined
  readonly closed: Promise<void>

  private constructor(child: ChildProcess, onLine: (line: string) => void) {
    this.#child = child
    this.closed = once(child, 'close').then(([code, signal]) => {
      this.#ended ??= String(signal ?? code)
    })
    child.stderr!.on('data', (chunk: Buffer) => (this.complaints = (this.complaints + chunk.toString()).slice(-4000)))
    child.stdin!.on('error', () => undefined)
    createInterface(child.stdout!).on('line', (line) => {
      if (line === 'ready') this.ready = true
      const [what, count] = line.split(' ')
      if (what === 'copied') this.copied += Number(count)
      if (what === 'failed' || what === 'died') this.#ended = line
      onLine(line)
    })
  }

  /** `classes`: where Java's are. `onLine` gets what it says. */
  static async start(client: Client, classes: string, settings: CopierSettings, onLine: (line: string) => void): Promise<Copier> {
    const [command, ...args] = await commandOf(client, classes)
    const given = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
    return new Copier(spawn(command, [...args, ...given], { stdio: 'pipe' }), onLine)
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Why it has ended. */
  get ended(): string {
    return this.#ended ?? 'running'
  }

  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal)
  }

  /** Lets it leave its group. */
  leave(): void {
    this.#child.stdin!.end()
  }
}
