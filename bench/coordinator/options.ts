/** The command line of `npm run bench:coordinator`. */
import { Option } from 'commander'
import { type Ended, parseCommandLine, repeatedOption, type SuiteOptions } from '../lib/command-line.js'

/** `seconds`: of each test of offset commits. `only`: parts of "group name", in any letter case, one of which must be in it. */
export interface Options extends SuiteOptions {
  readonly without: readonly Without[]
  /** For the Node of Sluice. */
  readonly node: readonly string[]
}

export type Without = 'sluice' | 'kafka'

/** The options, or the exit code when help was asked for (0) or the usage is wrong (2). */
export function parseOptions(args: readonly string[], write?: (text: string) => void): Options | Ended {
  const parsed = parseCommandLine<Options>(
    {
      suite: 'coordinator',
      description: 'Measures groups, offsets and transactions of Sluice and a real Apache Kafka in turn, on this machine, over loopback.',
      rounds: { usual: 3, quick: 1 },
      seconds: { of: 'each test of offset commits', usual: 3, quick: 0.5 },
      quick: 'fewer members, offsets and transactions, one round',
      only: 'only cases whose group or name contains this; may be repeated',
      own: [
        repeatedOption('--without <part>', 'leave out: sluice, kafka; may be repeated', ['sluice', 'kafka']),
        repeatedOption('--node <argument>', 'for the Node that runs Sluice, such as --node=--cpu-prof; may be repeated'),
        new Option('--dir <folder>', 'where the data folders are made (default: the temporary folder of the system)')
      ],
      notes: EXAMPLES
    },
    args,
    write
  )
  return 'exitCode' in parsed ? parsed : { without: [], node: [], ...parsed }
}

const EXAMPLES = `
Examples:
  npm run bench:coordinator -- --quick
  npm run bench:coordinator -- --only commits --rounds 5
  npm run bench:coordinator -- --only joins --only "idle members" --without kafka

Apache Kafka is installed with Maven at the first run; it needs Java 17. Without them it is left out.
docs/benchmarks.md tells what the figures mean.`
