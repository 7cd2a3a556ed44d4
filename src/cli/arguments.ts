/** What the command line of `sluice` understands, and what it makes of it. */
import { readFileSync } from 'node:fs'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { ConfigError } from '../errors.js'
import { parseProperties } from '../config/properties.js'
import { topicNameProblem } from '../protocol/topic-name.js'
import type { CalibrateRequest } from './calibrate-command.js'
import { addLogCommand, type LogRequest } from './log-arguments.js'
import { collectSetting, DEFAULT_HOST, DEFAULT_PORT, parsePort } from './option-values.js'
import { addServeCommand, type ServeRequest } from './serve-arguments.js'
import type { StatusRequest } from './status-command.js'
import { addVerifyCrashCommand, type VerifyCrashRequest } from './verify-crash-arguments.js'

/** What `sluice start` was asked for. */
export interface StartRequest {
  /** Settings of the file, then `--set`: the latter win. */
  readonly settings: Readonly<Record<string, string>>
  readonly topics: Readonly<Record<string, number>>
  readonly pidFile?: string
}

export type Parsed =
  | { readonly command: 'start'; readonly request: StartRequest }
  | { readonly command: 'status'; readonly request: StatusRequest }
  | { readonly command: 'calibrate'; readonly request: CalibrateRequest }
  | { readonly command: 'serve'; readonly request: ServeRequest }
  | { readonly command: 'log'; readonly request: LogRequest }
  | { readonly command: 'verify-crash'; readonly request: VerifyCrashRequest }
  | { readonly command: 'version' }
  /** Help was asked for (`exitCode` 0) or the usage is wrong (2); commander has written the text. */
  | { readonly command: 'done'; readonly exitCode: number }

export interface Output {
  readonly out: (text: string) => void
  readonly error: (text: string) => void
}

interface StartOptions {
  readonly port?: number
  readonly dir?: string
  readonly pidFile?: string
  readonly topic?: Readonly<Record<string, number>>
  readonly set?: Readonly<Record<string, string>>
}

interface StatusOptions {
  readonly dir?: string
  readonly json?: true
  readonly watch?: number | true
}

interface CalibrateCliOptions {
  readonly dir?: string
  readonly apply?: true
  readonly json?: true
  readonly seconds?: number
  readonly temp?: string
}

const DEFAULT_DIR = './data'
const DEFAULT_WATCH_SECONDS = 2
const DEFAULT_CALIBRATION_SECONDS = 15
const EXIT_USAGE = 2
const VERSION_WANTED = 'sluice.version'
const MOST_PARTITIONS = 100_000

