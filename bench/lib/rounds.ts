/**
 * Rounds: every case once a round, the subjects of one case directly after one another and in alternating order, so that what the
 * machine does over time (heat, neighbours on the host, memory that grows warm) meets all of them alike.
 */
import { groupBy, pairKey } from './grouping.js'
import type { Progress } from './progress.js'
import type { Measurement, Round } from './result.js'

export interface Case {
  readonly group: string
  readonly name: string
  readonly subject: string
  readonly parameters: Readonly<Record<string, number | string>>
  /** Measures once. What it starts is over when the promise settles. */
  run(): Promise<Omit<Round, 'round'>>
}

export interface RoundsOptions {
  readonly rounds: number
  readonly progress: Progress
  /** Once aborted, no further case is begun. A case that should end early listens to the signal itself. */
  readonly signal?: AbortSignal
}

export interface RoundsOutcome {
  readonly measurements: Measurement[]
  /** One sentence per case that failed, and one when the run was aborted. */
  readonly leftOut: string[]
}

/** A case that failed this often in succession is not tried again. */
const MOST_FAILURES = 2

interface State {
  readonly case: Case
  readonly rounds: Round[]
  readonly failedIn: number[]
  failuresInSuccession: number
  error: string
}

/**
 * Runs every case once a round; cases of one (group, name) directly after one another, in alternating order of subjects (A B, B A, …).
 * A failing case is reported in `leftOut` with its error, the rest goes on; it is tried again in the next round, once.
 * A measurement without a single round is not part of the outcome.
 */
export async function runRounds(cases: readonly Case[], options: RoundsOptions): Promise<RoundsOutcome> {
  const states = cases.map((one): State => ({ case: one, rounds: [], failedIn: [], failuresInSuccession: 0, error: '' }))
  const comparisons = [...groupBy(states, ({ case: { group, name } }) => pairKey(group, name)).values()]
  options.progress.begin(cases.length * options.rounds)
  let aborted: string | undefined
  for (let round = 1; round <= options.rounds && aborted === undefined; round++) {
    for (const state of comparisons.flatMap((comparison) => (round % 2 === 1 ? comparison : comparison.toReversed()))) {
      if (isAborted(options.signal)) {
        aborted = `stopped in round ${round} of ${options.rounds}: what was measured until then counts`
        break
      }
      await measure(state, round, options)
    }
  }
  options.progress.end()
  const leftOut = states.filter(({ failedIn }) => failedIn.length > 0).map((state) => sentence(state, options.rounds))
  if (aborted !== undefined) leftOut.push(aborted)
  const measurements = states
    .filter(({ rounds }) => rounds.length > 0)
    .map(({ case: { group, name, subject, parameters }, rounds }) => ({ group, name, subject, parameters, rounds }))
  return { measurements, leftOut }
}

async function measure(state: State, round: number, { rounds, progress, signal }: RoundsOptions): Promise<void> {
  if (state.failuresInSuccession >= MOST_FAILURES) return
  const { group, name, subject } = state.case
  progress.step(`round ${round} of ${rounds} · ${group} · ${name} · ${subject}`)
  try {
    const measured = await state.case.run()
    state.rounds.push({ round, ...measured })
    state.failuresInSuccession = 0
  } catch (error) {
    // A case that was cut short by the signal did not fail.
    if (isAborted(signal)) return
    state.failedIn.push(round)
    state.failuresInSuccession++
    // One sentence: some errors are written over several lines.
    state.error = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim()
    progress.note(`${group}, ${name}, ${subject}: ${state.error}`)
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

function sentence({ case: { group, name, subject }, rounds, failedIn, error, failuresInSuccession }: State, all: number): string {
  const which = `${group}, ${name}, ${subject}`
  if (rounds.length === 0) return `${which}: ${error}`
  const dropped = failuresInSuccession >= MOST_FAILURES && failedIn.at(-1) !== all ? ', not tried again' : ''
  return `${which}: failed in round ${failedIn.join(' and ')} of ${all}${dropped} (${error}); the other rounds count`
}
