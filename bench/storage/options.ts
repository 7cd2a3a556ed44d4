/** The command line of `npm run bench:storage`. */
import { Option } from 'commander'
import { type Ended, parseCommandLine, repeatedOption, type SuiteOptions } from '../lib/command-line.js'

/** What a Node program might pick instead; installed at the first use. */
export const PEERS = ['lmdb', 'classic-level', 'better-sqlite3'] as const
export type Peer = (typeof PEERS)[number]

/** `seconds`: of writing or reading, in each measurement. `only`: each, or one of its alternatives (a|b), is part of "group, name, subject", in any case. */
export interface Options extends SuiteOptions {
  readonly without: readonly Without[]
}

export const WITHOUT = [...PEERS, 'kafka'] as const
type Without = (typeof WITHOUT)[number]

/** The options, or the exit code when help was asked for (0) or the usage is wrong (2). */
export function parseOptions(args: readonly string[], write?: (text: string) => void): Options | Ended {
  const parsed = parseCommandLine<Options>(
    {
      suite: 'storage',
      description:
        'Measures the storage engine as a program has it (sluice/storage): appending, finding, reading, recovering, compacting; beside bare loops over the same system calls, and beside what a Node program would pick instead.',
      rounds: { usual: 3, quick: 1 },
      seconds: { of: 'each measurement, about', usual: 1, quick: 0.2 },
      quick: 'fewer cases, smaller logs, one short round',
      only: 'only cases whose group, name or subject contains this (a|b: this or that); may be repeated: then all must be there',
      own: [
        repeatedOption('--without <name>', `leaves out ${WITHOUT.join(', ')}; may be repeated`, WITHOUT),
        new Option('--dir <folder>', 'where the data folders are made (default: the temporary folder of the system)')
      ],
      notes: EXAMPLES
    },
    args,
    write
  )
  return 'exitCode' in parsed ? parsed : { without: [], ...parsed }
}

const EXAMPLES = `
Examples:
  npm run bench:storage -- --quick
  npm run bench:storage -- --only append --only "64 KiB" --rounds 10 --html storage.html
  npm run bench:storage -- --dir /mnt/disk --only "flush"

docs/benchmarks.md tells what the figures mean.`
