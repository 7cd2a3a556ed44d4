/**
 * `npm run bench:scale`: what a request costs the broker while connections, partitions and logs grow. It should not grow with the number of
 * connections, and with the size of a log at most by its logarithm.
 */
import { parseCommandLine, type SuiteOptions } from '../lib/command-line.js'
import { type Case, runRounds } from '../lib/rounds.js'
import { type Outcome, PAGE_CACHE_POLICY, type Running, runSuite } from '../lib/suite.js'
import { connectionCases } from './connections.js'
import { logSizeCases } from './log-size.js'
import type { AtEnd, Scale } from './measure.js'
import { partitionCases } from './partitions.js'

const USAGE = {
  suite: 'scale',
  description: 'Measures what a request costs the broker while connections, partitions and logs grow.',
  rounds: { usual: 3, quick: 1 },
  seconds: { of: 'each case in each round', usual: 2, quick: 0.5 },
  quick: 'fewer and smaller points of each curve, one short round',
  only: 'only groups and cases whose name contains this; may be repeated'
} as const

await runSuite('scale', (args) => parseCommandLine(USAGE, args), measure)

async function measure({ rounds, seconds, quick, only }: SuiteOptions, { progress, signal, afterwards }: Running): Promise<Outcome> {
  const outcome = await runRounds(chosen(only, { seconds, quick }, afterwards), { rounds, progress, signal })
  return { flushPolicy: PAGE_CACHE_POLICY, transferMode: 'auto', baseline: 'Sluice', ...outcome }
}

function chosen(only: readonly string[], scale: Scale, atEnd: AtEnd): Case[] {
  const words = only.map((word) => word.toLowerCase())
  const all = [connectionCases, partitionCases, logSizeCases].flatMap((casesOf) => casesOf(scale, atEnd))
  const cases =
    words.length === 0 ? all : all.filter(({ group, name }) => words.some((word) => `${group} ${name}`.toLowerCase().includes(word)))
  if (cases.length > 0) return cases
  throw new Error(
    `no case bears the word '${words.join("' or '")}'; the groups are:\n  ${[...new Set(all.map(({ group }) => group))].join('\n  ')}`
  )
}
