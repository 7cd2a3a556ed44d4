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
  --only WORD     only the suites (${SUITES.map(({ name }) => name).join(', ')}), groups and cases whose name holds the word
  --seconds N     how long each case is measured in each round (0.5)
  --rounds N      (3)
  --json FILE     the results as JSON
  --html FILE     the results as a page
`

const { values } = parseArgs({
  options: { ...SUITE_OPTIONS, only: { type: 'string', default: '' }, seconds: { type: 'string', default: '0.5' } }
})

/** A whole suite by its name, or what of it bears the word. */
function chosen(suite: Suite, { comparisons }: OpenSuite, seconds: number): Case[] {
  const word = values.only.toLowerCase()
  const picked =
    suite.name === word ? comparisons : comparisons.filter(({ group, name }) => `${group} ${name}`.toLowerCase().includes(word))
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
    const named = SUITES.filter(({ name }) => name === values.only.toLowerCase())
    for (const suite of named.length > 0 ? named : SUITES) {
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
      throw new Error(`no case bears the word '${values.only}'; the suites are ${SUITES.map(({ name }) => name).join(', ')}`)
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
