/** Runs the command: starts the broker, prints the ready line, turns signals into a stop and errors into one message and an exit code. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Broker, ReadOnlyOptions } from '../index.js'
import { openLog, type LogLevel } from '../log.js'
import { packageVersion } from '../package.js'
import { parseArguments, type StartRequest } from './arguments.js'
import { explain } from './explain.js'
import type { CalibrateRequest } from './calibrate-command.js'
import type { LogRequest } from './log-arguments.js'
import { writeAll, writeLine } from './output.js'
import type { ServeRequest } from './serve-arguments.js'
import type { StatusRequest } from './status-command.js'
import type { VerifyCrashRequest } from './verify-crash-arguments.js'

const EXIT_FAILED = 1
const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const
/** npm passes Ctrl-C on to a program that the terminal has told already: signals so close together are one wish. */
const SAME_WISH_MS = 300

/** Sets `process.exitCode`, or ends the process where it must not wait for what is left. */
export async function runCli(args: readonly string[]): Promise<void> {
  try {
    const parsed = parseArguments(args, { out: (text) => writeAll(1, text), error: (text) => writeAll(2, text) })
    if (parsed.command === 'done') process.exitCode = parsed.exitCode
    else if (parsed.command === 'version') writeAll(1, `${packageVersion()}\n`)
    else if (parsed.command === 'status') await status(parsed.request)
    else if (parsed.command === 'calibrate') await calibrate(parsed.request)
    else if (parsed.command === 'log') process.exitCode = await log(parsed.request)
    else if (parsed.command === 'serve') await serve(parsed.request)
    else if (parsed.command === 'verify-crash') await proveCrashSafety(parsed.request)
    else await start(parsed.request)
  } catch (error) {
    writeAll(2, `sluice: ${explain(error)}\n`)
    process.exit(EXIT_FAILED)
  }
}

async function calibrate(request: CalibrateRequest): Promise<void> {
  const { runCalibration } = await import('./calibrate-command.js')
  const output = { out: (text: string) => writeAll(1, text), error: (text: string) => writeAll(2, text), terminal: process.stderr.isTTY }
  await interruptible((signal) => runCalibration(request, output, signal))
}

async function proveCrashSafety(request: VerifyCrashRequest): Promise<void> {
  const { runVerifyCrash } = await import('./verify-crash-command.js')
  const output = { out: (text: string) => writeAll(1, text), error: (text: string) => writeAll(2, text) }
  await interruptible(async (signal) => {
    if (!(await runVerifyCrash(request, output, signal))) process.exitCode = EXIT_FAILED
  })
}

/** SIGINT and SIGTERM abort the work, which tidies up; the exit code tells of them. */
async function interruptible(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController()
  let interrupted: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      interrupted = SIGNAL_EXIT_CODES[signal]
      stop.abort()
    })
  }
  try {
    await work(stop.signal)
  } catch (error) {
    if (interrupted === undefined) throw error
    process.exitCode = interrupted
  }
}

async function status(request: StatusRequest): Promise<void> {
  const { showStatus } = await import('./status-command.js')
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())
  await showStatus(request, (text) => writeAll(1, text), { terminal: process.stdout.isTTY, signal: stop.signal })
}

async function log(request: LogRequest): Promise<number> {
  const { runLog } = await import('./log-command.js')
  let open = true
  let failure: NodeJS.ErrnoException | undefined
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    open = false
    // Nobody reads on: then all is told that was wanted.
    if (error.code !== 'EPIPE') failure = error
  })
  const out = async (text: string): Promise<boolean> => {
    if (open && !process.stdout.write(text))
      await new Promise<void>((resolve) => process.stdout.once('drain', resolve).once('close', resolve))
    return open
  }
  const code = await runLog(request, { out, error: (text) => writeAll(2, text), terminal: process.stderr.isTTY })
  // What was written last fails in a later turn.
  await new Promise(setImmediate)
  if (failure !== undefined) throw failure
  return code
}

function serve({ dirs, temp, commits, ...request }: ServeRequest): Promise<void> {
  return start({ ...request, topics: {} }, { dirs, commits, ...(temp === undefined ? {} : { temp }) })
}

async function start(request: StartRequest, readOnly?: ReadOnlyOptions): Promise<void> {
  const stopWish = signalWish()
  const { Broker } = await import('../index.js')
  const level = request.settings['sluice.log.level'] as LogLevel | undefined
  const format = request.settings['sluice.log.format'] === 'json' ? 'json' : 'text'
  const log = await openLog({ format, write: writeLine, ...(level === undefined ? {} : { level }) })
  log.info(`sluice ${packageVersion()}, Node ${process.versions.node}, pid ${process.pid}`)
  const broker = await Broker.start({
    settings: request.settings,
    topics: request.topics,
    log,
    ...(readOnly === undefined ? {} : { readOnly })
  })
  try {
    if (request.pidFile !== undefined) writePidFile(request.pidFile)
    writeLine(`ready bootstrap=${broker.bootstrap} pid=${process.pid}\n`)
    const failure = broker.failure.then((reason) => {
      log.error(`Shutdown broker because ${reason}`)
      process.exitCode = EXIT_FAILED
      return 'failure'
    })
    log.info(`stopping: ${await Promise.race([stopWish, failure])}`)
  } finally {
    await stop(broker, request.pidFile)
  }
  log.info('stopped')
}

async function stop(broker: Broker, pidFile: string | undefined): Promise<void> {
  await broker.stop()
  if (pidFile !== undefined && ownPidFile(pidFile)) rmSync(pidFile, { force: true })
}

/** The first SIGINT or SIGTERM resolves; a later one ends the process at once. Before the broker serves, the first one waits until it does. */
function signalWish(): Promise<string> {
  return new Promise((resolve) => {
    let firstAt: number | undefined
    const onSignal = (signal: keyof typeof SIGNAL_EXIT_CODES): void => {
      if (firstAt === undefined) {
        firstAt = performance.now()
        resolve(signal)
      } else if (performance.now() - firstAt > SAME_WISH_MS) {
        process.exit(SIGNAL_EXIT_CODES[signal])
      }
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}

function writePidFile(path: string): void {
  try {
    writeFileSync(path, `${process.pid}\n`)
  } catch (error) {
    throw new Error(`cannot write the pid file ${path}: ${(error as Error).message}`, { cause: error })
  }
}

/** Another broker may have been started with the same pid file meanwhile: its file stays. */
function ownPidFile(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').trim() === String(process.pid)
  } catch {
    return false
  }
}
