/** The command line of `npm run bench`. */
import { Option } from 'commander'
import { type Ended, parseCommandLine, type SuiteOptions, wholeNumberOption } from '../lib/command-line.js'

/** `seconds`: of each run with a hot page cache. `only`: each, or one of its alternatives (a|b), is part of "group, name, subject", in any case. */
export interface Options extends SuiteOptions {
  readonly full: boolean
  /** What the readers do with the records: see `FetchOptions.take`. */
  readonly take: 'copy' | 'trunc'
  /** MiB of log that are read. */
  readonly size: number
}

/** The options, or the exit code when help was asked for (0) or the usage is wrong (2). */
export function parseOptions(args: readonly string[], write?: (text: string) => void): Options | Ended {
  const parsed = parseCommandLine<Options>(
    {
      suite: 'paths',
      description:
        "Measures what each way from the page cache to the socket costs and gives: Sluice's transfer modes, Node's own idioms, and a bare sendfile loop. A whole run takes about 10 minutes.",
      rounds: { usual: 3, quick: 2 },
      seconds: { of: 'each run with a hot page cache', usual: 0.8, quick: 0.4 },
      quick: 'fewer sizes and consumers: about 2 minutes',
      only: 'only cases whose group, name or subject contains this (a|b: this or that); may be repeated: then all must be there',
      own: ownOptions(),
      notes: EXAMPLES
    },
    args,
    write
  )
  return 'exitCode' in parsed ? parsed : { full: false, take: 'copy', size: 256, ...parsed }
}

function ownOptions(): Option[] {
  return [
    new Option('--full', 'every case with a cold page cache, too: about 15 minutes'),
    new Option('--take <way>', 'what readers do with records: copy, as clients do; trunc: dropped in the kernel').choices([
      'copy',
      'trunc'
    ]),
    wholeNumberOption('--size <MiB>', 'how much log is written and read (default: 256)'),
    new Option('--dir <folder>', 'where the data folder is made (default: the temporary folder of the system)')
  ]
}

const EXAMPLES = `
Examples:
  npm run bench -- --quick
  npm run bench -- --only "64 KiB" --only hot --rounds 10 --html paths.html
  npm run bench -- --only "1 MiB|8 MiB" --only "auto|loop" --only hot --rounds 10 --take trunc

docs/benchmarks.md tells what the figures mean.`
