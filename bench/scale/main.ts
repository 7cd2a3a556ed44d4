/**
 * What a request costs the broker while connections, partitions and logs grow: it should not grow with the number of connections, and with the
 * size of a log at most by its logarithm.
 * Run: npm run bench:scale -- [--only WORD] [--seconds 2] [--rounds 3] [--quick] [--json FILE] [--html FILE]
 */
import os from 'node:os'
import { parseArgs } from 'node:util'
import { endAll, interruption } from '../lib/ending.js'
import { finish, finishOptions, SUITE_OPTIONS } from '../lib/finish.js'
import { describeMachine, versions } from '../lib/machine.js'
import { terminalProgress } from '../lib/progress.js'
import type { BenchmarkResult } from '../lib/result.js'
import { type Case, runRounds } from '../lib/rounds.js'
import { connectionCases } from './connections.js'
import { logSizeCases } from './log-size.js'
import type { AtEnd, Scale } from './measure.js'
import { partitionCases } from './partitions.js'

const HELP = `npm run bench:scale -- [options]
  --only WORD     (may be repeated) only the groups and cases whose name holds the word
  --seconds N     how long each case is measured in each round (2)
  --rounds N      (3)
  --quick         fewer and smaller points of each curve, one short round
  --json FILE     the results as JSON
  --html FILE     the results as a page
`

const { values } = parseArgs({
  options: {
    ...SUITE_OPTIONS,
    only: { type: 'string', multiple: true },
    seconds: { type: 'string' },
    quick: { type: 'boolean', default: false }
  }
})

function chosen(scale: Scale, atEnd: AtEnd): Case[] {
  const words = (values.only ?? []).map((word) => word.toLowerCase())
  const all = [connectionCases, partitionCases, logSizeCases].flatMap((casesOf) => casesOf(scale, atEnd))
  const cases =
    words.length === 0 ? all : all.filter(({ group, name }) => words.some((word) => `${group} ${name}`.toLowerCase().includes(word)))
  if (cases.length > 0) return cases
  throw new Error(
    `no case bears the word '${words.join("' or '")}'; the groups are:\n  ${[...new Set(all.map(({ group }) => group))].join('\n  ')}`
  )
}

async function main(seconds: number, rounds: number): Promise<void> {
  const started = new Date()
  const undo: (() => Promise<void>)[] = []
  const signal = interruption()
  try {
    const cases = chosen({ seconds, quick: values.quick }, (one) => undo.push(one))
    const outcome = await runRounds(cases, { rounds, progress: terminalProgress(), signal })
    const result: BenchmarkResult = {
      schema: 1,
      suite: 'scale',
      startedAt: started.toISOString(),
      seconds: Math.round((Date.now() - started.getTime()) / 1000),
      command: ['npm run bench:scale', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' '),
      machine: await describeMachine(os.tmpdir()),
      versions: await versions(),
      flushPolicy: 'page cache: acknowledged before it is on the disk, as Apache Kafka does by default',
      transferMode: 'auto',
      baseline: 'Sluice',
      measurements: outcome.measurements,
      leftOut: outcome.leftOut
    }
    await finish(result, finishOptions(values))
  } finally {
    for (const one of undo.toReversed()) await one()
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
      positive('seconds', values.seconds ?? (values.quick ? '0.5' : '2')),
      positive('rounds', values.rounds ?? (values.quick ? '1' : '3'))
    )
  } catch (error) {
    process.stderr.write(`bench:scale: ${(error as Error).message}\n`)
    process.exitCode = 1
  }
}
