/** `npm run bench:micro`: each part of the hot paths beside what a Node program would write or pick instead. */
import { mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import { parseCommandLine, type SuiteOptions } from '../lib/command-line.js'
import { type Case, runRounds } from '../lib/rounds.js'
import { type Outcome, type Running, runSuite } from '../lib/suite.js'
import append from './append.bench.js'
import codec from './codec.bench.js'
import crc from './crc.bench.js'
import floor from './floor.bench.js'
import handover from './handover.bench.js'
import lookup from './lookup.bench.js'
import { casesOf } from './measure.js'
import type { Comparison, OpenSuite, Suite } from './suite.js'
import walk from './walk.bench.js'

const SUITES: readonly Suite[] = [floor, crc, walk, lookup, append, handover, codec]
const NAMES = SUITES.map(({ name }) => name).join(', ')

const USAGE = {
  suite: 'micro',
  description: 'Measures each part of the hot paths beside what a Node program would write or pick instead.',
  rounds: { usual: 3 },
  seconds: { of: 'each case in each round', usual: 0.5 },
  only: `only suites (${NAMES}), groups and cases whose name contains this; may be repeated`
} as const

await runSuite('micro', (args) => parseCommandLine(USAGE, args), measure)

async function measure({ rounds, seconds, only }: SuiteOptions, { folder, progress, signal, afterwards }: Running): Promise<Outcome> {
  const words = only.map((word) => word.toLowerCase())
  const onlySuites = words.length > 0 && words.every((word) => SUITES.some(({ name }) => name === word))
  const cases: Case[] = []
  const leftOut: string[] = []
  for (const suite of onlySuites ? SUITES.filter(({ name }) => words.includes(name)) : SUITES) {
    try {
      const open = await suite.open(await mkdtemp(path.join(folder, `${suite.name}-`)))
      afterwards(() => open.close())
      const mine = chosen(words, suite, open).flatMap((comparison) => casesOf(comparison, seconds))
      cases.push(...mine)
      if (mine.length === 0) continue
      leftOut.push(...open.leftOut)
      await open.warm?.()
    } catch (error) {
      leftOut.push(`${suite.name}: ${(error as Error).message}`)
    }
  }
  if (cases.length === 0) throw new Error(`no case bears the word '${words.join("' or '")}'; the suites are ${NAMES}`)
  const outcome = await runRounds(cases, { rounds, progress, signal })
  return {
    flushPolicy: 'page cache: nothing is flushed, by anybody',
    transferMode: 'auto',
    baseline: 'Sluice',
    measurements: outcome.measurements,
    leftOut: [...leftOut, ...outcome.leftOut]
  }
}

/** Of a suite that `--only` names all, of others what bears one of the words. */
function chosen(words: readonly string[], suite: Suite, { comparisons }: OpenSuite): readonly Comparison[] {
  if (words.length === 0 || words.includes(suite.name)) return comparisons
  return comparisons.filter(({ group, name }) => words.some((word) => `${group} ${name}`.toLowerCase().includes(word)))
}
