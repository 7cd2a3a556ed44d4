/** The frame of every suite: from the command line over a temporary folder to the result, however it ends. */
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { commandLine, type Ended, type SuiteOptions } from './command-line.js'
import { atEnd, endAll, interruption } from './ending.js'
import { finish } from './finish.js'
import { describeMachine, versions } from './machine.js'
import { terminalProgress, type Progress } from './progress.js'
import type { BenchmarkResult } from './result.js'
import { SUITE_SCRIPTS, type Suite } from './suites.js'

/** Of brokers with Kafka's defaults. */
export const PAGE_CACHE_POLICY = 'page cache: acknowledged before it is on the disk, as Apache Kafka does by default'

export interface Running {
  /** Empty, and removed at the end. */
  readonly folder: string
  readonly progress: Progress
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  /** Takes what undoes something: the newest is called first, when the result has been shown. */
  readonly afterwards: (undo: () => Promise<void>) => void
}

/** What a suite tells of its run; the frame knows the rest. */
export interface Outcome extends Omit<BenchmarkResult, 'schema' | 'suite' | 'startedAt' | 'seconds' | 'command' | 'machine' | 'versions'> {
  /** Besides Sluice and Node. */
  readonly versions?: BenchmarkResult['versions']
}

export type Measure<Options> = (options: Options, running: Running) => Promise<Outcome>

/**
 * The program of a suite: measures, prints and writes the result, and sets the exit code: 1 when nothing was measured. An error of
 * `measure` is one line on stderr.
 */
export async function runSuite<Options extends SuiteOptions>(
  suite: Suite,
  parse: (args: readonly string[]) => Options | Ended,
  measure: Measure<Options>
): Promise<void> {
  const args = process.argv.slice(2)
  const options = parse(args)
  if ('exitCode' in options) {
    process.exitCode = options.exitCode
    return
  }
  try {
    await run(suite, commandLine(suite, args), options, measure)
  } catch (error) {
    process.stderr.write(`${SUITE_SCRIPTS[suite]}: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode ||= 1
  }
}

async function run<Options extends SuiteOptions>(
  suite: Suite,
  command: string,
  options: Options,
  measure: Measure<Options>
): Promise<void> {
  const startedAt = new Date()
  const signal = interruption()
  const progress = terminalProgress()
  const parent = options.dir ?? os.tmpdir()
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(path.join(parent, 'sluice-bench-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  atEnd(() => Promise.resolve(remove()), remove)
  const undoing: (() => Promise<void>)[] = []
  try {
    const { versions: others, ...outcome } = await measure(options, { folder, progress, signal, afterwards: (undo) => undoing.push(undo) })
    const result: BenchmarkResult = {
      schema: 1,
      suite,
      startedAt: startedAt.toISOString(),
      seconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
      command,
      machine: await describeMachine(parent),
      versions: { ...(await versions()), ...others },
      ...outcome
    }
    await finish(result, options)
    if (result.measurements.length === 0) process.exitCode ||= 1
  } finally {
    for (const undo of undoing.toReversed()) await undo()
    progress.end()
    await endAll()
  }
}