/** Throws ConfigError when the file can not be read. */
export function parseArguments(args: readonly string[], output: Output): Parsed {
  let parsed: Parsed | undefined
  const program = new Command('sluice')
    .description('A broker that speaks the protocol of Apache Kafka. Kafka clients and tools connect to it as they are.')
    .helpCommand(false)
    .configureOutput({ writeOut: output.out, writeErr: output.error })
    .exitOverride()
    .option('-V, --version', 'print the version')
    .on('option:version', printVersion)
    .addHelpText('after', PROGRAM_HELP)
  program
    .command('start')
    .description('Run a broker until it gets SIGINT or SIGTERM.')
    .argument('[server.properties]', "a settings file; Kafka's own is accepted")
    .option('-p, --port <port>', `listen on ${DEFAULT_HOST} and this port; 0 takes a free one (default: ${DEFAULT_PORT})`, parsePort)
    .option('-d, --dir <folder>', `where the data is kept (default: ${DEFAULT_DIR})`)
    .option('--pid-file <file>', 'written when the broker serves, removed when it ends')
    .option('-t, --topic <name:partitions>', 'a topic to create if it is missing; may be repeated', collectTopic)
    .option('-s, --set <name=value>', 'a setting, stronger than the file; may be repeated', collectSetting)
    .addHelpText('after', START_HELP)
    .action((file: string | undefined, options: StartOptions) => {
      parsed = { command: 'start', request: startRequest(file, options) }
    })
  program
    .command('status')
    .description('Show what a running broker of this machine has sent: bytes by path, page-cache hits, cold stalls.')
    .argument('[server.properties]', 'the settings file that it was started with')
    .option('-d, --dir <folder>', `where its data is kept (default: ${DEFAULT_DIR})`)
    .option('-j, --json', 'everything, as JSON; with --watch one line each time')
    .option('-w, --watch [seconds]', 'go on, with figures per second', parseSeconds)
    .addHelpText('after', STATUS_HELP)
    .action((file: string | undefined, options: StatusOptions) => {
      parsed = { command: 'status', request: statusRequest(file, options) }
    })
  program
    .command('calibrate')
    .description('Measure on this machine where copying a response beats sendfile, and inline beats an I/O thread.')
    .argument('[server.properties]', 'with --apply: the settings file of the running broker')
    .option('-d, --dir <folder>', `with --apply: where its data is kept (default: ${DEFAULT_DIR})`)
    .option('--apply', 'have the running broker use what was found')
    .option('-j, --json', 'every figure, as JSON')
    .option('--seconds <seconds>', `how long it takes, about (default: ${DEFAULT_CALIBRATION_SECONDS})`, parseSeconds)
    .option(
      '--temp <folder>',
      "where its 128 MiB of files go for the time: the file system counts (default: the system's temporary folder)"
    )
    .addHelpText('after', CALIBRATE_HELP)
    .action((file: string | undefined, options: CalibrateCliOptions) => {
      parsed = { command: 'calibrate', request: calibrateRequest(file, options) }
    })
  addServeCommand(program, (request) => {
    parsed = { command: 'serve', request }
  })
  addLogCommand(program, (request) => {
    parsed = { command: 'log', request }
  })
  addVerifyCrashCommand(program, (request) => (parsed = { command: 'verify-crash', request }))
  program
    .command('version')
    .description('Print the version.')
    .action(() => {
      parsed = { command: 'version' }
    })
  try {
    program.parse([...args], { from: 'user' })
  } catch (error) {
    return ended(error)
  }
  return parsed ?? { command: 'done', exitCode: EXIT_USAGE }
}

function ended(error: unknown): Parsed {
  if (!(error instanceof CommanderError)) throw error
  if (error.code === VERSION_WANTED) return { command: 'version' }
  return { command: 'done', exitCode: error.exitCode === 0 ? 0 : EXIT_USAGE }
}

function printVersion(): never {
  throw new CommanderError(0, VERSION_WANTED, '')
}

const PROGRAM_HELP = `
Examples:
  sluice start                              127.0.0.1:9092, data in ./data
  sluice start --port 0 --topic orders:3    a free port, and a topic to begin with
  sluice status                             what the broker of ./data has sent
  sluice log verify ./data                  what is wrong with the files of ./data
  sluice serve --read-only /backup/kafka    a copied data folder, for readers
  sluice start --help                       all options`

const START_HELP = `
When the broker serves, it prints one line on standard output:
  ready bootstrap=127.0.0.1:9092 pid=4711
A first SIGINT or SIGTERM stops it cleanly, a second one at once.

Exit code: 0 after a clean stop, 1 when it can not serve, 2 for wrong usage, 130 or 143 when it was forced.

Examples:
  sluice start                                        127.0.0.1:9092, data in ./data
  sluice start --port 0 --dir /tmp/try --topic a:3    a free port, a folder, a topic with 3 partitions
  sluice start server.properties                      the settings of an Apache Kafka broker
  sluice start --set log.retention.ms=60000 \\
               --set sluice.transfer.mode=sendfile    single settings
  sluice start --set listeners=PLAINTEXT://0.0.0.0:9092 \\
               --set advertised.listeners=PLAINTEXT://kafka.example:9092

docs/configuration.md lists every setting.`

