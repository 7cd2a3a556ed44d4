/** Which cases there are: fetch sizes, consumers, hot and cold page cache. */
import { KIB, MIB } from '../lib/units.js'
import type { Options } from './options.js'

export interface PathCase {
  readonly cache: 'hot' | 'cold'
  readonly fetchBytes: number
  readonly consumers: number
  /** So much of the log is read before it is read again (hot), or once (cold). */
  readonly logBytes: number
}

const SIZES = [4 * KIB, 64 * KIB, MIB, 8 * MIB]
const CONSUMERS = [1, 4, 64]
/** The generator learns what each fetch gives by doing it once before each run, so small fetches read less of the log. */
const LOG_BYTES_OF_SMALL_FETCHES = 16 * MIB

export function planCases({ quick, full, size }: Pick<Options, 'quick' | 'full' | 'size'>): PathCase[] {
  const sizes = quick ? [64 * KIB, MIB] : SIZES
  const hot = quick ? [1, 4] : CONSUMERS
  const cold = full ? CONSUMERS : [4]
  return [...cases('hot', sizes, hot, size * MIB), ...cases('cold', sizes, cold, size * MIB)]
}

function cases(cache: PathCase['cache'], sizes: readonly number[], consumers: readonly number[], size: number): PathCase[] {
  return sizes.flatMap((fetchBytes) =>
    consumers.map((count) => ({
      cache,
      fetchBytes,
      consumers: count,
      logBytes: Math.min(size, fetchBytes < 64 * KIB ? LOG_BYTES_OF_SMALL_FETCHES : size)
    }))
  )
}

export function groupOf({ cache }: PathCase): string {
  return `fetch, ${cache} page cache`
}

/** "64 KiB, 4 consumers" */
export function nameOf({ fetchBytes, consumers }: PathCase): string {
  const size = fetchBytes < MIB ? `${fetchBytes / KIB} KiB` : `${fetchBytes / MIB} MiB`
  return `${size}, ${consumers} consumer${consumers === 1 ? '' : 's'}`
}

/** Whether every word, or one of its alternatives ("auto|loop"), is part of "group, name, subject", in any case. */
export function isWanted(words: readonly string[], one: PathCase, subject: string): boolean {
  const text = `${groupOf(one)}, ${nameOf(one)}, ${subject}`.toLowerCase()
  return words.every((word) => word.split('|').some((part) => text.includes(part.toLowerCase())))
}
