/**
 * Hot work beside cold readers: 50 readers wait for a disk that answers after 200 ms; what do others notice, whose data is in memory?
 * Run: npm run bench:isolation -- [--only WORD] [--seconds 5] [--rounds 3] [--quick] [--json FILE] [--html FILE]
 */
import os from 'node:os'
import { parseArgs } from 'node:util'
import { endAll, interruption } from '../lib/ending.js'
import { finish, finishOptions, SUITE_OPTIONS } from '../lib/finish.js'
import { describeMachine, versions } from '../lib/machine.js'
import { terminalProgress } from '../lib/progress.js'
import type { BenchmarkResult } from '../lib/result.js'
import { type Case, runRounds } from '../lib/rounds.js'
import { whyNoSlowFs } from '../lib/slowfs.js'
import { ALONE, isolationCases, type Options } from './cases.js'

const HELP = `npm run bench:isolation -- [options]
  --only WORD     only the cases whose group and name hold the word, such as sendfile or "another disk"; may be repeated: each must be held
  --seconds N     how long each case is measured in each round (5)
  --rounds N      (3)
  --quick         one size of cold fetches, one short round
  --json FILE     the results as JSON
  --html FILE     the results as a page
  --history       adds the line of this version to bench/history.ndjson

Needs root: the slow disk is a file system of its own on /dev/fuse.
`

const { values } = parseArgs({
  options: {
    ...SUITE_OPTIONS,
    only: { type: 'string', multiple: true, default: [] },
    seconds: { type: 'string' },
    quick: { type: 'boolean', default: false }
  }
})

function chosen(options: Options): Case[] {
  const words = values.only.map((word) => word.toLowerCase())
  const all = isolationCases(options)
  const cases = all.filter(({ group, name }) => words.every((word) => `${group}, ${name}`.toLowerCase().includes(word)))
  if (cases.length > 0) return cases
  throw new Error(`no case bears '${values.only.join("' and '")}'; one is called: ${all[0]?.group}, ${all[0]?.name}`)
}

async function main(seconds: number, rounds: number): Promise<void> {
  const started = new Date()
  const signal = interruption()
  const cases = chosen({ seconds, quick: values.quick, signal })
  const why = await whyNoSlowFs()
  if (why !== undefined) throw new Error(`nothing is measured: ${why}`)
  try {
    const outcome = await runRounds(cases, { rounds, progress: terminalProgress(), signal })
    const result: BenchmarkResult = {
      schema: 1,
      suite: 'isolation',
      startedAt: started.toISOString(),
      seconds: Math.round((Date.now() - started.getTime()) / 1000),
      command: ['npm run bench:isolation', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' '),
      machine: await describeMachine(os.tmpdir()),
      versions: await versions(),
      flushPolicy: 'page cache: acknowledged before it is on the disk, as Apache Kafka does by default',
      transferMode: 'each in turn',
      baseline: ALONE,
      measurements: outcome.measurements,
      leftOut: outcome.leftOut
    }
    await finish(result, finishOptions(values))
  } finally {
    await endAll()
  }
}

function positive(name: string, text: string): number {
  const number = Number(text)
  if (!(number > 0)) throw new Error(`--${name} must be a number above 0, not '${text}'`)
  return number
}

if (values.help === true) process.stdout.write(HELP)
else {
  try {
    await main(
      positive('seconds', values.seconds ?? (values.quick ? '2' : '5')),
      positive('rounds', values.rounds ?? (values.quick ? '1' : '3'))
    )
  } catch (error) {
    process.stderr.write(`bench:isolation: ${(error as Error).message}\n`)
    process.exitCode = 1
  }
}
