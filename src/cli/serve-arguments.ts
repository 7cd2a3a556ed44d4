/** The command line of `sluice serve`. */
import { Option, type Command } from 'commander'
import { collectSetting, DEFAULT_HOST, DEFAULT_PORT, parsePort } from './option-values.js'

/** What `sluice serve` was asked for. */
export interface ServeRequest {
  readonly dirs: readonly string[]
  readonly settings: Readonly<Record<string, string>>
  readonly pidFile?: string
  /** Where what must be written goes; default: the system's temporary folder. */
  readonly temp?: string
  readonly commits: Commits
}

/** What consumers get that commit offsets. */
type Commits = 'refuse' | 'memory'

interface ServeOptions {
  readonly readOnly?: true
  readonly port?: number
  readonly pidFile?: string
  readonly set?: Readonly<Record<string, string>>
  readonly temp?: string
  readonly commits: Commits
}

/** Adds the command to the program. `wanted` gets what was asked for. */
export function addServeCommand(program: Command, wanted: (request: ServeRequest) => void): void {
  const serve = program
    .command('serve')
    .description('Serve a copied data folder of Kafka or Sluice to readers, without writing a byte into it.')
    .argument('<folders...>', 'data folders of one broker that does not run')
    .option('--read-only', 'must be given: nothing in the folders is changed')
    .option('-p, --port <port>', `listen on ${DEFAULT_HOST} and this port; 0 takes a free one (default: ${DEFAULT_PORT})`, parsePort)
    .option('--pid-file <file>', 'written when the broker serves, removed when it ends')
    .option('-s, --set <name=value>', 'a setting; may be repeated', collectSetting)
    .addOption(
      new Option('--commits <how>', 'offsets that consumers commit are refused, or kept in memory until the end')
        .choices(['refuse', 'memory'] satisfies Commits[])
        .default('refuse')
    )
    .option('--temp <folder>', "where indexes that have to be made go (default: the system's temporary folder)")
    .addHelpText('after', SERVE_HELP)
  serve.action((dirs: string[], { readOnly, port, set, ...rest }: ServeOptions) => {
    if (readOnly !== true) serve.error('error: --read-only must be given; to write into a folder use: sluice start --dir')
    const settings = { ...set, listeners: set?.['listeners'] ?? `PLAINTEXT://${DEFAULT_HOST}:${port ?? DEFAULT_PORT}` }
    wanted({ dirs, settings, ...rest })
  })
}

const SERVE_HELP = `
Topics, partitions, settings, committed offsets and transactions are those of the folders. Consumers read, also in groups; what would write is refused.
Consumers should not commit (enable.auto.commit=false); for those that can not do without, there is --commits memory.
What a killed broker left torn at the end of a log is not served. The folders may be on a file system that is mounted read-only.

Exit code: 0 after a clean stop, 1 when it can not serve, 2 for wrong usage, 130 or 143 when it was forced.

Examples:
  sluice serve --read-only /backup/kafka-logs
  sluice serve --read-only --commits memory /backup/kafka-logs
  sluice serve --read-only --port 0 /mnt/disk1/kafka /mnt/disk2/kafka`
