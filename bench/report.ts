/**
 * Table and page made anew from the JSON files of earlier runs: several suites in one page.
 *
 * Run: npm run bench:report -- FILE… [--html F]
 */
import { parseArgs } from 'node:util'
import { writeTo } from './lib/finish.js'
import { page } from './lib/page.js'
import { terminalOptions, terminalText } from './lib/terminal.js'
import { readResult, ResultError } from './lib/validate.js'

const USAGE = `usage: npm run bench:report -- FILE… [--html F] [--quiet]

Reads the JSON files that the suites wrote with --json and prints their tables and verdicts.

  --html F   also writes one page with all of them to F
  --quiet    no tables
`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { html: { type: 'string' }, quiet: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true
  })
  if (values.help === true) {
    process.stdout.write(USAGE)
    return 0
  }
  if (positionals.length === 0) {
    process.stderr.write(USAGE)
    return 2
  }
  const results = await Promise.all(positionals.map(readResult))
  const options = terminalOptions(process.stdout, process.env)
  if (values.quiet !== true) process.stdout.write(results.map((result) => terminalText(result, options)).join('\n'))
  if (values.html !== undefined) {
    await writeTo(values.html, page(results))
    process.stderr.write(`wrote ${values.html}\n`)
  }
  return 0
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    const isUsage = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true
    const isOurs = error instanceof ResultError || isUsage
    process.stderr.write(`${isOurs ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`)
    process.exitCode = isUsage ? 2 : 1
  }
)
