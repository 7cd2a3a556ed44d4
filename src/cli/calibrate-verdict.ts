/** From paired measurements of two ways to send to the size below which the first is taken. Pure. */

/** One size, measured in both ways in every round; the same round's values belong together. */
export interface Pairs {
  readonly bytes: number
  /** What a response cost, in microseconds, by round. */
  readonly first: readonly number[]
  readonly second: readonly number[]
}

export type Winner = 'first' | 'second' | 'noise'

export interface Compared {
  readonly bytes: number
  /** Medians in microseconds. */
  readonly first: number
  readonly second: number
  /** first / second, round by round: its median, and where the middle half of the rounds lies. */
  readonly ratio: { readonly median: number; readonly low: number; readonly high: number }
  /** `noise`: the middle half of the rounds lies on both sides of 1, or the difference is not worth a word. */
  readonly winner: Winner
}

export interface Threshold {
  /** Below so many bytes the first way. */
  readonly bytes: number
  readonly default: number
  /** `confirmed`: the default fits all that was measured. `noise`: what speaks against it, if anything, is within the noise. `moved`: another size fits better. */
  readonly verdict: 'confirmed' | 'noise' | 'moved'
}

/** A smaller difference decides nothing, however steady it is. */
const WORTH_A_WORD = 0.03
/** The default goes only for more than this, summed over the sizes: among many sizes one always looks clear by chance. */
const WORTH_MOVING = 0.08

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * part
  const below = sorted[Math.floor(at)]!
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at))
}

export function compare({ bytes, first, second }: Pairs): Compared {
  const ratios = first.map((value, round) => value / second[round]!)
  const [low, median, high] = [0.25, 0.5, 0.75].map((part) => quantile(ratios, part)) as [number, number, number]
  const clear = Math.abs(Math.log(median)) >= WORTH_A_WORD
  const winner = clear && high < 1 ? 'first' : clear && low > 1 ? 'second' : 'noise'
  return { bytes, first: quantile(first, 0.5), second: quantile(second, 0.5), ratio: { median, low, high }, winner }
}

/**
 * The measured size that contradicts least of what was measured clearly; the default where that is hardly better. `limit`: what stands for
 * "always the first way".
 */
export function threshold(sizes: readonly Compared[], standard: number, limit: number): Threshold {
  if (sizes.every(({ winner }) => winner === 'noise')) return { bytes: standard, default: standard, verdict: 'noise' }
  if (contradiction(sizes, standard) === 0) return { bytes: standard, default: standard, verdict: 'confirmed' }
  const candidates = [...sizes.map(({ bytes }) => bytes), limit]
  let best = standard
  for (const candidate of candidates) {
    const difference = contradiction(sizes, candidate) - contradiction(sizes, best)
    if (difference < 0 || (difference === 0 && distance(candidate, standard) < distance(best, standard))) best = candidate
  }
  if (contradiction(sizes, standard) - contradiction(sizes, best) < WORTH_MOVING)
    return { bytes: standard, default: standard, verdict: 'noise' }
  return { bytes: best, default: standard, verdict: 'moved' }
}

// What would be lost, as a sum of relative differences; what is within the noise does not count.
function contradiction(sizes: readonly Compared[], below: number): number {
  let lost = 0
  for (const { bytes, ratio, winner } of sizes) {
    if (winner !== 'noise' && winner !== (bytes < below ? 'first' : 'second')) lost += Math.abs(Math.log(ratio.median))
  }
  return lost
}

function distance(a: number, b: number): number {
  return Math.abs(Math.log(a + 1) - Math.log(b + 1))
}
