/** The command line of `npm run bench`. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'

export interface Options {
  readonly rounds: number
  readonly quick: boolean
  readonly full: boolean
  /** Of each run with a hot page cache. */
  readonly seconds: number
  /** Each, or one of its alternatives (a|b), must be part of "group, name, subject", in any case. */
  readonly only: readonly string[]
  /** What the readers do with the records: see `FetchOptions.take`. */
  readonly take: 'copy' | 'trunc'
  /** MiB of log that are read. */
  readonly size: number
  readonly json?: string
  readonly html?: string
  readonly history?: boolean
  /** Where the data folder is made. */
  readonly dir?: string
}

/** The options, or the exit code when help was asked for (0) or the usage is wrong (2): the text has been written by `write` then. */
export function parseOptions(
  args: readonly string[],
  write: (text: string) => void = (text) => void process.stderr.write(text)
): Options | { readonly exitCode: number } {
  const program = new Command('npm run bench --')
    .description(
      "Measures what each way from the page cache to the socket costs and gives: Sluice's transfer modes, Node's own idioms, and a bare sendfile loop. A whole run takes about 10 minutes."
    )
    .option('--rounds <n>', 'how often every case is run (default: 3, quick: 2)', wholeNumber)
    .option('--seconds <s>', 'length of each run with a hot page cache (default: 0.8, quick: 0.4)', positiveNumber)
    .option('--quick', 'fewer sizes and consumers: about 2 minutes')
    .option('--full', 'every case with a cold page cache, too: about 15 minutes')
    .option(
      '--only <word>',
      'only cases whose group, name or subject contains this (a|b: this or that); may be repeated: then all must be there',
      collect
    )
    .addOption(
      new Option('--take <way>', 'what readers do with records: copy, as clients do; trunc: dropped in the kernel').choices([
        'copy',
        'trunc'
      ])
    )
    .option('--size <MiB>', 'how much log is written and read (default: 256)', wholeNumber)
    .option('--dir <folder>', 'where the data folder is made (default: the temporary folder of the system)')
    .option('--json <file>', 'write the result as JSON')
    .option('--html <file>', 'write the result as a page with plots')
    .option('--history', 'add the line of this version to bench/history.ndjson')
    .addHelpText('after', EXAMPLES)
    .allowExcessArguments(false)
    .configureOutput({ writeOut: write, writeErr: write })
    .exitOverride()
  try {
    program.parse([...args], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return { exitCode: error.exitCode === 0 ? 0 : 2 }
  }
  const { quick = false, ...given } = program.opts<Partial<Options>>()
  return { quick, full: false, rounds: quick ? 2 : 3, seconds: quick ? 0.4 : 0.8, only: [], take: 'copy', size: 256, ...given }
}

const EXAMPLES = `
Examples:
  npm run bench -- --quick
  npm run bench -- --only "64 KiB" --only hot --rounds 10 --html paths.html
  npm run bench -- --only "1 MiB|8 MiB" --only "auto|loop" --only hot --rounds 10 --take trunc

docs/benchmarks.md tells what the figures mean.`

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('A whole number above 0 is wanted.')
  return Number(text)
}

function positiveNumber(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value < 1e5)) throw new InvalidArgumentError('A number above 0 is wanted.')
  return value
}

function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text]
}
