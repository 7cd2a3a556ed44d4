/** Puts the suite together: who takes part, which cases, and the result. */
import { mkdirSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { atEnd, endAll, interruption } from '../lib/ending.js'
import { finish, finishOptions } from '../lib/finish.js'
import { openLoad, type Load } from '../lib/load.js'
import { describeMachine, versions } from '../lib/machine.js'
import { terminalProgress, type Progress } from '../lib/progress.js'
import type { BenchmarkResult, Measurement } from '../lib/result.js'
import { runRounds } from '../lib/rounds.js'
import { caseOf, chill, warmUp } from './measure.js'
import type { Options } from './options.js'
import { isWanted, planCases, type PathCase } from './plan.js'
import { BASELINE, EVERYBODY, LIMIT, openStage, type Stage } from './stage.js'

const FLUSH_POLICY = 'only reading is measured; the log was written before, and lies in the page cache (hot) or only on the disk (cold)'

const COMPILE_NOTE_MS = 1000

interface Outcome {
  readonly measurements: readonly Measurement[]
  readonly leftOut: readonly string[]
}

/** Measures, prints and writes the result. What cannot be measured is a line in it; with no measurement at all the exit code is 1. */
export async function measurePaths(options: Options, command: string, progress = terminalProgress()): Promise<BenchmarkResult> {
  const signal = interruption()
  const startedAt = new Date()
  const parent = options.dir ?? os.tmpdir()
  mkdirSync(parent, { recursive: true })
  const folder = await mkdtemp(path.join(parent, 'sluice-bench-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  atEnd(() => Promise.resolve(remove()), remove)
  try {
    const outcome = await measured(options, folder, progress, signal)
    const result: BenchmarkResult = {
      schema: 1,
      suite: 'paths',
      startedAt: startedAt.toISOString(),
      seconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
      command,
      machine: await describeMachine(parent),
      versions: await versions(),
      flushPolicy: FLUSH_POLICY,
      transferMode: 'each in turn, in one broker',
      baseline: BASELINE,
      limits: [LIMIT],
      ...outcome
    }
    await finish(result, finishOptions(options))
    if (result.measurements.length === 0) process.exitCode ||= 1
    return result
  } finally {
    progress.end()
    await endAll()
  }
}

async function measured(options: Options, folder: string, progress: Progress, signal: AbortSignal): Promise<Outcome> {
  const planned = planCases(options).filter((one) => EVERYBODY.some((subject) => isWanted(options.only, one, subject)))
  const wanted = (subject: string) => planned.some((one) => isWanted(options.only, one, subject))
  try {
    if (planned.length === 0)
      throw new Error(`no case has ${options.only.map((word) => `'${word}'`).join(' and ')} in its group, name or subject`)
    const load = await openedLoad(progress)
    const stage = await openStage(load, options, folder, { progress, signal, wanted })
    const leftOut = new Set(stage.leftOut)
    const measuring = { load, stage, options, signal, leftOut }
    const cases = (await possible(planned, load, stage, leftOut))
      .map((one) => ({ ...one, logBytes: Math.min(one.logBytes, stage.logBytes) }))
      .flatMap((one) => stage.subjects.filter(({ name }) => isWanted(options.only, one, name)).map((each) => caseOf(one, each, measuring)))
    await warmUp(measuring)
    const outcome = await runRounds(cases, { rounds: options.rounds, progress, signal })
    return { measurements: outcome.measurements, leftOut: [...leftOut, ...outcome.leftOut] }
  } catch (error) {
    const reason = signal.aborted ? 'it was interrupted' : error instanceof Error ? error.message : String(error)
    return { measurements: [], leftOut: [`everything: ${reason}`] }
  }
}

/** Compiling takes a while, and is rare: then the user is told. */
async function openedLoad(progress: Progress): Promise<Load> {
  const slow = setTimeout(() => progress.note('compiling the load generator …'), COMPILE_NOTE_MS)
  try {
    return await openLoad()
  } finally {
    clearTimeout(slow)
  }
}

/** Without the cold cases where the page cache can not be emptied (a file system in memory). */
async function possible(planned: readonly PathCase[], load: Load, stage: Stage, leftOut: Set<string>): Promise<readonly PathCase[]> {
  if (planned.every(({ cache }) => cache === 'hot')) return planned
  try {
    await chill(load, stage.segment)
    return planned
  } catch (error) {
    leftOut.add(`a cold page cache: ${(error as Error).message}`)
    return planned.filter(({ cache }) => cache === 'hot')
  }
}
