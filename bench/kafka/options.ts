/** The command line of `npm run bench:kafka`. */
import { Command, CommanderError, InvalidArgumentError } from 'commander'

export interface Options {
  readonly rounds: number
  readonly quick: boolean
  /** Of each throughput test that has no fixed size. */
  readonly seconds: number
  /** Parts of "group name", in any letter case, one of which must be in it; none: all cases. */
  readonly only: readonly string[]
  readonly json?: string
  readonly html?: string
  readonly history?: boolean
  /** Where data folders are made. */
  readonly dir?: string
  readonly bootstrap?: string
  readonly pid?: number
  readonly name?: string
  readonly without: readonly Without[]
}

/** Brokers, and `tools`: Kafka's own Java tools as load. */
export type Without = 'sluice' | 'kafka' | 'tools'

/** The options, or the exit code when help was asked for (0) or the usage is wrong (2): the text has been written by `write` then. */
export function parseOptions(
  args: readonly string[],
  write: (text: string) => void = (text) => void process.stderr.write(text)
): Options | { readonly exitCode: number } {
  const program = new Command('npm run bench:kafka --')
    .description('Measures Sluice and a real Apache Kafka in turn, on this machine, over loopback. A whole run takes about half an hour.')
    .option('--rounds <n>', 'how often every case is run (default: 3, quick: 1)', positive)
    .option('--quick', 'less data, shorter tests, one round: about 4 minutes')
    .option('--seconds <s>', 'length of each consume test (default: 3, quick: 1)', positiveReal)
    .option('--only <word>', 'only cases whose group or name contains this; may be repeated', collect)
    .option('--without <part>', "leave out: sluice, kafka, tools (Kafka's Java tools); may be repeated", collectWithout)
    .option('--bootstrap <host:port>', 'measure this broker, too, which runs already')
    .option('--pid <n>', 'its process on this machine: without it there are no CPU and memory figures', positive)
    .option('--name <name>', 'what it is called in the result (default: its address)')
    .option('--dir <folder>', 'where the data folders are made (default: the temporary folder of the system)')
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
  if (given.bootstrap === undefined && (given.pid ?? given.name) !== undefined) {
    write('--pid and --name are about the broker of --bootstrap.\n')
    return { exitCode: 2 }
  }
  return { quick, rounds: quick ? 1 : 3, seconds: quick ? 1 : 3, only: [], without: [], ...given }
}

const EXAMPLES = `
Examples:
  npm run bench:kafka -- --quick
  npm run bench:kafka -- --only consume --only fan-out --rounds 5 --html consume.html
  npm run bench:kafka -- --without kafka --only "64 KiB"
  npm run bench:kafka -- --bootstrap 127.0.0.1:9092 --pid 4711 --name Redpanda --without kafka

Apache Kafka is installed with Maven at the first run; it needs Java 17. Without them it is left out.
docs/benchmarks.md tells what the figures mean.`

function positive(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('A whole number above 0 is wanted.')
  return Number(text)
}

function positiveReal(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value < 1e6)) throw new InvalidArgumentError('A number above 0 is wanted.')
  return value
}

function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text]
}

function collectWithout(text: string, before: readonly Without[] = []): Without[] {
  if (text !== 'sluice' && text !== 'kafka' && text !== 'tools') throw new InvalidArgumentError('It is sluice, kafka or tools.')
  return [...before, text]
}
