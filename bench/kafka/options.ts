/** The command line of `npm run bench:kafka`. */
import { Option } from 'commander'
import { type Ended, parseCommandLine, repeatedOption, type SuiteOptions, wholeNumberOption } from '../lib/command-line.js'

/** `seconds`: of each throughput test that has no fixed size. `only`: parts of "group name", in any letter case, one of which must be in it. */
export interface Options extends SuiteOptions {
  readonly bootstrap?: string
  readonly pid?: number
  readonly name?: string
  readonly without: readonly Without[]
}

/** Brokers, and `tools`: Kafka's own Java tools as load. */
export type Without = 'sluice' | 'kafka' | 'tools'

/** The options, or the exit code when help was asked for (0) or the usage is wrong (2). */
export function parseOptions(args: readonly string[], write?: (text: string) => void): Options | Ended {
  const parsed = parseCommandLine<Options>(
    {
      suite: 'kafka',
      description: 'Measures Sluice and a real Apache Kafka in turn, on this machine, over loopback. A whole run takes about half an hour.',
      rounds: { usual: 3, quick: 1 },
      seconds: { of: 'each consume test', usual: 3, quick: 1 },
      quick: 'less data, shorter tests, one round: about 4 minutes',
      only: 'only cases whose group or name contains this; may be repeated',
      own: ownOptions(),
      problemOf: ({ bootstrap, pid, name }) =>
        bootstrap === undefined && (pid ?? name) !== undefined ? '--pid and --name are about the broker of --bootstrap.' : undefined,
      notes: EXAMPLES
    },
    args,
    write
  )
  return 'exitCode' in parsed ? parsed : { without: [], ...parsed }
}

function ownOptions(): Option[] {
  return [
    repeatedOption('--without <part>', "leave out: sluice, kafka, tools (Kafka's Java tools); may be repeated", [
      'sluice',
      'kafka',
      'tools'
    ]),
    new Option('--bootstrap <host:port>', 'measure this broker, too, which runs already'),
    wholeNumberOption('--pid <n>', 'its process on this machine: without it there are no CPU and memory figures'),
    new Option('--name <name>', 'what it is called in the result (default: its address)'),
    new Option('--dir <folder>', 'where the data folders are made (default: the temporary folder of the system)')
  ]
}

const EXAMPLES = `
Examples:
  npm run bench:kafka -- --quick
  npm run bench:kafka -- --only consume --only fan-out --rounds 5 --html consume.html
  npm run bench:kafka -- --without kafka --only "64 KiB"
  npm run bench:kafka -- --bootstrap 127.0.0.1:9092 --pid 4711 --name Redpanda --without kafka

Apache Kafka is installed with Maven at the first run; it needs Java 17. Without them it is left out.
docs/benchmarks.md tells what the figures mean.`
