/**
 * Micro benchmarks: each part of the hot paths beside what a Node program would write or pick instead.
 * Run: npm run bench:micro -- [--only WORD] [--seconds 0.5] [--rounds 3] [--json FILE] [--html FILE]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { interruption } from '../lib/ending.js'
import { finish, finishOptions, SUITE_OPTIONS } from '../lib/finish.js'
import { describeMachine, versions } from '../lib/machine.js'
import { terminalProgress } from '../lib/progress.js'
import type { BenchmarkResult } from '../lib/result.js'
import { type Case, runRounds } from '../lib/rounds.js'
import append from './append.bench.js'
import codec from './codec.bench.js'
import crc from './crc.bench.js'
import floor from './floor.bench.js'
import handover from './handover.bench.js'
import lookup from './lookup.bench.js'
import { casesOf } from './measure.js'
import type { OpenSuite, Suite } from './suite.js'
import walk from './walk.bench.js'

const SUITES: readonly Suite[] = [floor, crc, walk, lookup, append, handover, codec]
const HELP = `npm run bench:micro -- [options]
  --only WORD     (may be repeated) only the suites (${SUITES.map(({ name }) => name).join(', ')}), groups and cases whose name holds the word
  --seconds N     how long each case is measured in each round (0.5)
  --rounds N      (3)
  --json FILE     the results as JSON
  --html FILE     the results as a page
`

const { values } = parseArgs({
  options: { ...SUITE_OPTIONS, only: { type: 'string', multiple: true }, seconds: { type: 'string', default: '0.5' } }
})

const words = (values.only ?? []).map((word) => word.toLowerCase())

/** Of a suite that `--only` names all, of others what bears one of the words. */
function chosen(suite: Suite, { comparisons }: OpenSuite, seconds: number): Case[] {
  const bears = (text: string): boolean => words.length === 0 || words.some((word) => text.toLowerCase().includes(word))
  const picked = words.includes(suite.name) ? comparisons : comparisons.filter(({ group, name }) => bears(`${group} ${name}`))
  return picked.flatMap((comparison) => casesOf(comparison, seconds))
}

async function main(seconds: number, rounds: number): Promise<void> {
  const started = new Date()
  const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-micro-'))
  const signal = interruption()
  const opened: OpenSuite[] = []
  const leftOut: string[] = []
  try {
    const cases: Case[] = []
    const onlySuites = words.length > 0 && words.every((word) => SUITES.some(({ name }) => name === word))
    for (const suite of onlySuites ? SUITES.filter(({ name }) => words.includes(name)) : SUITES) {
      const own = await mkdtemp(path.join(folder, `${suite.name}-`))
      try {
        const open = await suite.open(own)
        opened.push(open)
        const mine = chosen(suite, open, seconds)
        cases.push(...mine)
        if (mine.length === 0) continue
        leftOut.push(...open.leftOut)
        await open.warm?.()
      } catch (error) {
        leftOut.push(`${suite.name}: ${(error as Error).message}`)
      }
    }
    if (cases.length === 0)
      throw new Error(`no case bears the word '${words.join("' or '")}'; the suites are ${SUITES.map(({ name }) => name).join(', ')}`)
    const outcome = await runRounds(cases, { rounds, progress: terminalProgress(), signal })
    const result: BenchmarkResult = {
      schema: 1,
      suite: 'micro',
      startedAt: started.toISOString(),
      seconds: Math.round((Date.now() - started.getTime()) / 1000),
      command: ['npm run bench:micro', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' '),
      machine: await describeMachine(folder),
      versions: await versions(),
      flushPolicy: 'page cache: nothing is flushed, by anybody',
      transferMode: 'auto',
      baseline: 'Sluice',
      measurements: outcome.measurements,
      leftOut: [...leftOut, ...outcome.leftOut]
    }
    await finish(result, finishOptions(values))
  } finally {
    for (const open of opened) await open.close()
    await rm(folder, { recursive: true, force: true })
  }
}

if (values.help === true) process.stdout.write(HELP)
else {
  try {
    await main(positive('seconds', values.seconds), positive('rounds', values.rounds ?? '3'))
  } catch (error) {
    process.stderr.write(`bench:micro: ${(error as Error).message}\n`)
    process.exitCode = 1
  }
}

function positive(name: string, text: string): number {
  const number = Number(text)
  if (!(number > 0)) throw new Error(`--${name} must be a number above 0, not '${text}'`)
  return number
}
