/** The command line of the suites: the options that all of them take, and those that one brings along. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import type { FinishOptions } from './finish.js'
import { SUITE_SCRIPTS, type Suite } from './suites.js'

export interface SuiteOptions extends FinishOptions {
  readonly rounds: number
  /** Of one measurement. */
  readonly seconds: number
  readonly quick: boolean
  /** Words that choose cases, by a rule of the suite; none: all cases. */
  readonly only: readonly string[]
  /** Where data folders are made. Default: the temporary folder of the system. */
  readonly dir?: string
}

/** Help was asked for, or the usage is wrong: the text has been written. */
export interface Ended {
  readonly exitCode: number
}

interface Preset {
  readonly usual: number
  readonly quick?: number
}

export interface Usage<Own> {
  readonly suite: Suite
  readonly description: string
  readonly rounds: Preset
  /** `of`: what takes so long. */
  readonly seconds: Preset & { readonly of: string }
  /** What --quick makes of a run. Without it the suite has no such option. */
  readonly quick?: string
  /** What a word of --only chooses. */
  readonly only: string
  readonly own?: readonly Option[]
  /** What is wrong with options that are right one by one. */
  readonly problemOf?: (given: Partial<Own>) => string | undefined
  /** Below the options: examples. */
  readonly notes?: string
}

/** The options; those of `Own` where they were given. `write` takes all texts, which go to stdout (help) and stderr otherwise. */
export function parseCommandLine<Own = unknown>(
  { suite, description, rounds, seconds, quick: quicker, only, own = [], problemOf, notes = '' }: Usage<Own>,
  args: readonly string[],
  write?: (text: string) => void
): (SuiteOptions & Partial<Own>) | Ended {
  const program = new Command(`npm run ${SUITE_SCRIPTS[suite]} --`)
    .description(description)
    .addOption(wholeNumberOption('--rounds <n>', `how often every case is run (${presetText(rounds)})`))
    .addOption(numberOption('--seconds <s>', `length of ${seconds.of} (${presetText(seconds)})`))
  if (quicker !== undefined) program.option('--quick', quicker)
  program.addOption(repeatedOption('--only <word>', only))
  for (const option of own) program.addOption(option)
  program
    .option('--json <file>', 'write the result as JSON')
    .option('--html <file>', 'write the result as a page with plots')
    .option('--history', 'add the line of this version to bench/history.ndjson')
    .addHelpText('after', notes)
    .allowExcessArguments(false)
    .configureOutput(write === undefined ? {} : { writeOut: write, writeErr: write })
    .exitOverride()
  try {
    program.parse([...args], { from: 'user' })
    const problem = problemOf?.(program.opts<Partial<Own>>())
    if (problem !== undefined) program.error(problem)
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return { exitCode: error.exitCode === 0 ? 0 : 2 }
  }
  const { quick = false, ...given } = program.opts<Partial<SuiteOptions & Own>>()
  return { quick, rounds: presetOf(rounds, quick), seconds: presetOf(seconds, quick), only: [], ...given } as SuiteOptions & Partial<Own>
}

function presetOf({ usual, quick = usual }: Preset, isQuick: boolean): number {
  return isQuick ? quick : usual
}

function presetText({ usual, quick }: Preset): string {
  return quick === undefined ? `default: ${usual}` : `default: ${usual}, quick: ${quick}`
}

export function wholeNumberOption(flags: string, description: string): Option {
  const option = new Option(flags, description)
  return option.argParser((text) => {
    if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError(`${option.long} must be a number above 0, and whole.`)
    return Number(text)
  })
}

function numberOption(flags: string, description: string): Option {
  const option = new Option(flags, description)
  return option.argParser((text) => {
    const value = Number(text)
    if (!(value > 0 && value < 1e6)) throw new InvalidArgumentError(`${option.long} must be a number above 0.`)
    return value
  })
}

/** An option that may be repeated: the list of its values. */
export function repeatedOption(flags: string, description: string, choices?: readonly string[]): Option {
  return new Option(flags, description).argParser((text: string, before: readonly string[] | undefined) => {
    if (choices?.includes(text) === false) throw new InvalidArgumentError(`It is one of ${choices.join(', ')}.`)
    return [...(before ?? []), text]
  })
}

/** The command that repeats a run, as it is typed. */
export function commandLine(suite: Suite, args: readonly string[]): string {
  const quoted = args.map((arg) => (/^[\w./:=-]+$/.test(arg) ? arg : JSON.stringify(arg)))
  return [`npm run ${SUITE_SCRIPTS[suite]}`, ...(quoted.length === 0 ? [] : ['--', ...quoted])].join(' ')
}
