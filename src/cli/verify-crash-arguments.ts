/** The command line of `sluice verify-crash`. */
import { InvalidArgumentError, type Command } from 'commander'

/** What `sluice verify-crash` was asked for. */
export interface VerifyCrashRequest {
  readonly json: boolean
  readonly seconds: number
  readonly cuts: number
  readonly seed: number
  /** Where its folders go for the time; default: the system's temporary folder. */
  readonly temp?: string
}

interface VerifyCrashOptions {
  readonly json?: true
  readonly seconds?: number
  readonly cuts?: number
  readonly seed?: number
  readonly temp?: string
}

const DEFAULT_SECONDS = 2
const LEAST_SECONDS = 0.1
const MOST_SECONDS = 600
const DEFAULT_CUTS = 20
const MOST_CUTS = 10_000
const DEFAULT_SEED = 1
const MOST_SEEDS = 0xffffffff

/** Adds the command to the program. `wanted` gets what was asked for. */
export function addVerifyCrashCommand(program: Command, wanted: (request: VerifyCrashRequest) => void): void {
  program
    .command('verify-crash')
    .description('Show what each flush policy would lose in a power cut, by cutting the power of a simulated disk.')
    .option('-j, --json', 'everything, as JSON')
    .option('--seconds <seconds>', `how long each policy writes (default: ${DEFAULT_SECONDS})`, parseSeconds)
    .option('--cuts <count>', `power cuts for each policy (default: ${DEFAULT_CUTS})`, (text) => parseWhole(text, MOST_CUTS))
    .option('--seed <number>', `where the cuts fall and what they leave (default: ${DEFAULT_SEED})`, (text) => parseWhole(text, MOST_SEEDS))
    .option('--temp <folder>', "where its folders go for the time (default: the system's temporary folder)")
    .addHelpText('after', VERIFY_CRASH_HELP)
    .action(({ json, seconds, cuts, seed, temp }: VerifyCrashOptions) =>
      wanted({
        json: json === true,
        seconds: seconds ?? DEFAULT_SECONDS,
        cuts: cuts ?? DEFAULT_CUTS,
        seed: seed ?? DEFAULT_SEED,
        ...(temp === undefined ? {} : { temp })
      })
    )
}

const VERIFY_CRASH_HELP = `
An engine writes in a process of its own, once for each policy, with every write and every sync kept in a journal. A power cut is then played at
many points: what was synced is there, the rest is gone, or torn. The engine opens what is left, and what had been acknowledged is looked for.
It touches no data of yours. docs/durability.md tells what each policy promises.

Exit code: 0 when every policy kept what it promises, 1 when one did not or it can not be tried, 2 for wrong usage, 130 when interrupted.

Examples:
  sluice verify-crash                  about half a minute
  sluice verify-crash --cuts 500       more points
  sluice verify-crash --temp /data     on the file system of the data: how long syncs take counts`

function parseWhole(text: string, most: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > most) throw new InvalidArgumentError(`A whole number from 1 to ${most}.`)
  return value
}

function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text) || seconds < LEAST_SECONDS || seconds > MOST_SECONDS)
    throw new InvalidArgumentError(`Seconds, from ${LEAST_SECONDS} to ${MOST_SECONDS}.`)
  return seconds
}
