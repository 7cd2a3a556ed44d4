/**
 * What a handful of rounds allows to say.
 *
 * Medians, because one disturbed round must not move the figure. Intervals from the order of the values alone, because nothing is known
 * about how they are distributed. Two subjects are compared round by round: what the machine did in a round met both.
 *
 * A difference is claimed when
 * - at least 3 rounds have both subjects,
 * - the interval of their ratios excludes 1. From 5 rounds on it covers the true median with 90 % or more; below, it is lowest to highest,
 * - with 3 or 4 rounds, where chance alone puts all on one side in 25 % or 12.5 % of cases: the middle ratio is also farther from 1 than
 *   the rounds lie apart,
 * - and the middle ratio is off by 2 % or more: a harness has no right to less.
 */
import type { FigureName, Figures, Round } from './result.js'
import { FIGURES } from './result.js'

/** Above this share of the machine used by others, a round counts as disturbed. */
export const DISTURBED_PERCENT = 10
/** Above this much CPU for filling the page cache without a broker (CPU-s/GiB), memory was cold, and a write test is disturbed, too. */
export const DISTURBED_FLOOR = 0.6
/** Fewer rounds than this allow no comparison, and are not thinned out further. */
export const ENOUGH_ROUNDS = 3
/** From here on the interval's coverage is 90 % or more. */
const INTERVAL_ROUNDS = 5
const COVERAGE = 0.9
/** A consistent ratio nearer to 1 than this is called equal. */
const MATTERS = 1.02

export interface Summary {
  readonly count: number
  readonly median: number
  readonly lowest: number
  readonly highest: number
  /** Distribution-free interval of the median. */
  readonly low: number
  readonly high: number
}

/** The middle value, or the mean of the two middle ones. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  // Halved first: the sum of two large values would overflow.
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1] ?? Number.NaN) / 2 + upper / 2
}

/** The sample below which the share of them lies, NaN without any. Sorts them in place: there may be a million. */
export function percentile(samples: number[], share: number): number {
  samples.sort((a, b) => a - b)
  return samples[Math.min(samples.length - 1, Math.floor(samples.length * share))] ?? Number.NaN
}

/** Undefined of nothing. */
export function summarize(values: readonly number[]): Summary | undefined {
  if (values.length === 0) return undefined
  const sorted = [...values].sort((a, b) => a - b)
  const at = (index: number): number => sorted[index] as number
  const drop = droppedAtEachEnd(sorted.length)
  const last = sorted.length - 1
  return { count: sorted.length, median: median(sorted), lowest: at(0), highest: at(last), low: at(drop), high: at(last - drop) }
}

/**
 * How many values may be left off at each end so that the rest still covers the median with `COVERAGE`: the number of values below the true
 * median is binomial with probability 1/2, whatever the distribution.
 */
export function droppedAtEachEnd(count: number): number {
  if (count < INTERVAL_ROUNDS) return 0
  let tail = 0
  let probability = 0.5 ** count
  for (let dropped = 0; dropped < count / 2; dropped++) {
    tail += probability
    if (1 - 2 * tail < COVERAGE) return Math.max(0, dropped - 1)
    probability *= (count - dropped) / (dropped + 1)
  }
  return 0
}

export function isDisturbed({ otherPercent = 0, floor = 0 }: Round): boolean {
  return otherPercent > DISTURBED_PERCENT || floor > DISTURBED_FLOOR
}

export interface CountedRounds {
  /** The rounds that count. */
  readonly counted: readonly Round[]
  /** How many were left out because they were disturbed. */
  readonly omitted: number
  /** How many count although they were disturbed, because too few others remain. */
  readonly tolerated: number
}

/** Disturbed rounds do not count when enough others remain. */
export function countedRounds(rounds: readonly Round[]): CountedRounds {
  const quiet = rounds.filter((round) => !isDisturbed(round))
  const disturbed = rounds.length - quiet.length
  if (quiet.length >= ENOUGH_ROUNDS) return { counted: quiet, omitted: disturbed, tolerated: 0 }
  return { counted: rounds, omitted: 0, tolerated: disturbed }
}