const STATUS_HELP = `
Figures count from the start of the broker and are never reset. Bytes are what system calls returned.
  own bytes     headers, and answers that stand in no file
  hits          bytes that were in the page cache when they were sent; fresh ones had been appended a moment ago
  stalls        times that a response waited for the disk; nobody else waits meanwhile

Exit code: 0, 1 when no broker answers, 2 for wrong usage.

Examples:
  sluice status                      the broker of ./data
  sluice status server.properties    the broker of a settings file
  sluice status --dir /data --watch  every 2 seconds`

const CALIBRATE_HELP = `
Both ways are measured in turn, for each size, several times, with the broker's own I/O threads and a client process on this machine. Let
nothing else run meanwhile. It is never done by itself.

Exit code: 0, 1 when it can not measure or apply, 2 for wrong usage, 130 when it was interrupted.

Examples:
  sluice calibrate                           prints lines for server.properties
  sluice calibrate --temp /data              on the file system of the data
  sluice calibrate --apply --dir /data       the running broker uses them from now on`

function startRequest(file: string | undefined, options: StartOptions): StartRequest {
  const settings: Record<string, string> = { ...(file === undefined ? {} : readSettings(file)), ...options.set }
  if (options.port !== undefined) settings['listeners'] = `PLAINTEXT://${DEFAULT_HOST}:${options.port}`
  settings['listeners'] ??= `PLAINTEXT://${DEFAULT_HOST}:${DEFAULT_PORT}`
  if (options.dir !== undefined) settings['log.dirs'] = options.dir
  if (settings['log.dirs'] === undefined && settings['log.dir'] === undefined) settings['log.dirs'] = DEFAULT_DIR
  return { settings, topics: options.topic ?? {}, ...(options.pidFile === undefined ? {} : { pidFile: options.pidFile }) }
}

function calibrateRequest(file: string | undefined, { dir, apply, json, seconds, temp }: CalibrateCliOptions): CalibrateRequest {
  return {
    json: json === true,
    seconds: seconds ?? DEFAULT_CALIBRATION_SECONDS,
    ...(temp === undefined ? {} : { temp }),
    ...(apply === true ? { applyTo: dataDirs(file, dir) } : {})
  }
}

function statusRequest(file: string | undefined, { dir, json, watch }: StatusOptions): StatusRequest {
  const watchSeconds = watch === true ? DEFAULT_WATCH_SECONDS : watch
  return { dirs: dataDirs(file, dir), json: json === true, ...(watchSeconds === undefined ? {} : { watchSeconds }) }
}

/** The log folders that a broker started in the same way would use. */
function dataDirs(file: string | undefined, dir: string | undefined): string[] {
  if (dir !== undefined) return [dir]
  const settings: Readonly<Record<string, string>> = file === undefined ? {} : readSettings(file)
  const dirs = [settings['metadata.log.dir'], ...(settings['log.dirs'] ?? settings['log.dir'] ?? DEFAULT_DIR).split(',')]
  return dirs.flatMap((each) => (each === undefined || each.trim() === '' ? [] : [each.trim()]))
}

function readSettings(file: string): Record<string, string> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError(file, `Cannot read the settings file ${file}: ${reasonOf(error)}`)
  }
  return Object.fromEntries(parseProperties(text, file))
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  const reasons: Readonly<Record<string, string>> = { ENOENT: 'there is none', EACCES: 'no permission', EISDIR: 'it is a folder' }
  return reasons[code ?? ''] ?? message
}

function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text) || seconds < 0.1 || seconds > 86_400)
    throw new InvalidArgumentError('Seconds are a number from 0.1 to 86400.')
  return seconds
}

function collectTopic(text: string, topics: Readonly<Record<string, number>> = {}): Record<string, number> {
  const at = text.lastIndexOf(':')
  const name = at < 0 ? text : text.slice(0, at)
  const partitions = at < 0 ? 1 : Number(text.slice(at + 1))
  if (topicNameProblem(name) !== undefined) {
    throw new InvalidArgumentError('A topic name has 1 to 249 letters, digits, dots, dashes and underscores.')
  }
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > MOST_PARTITIONS) {
    throw new InvalidArgumentError(`Partitions are a number from 1 to ${MOST_PARTITIONS}, as in orders:3.`)
  }
  return { ...topics, [name]: partitions }
}
