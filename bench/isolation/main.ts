/** `npm run bench:isolation`: 50 readers wait for a disk that answers after 200 ms; what do others notice, whose data is in memory? */
import { parseCommandLine, type SuiteOptions } from '../lib/command-line.js'
import { type Case, runRounds } from '../lib/rounds.js'
import { whyNoSlowFs } from '../lib/slowfs.js'
import { type Outcome, PAGE_CACHE_POLICY, type Running, runSuite } from '../lib/suite.js'
import { ALONE, BESIDE_WARM, isolationCases, type Options } from './cases.js'

const USAGE = {
  suite: 'isolation',
  description: 'Measures hot fetches and produce requests beside 50 readers that wait for a disk that answers after 200 ms.',
  rounds: { usual: 3, quick: 1 },
  seconds: { of: 'each case in each round', usual: 5, quick: 2 },
  quick: 'one size of cold fetches, one short round',
  only: 'only cases whose group and name contain this, such as sendfile or "another disk"; may be repeated: then all must be there',
  notes: '\nNeeds root: the slow disk is a file system of its own on /dev/fuse.'
} as const

await runSuite('isolation', (args) => parseCommandLine(USAGE, args), measure)

async function measure({ rounds, seconds, quick, only }: SuiteOptions, { progress, signal }: Running): Promise<Outcome> {
  const cases = chosen(only, { seconds, quick, signal })
  const why = await whyNoSlowFs()
  if (why !== undefined) throw new Error(`nothing is measured: ${why}`)
  const outcome = await runRounds(cases, { rounds, progress, signal })
  return { flushPolicy: PAGE_CACHE_POLICY, transferMode: 'each in turn', baseline: ALONE, limits: [BESIDE_WARM], ...outcome }
}

function chosen(only: readonly string[], options: Options): Case[] {
  const words = only.map((word) => word.toLowerCase())
  const all = isolationCases(options)
  const cases = all.filter(({ group, name }) => words.every((word) => `${group}, ${name}`.toLowerCase().includes(word)))
  if (cases.length > 0) return cases
  throw new Error(`no case bears '${only.join("' and '")}'; one is called: ${all[0]?.group}, ${all[0]?.name}`)
}
