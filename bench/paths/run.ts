/** Puts the suite together: who takes part, and which cases. */
import { openLoad, type Load } from '../lib/load.js'
import type { Progress } from '../lib/progress.js'
import { runRounds, type RoundsOutcome } from '../lib/rounds.js'
import type { Outcome, Running } from '../lib/suite.js'
import { caseOf, chill, warmUp } from './measure.js'
import type { Options } from './options.js'
import { isWanted, planCases, type PathCase } from './plan.js'
import { BASELINE, EVERYBODY, LIMIT, openStage, type Stage } from './stage.js'

const FLUSH_POLICY = 'only reading is measured; the log was written before, and lies in the page cache (hot) or only on the disk (cold)'

const COMPILE_NOTE_MS = 1000

/** What cannot be measured is a line in the result. */
export async function measurePaths(options: Options, running: Running): Promise<Outcome> {
  const outcome = await measured(options, running)
  return { flushPolicy: FLUSH_POLICY, transferMode: 'each in turn, in one broker', baseline: BASELINE, limits: [LIMIT], ...outcome }
}

async function measured(options: Options, { folder, progress, signal }: Running): Promise<RoundsOutcome> {
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