/** Summary of one figure over the rounds that count; over all where only others have it (what is counted once a run); undefined where none has. */
export function summarizeFigure(rounds: readonly Round[], figure: FigureName): Summary | undefined {
  return summarize(valuesOf(countedRounds(rounds).counted, figure)) ?? summarize(valuesOf(rounds, figure))
}

function valuesOf(rounds: readonly Round[], figure: FigureName): number[] {
  return rounds.map(({ figures }) => figures[figure]).filter((value) => value !== undefined)
}

export type Judgement =
  /** A difference for the better or the worse, or one that is neither. */
  | 'better'
  | 'worse'
  | 'different'
  /** Consistent, but smaller than 2 %. */
  | 'equal'
  /** The rounds do not agree. */
  | 'noise'
  /** Too few rounds to tell. */
  | 'few'

export interface Comparison {
  readonly figure: FigureName
  /** Subject divided by baseline, round by round. */
  readonly ratio: Summary
  readonly judgement: Judgement
  /** Rounds left out because one of the two was disturbed. */
  readonly omitted: number
  /** Disturbed rounds that count, because too few others remain. */
  readonly tolerated: number
}

/** Compares one figure of a subject with a baseline's; undefined where no round has both, or where a value is not positive. */
export function compare(subject: readonly Round[], baseline: readonly Round[], figure: FigureName): Comparison | undefined {
  const other = new Map(baseline.map((round) => [round.round, round]))
  const pairs = subject.flatMap((round) => pairOf(round, other.get(round.round), figure) ?? [])
  const quiet = pairs.filter(({ disturbed }) => !disturbed)
  const isEnough = quiet.length >= ENOUGH_ROUNDS
  const counted = isEnough ? quiet : pairs
  const ratio = summarize(counted.map((pair) => pair.ratio))
  if (ratio === undefined) return undefined
  const disturbed = pairs.length - quiet.length
  return { figure, ratio, judgement: judge(ratio, figure), omitted: isEnough ? disturbed : 0, tolerated: isEnough ? 0 : disturbed }
}

interface Pair {
  readonly ratio: number
  readonly disturbed: boolean
}

function pairOf(subject: Round, baseline: Round | undefined, figure: FigureName): Pair | undefined {
  const above = subject.figures[figure]
  const below = baseline?.figures[figure]
  if (baseline === undefined || above === undefined || below === undefined) return undefined
  const ratio = above / below
  // Nothing can be said about a multiple of nothing.
  if (!Number.isFinite(ratio) || ratio <= 0) return undefined
  return { ratio, disturbed: isDisturbed(subject) || isDisturbed(baseline) }
}

/** The rule at the head of this file. */
export function judge(ratio: Summary, figure: FigureName): Judgement {
  if (ratio.count < ENOUGH_ROUNDS) return 'few'
  if (ratio.low <= 1 && ratio.high >= 1) return 'noise'
  const distance = Math.abs(Math.log(ratio.median))
  if (ratio.count < INTERVAL_ROUNDS && distance <= Math.log(ratio.highest / ratio.lowest)) return 'noise'
  if (distance < Math.log(MATTERS)) return 'equal'
  const { better } = FIGURES[figure]
  if (better === 'neither') return 'different'
  return ratio.median > 1 === (better === 'higher') ? 'better' : 'worse'
}

/** The figures that any of the rounds has, in the order of `FIGURES`. */
export function figuresIn(rounds: Iterable<Round>): FigureName[] {
  const present = new Set<string>()
  for (const { figures } of rounds) for (const name of Object.keys(definedOnly(figures))) present.add(name)
  return (Object.keys(FIGURES) as FigureName[]).filter((name) => present.has(name))
}

function definedOnly(figures: Figures): Figures {
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== undefined))
}
