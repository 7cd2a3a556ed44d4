/**
 * The log: single lines, for people as text, for machines as JSON. An embedded broker is silent unless its program passes a logger.
 * Text is written here; JSON goes through pino, which is loaded only then, because loading it took 17 to 21 ms of every start.
 */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** What a program gives to be told: `console`, or whatever else has these four. */
export interface ProgramLog {
  debug(message: string): void
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

export interface Logger extends ProgramLog {
  /**
   * For lines that a client can cause: of all lines of one `key` at most one every `intervalMs` is written, and it tells how many were
   * left out before it.
   */
  limited(key: string, intervalMs: number): Logger
}

export interface LogOptions {
  /** Less severe lines are not written. */
  readonly level?: LogLevel | 'silent'
  readonly format?: 'text' | 'json'
  /** Takes whole lines with their line end. */
  readonly write: (line: string) => void
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/** A logger whose level may change while it is in use. */
export interface OpenLog extends Logger {
  level: LogLevel | 'silent'
  /** Writes to the same place, whatever the level. */
  readonly loud: Logger
}

type Sink = (level: LogLevel, message: string) => void

export const logSeverity = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 } as const
const LEVEL_TEXT: Readonly<Record<LogLevel, string>> = { debug: 'DEBUG', info: 'INFO ', warn: 'WARN ', error: 'ERROR' }
const LIMITED_KEYS = 1000
const LONGEST_MESSAGE = 10_000

export async function openLog(options: LogOptions): Promise<OpenLog> {
  const now = options.now ?? Date.now
  const sink = options.format === 'json' ? await jsonSink(options.write, now) : textSink(options.write, now)
  return new LineLog(sink, now, options.level ?? 'info')
}

class LineLog implements OpenLog {
  level: LogLevel | 'silent'
  readonly #sink: Sink
  readonly #now: () => number
  readonly #limits = new Map<string, { until: number; leftOut: number }>()

  constructor(sink: Sink, now: () => number, level: LogLevel | 'silent') {
    this.#sink = sink
    this.#now = now
    this.level = level
  }

  get loud(): Logger {
    return new LineLog(this.#sink, this.#now, 'debug')
  }

  debug(message: string): void {
    this.#write('debug', message)
  }

  info(message: string): void {
    this.#write('info', message)
  }

  warn(message: string): void {
    this.#write('warn', message)
  }

  error(message: string): void {
    this.#write('error', message)
  }

  limited(key: string, intervalMs: number): Logger {
    const now = this.#now()
    const limit = this.#limits.get(key)
    if (limit && now < limit.until) {
      limit.leftOut++
      return silentLogger
    }
    const leftOut = limit?.leftOut ?? 0
    if (!limit && this.#limits.size >= LIMITED_KEYS) this.#limits.clear()
    this.#limits.set(key, { until: now + intervalMs, leftOut: 0 })
    return leftOut === 0
      ? this
      : new LineLog((level, message) => this.#sink(level, `${message} (${leftOut} like it left out)`), this.#now, this.level)
  }

  #write(level: LogLevel, message: string): void {
    if (logSeverity[level] >= logSeverity[this.level]) this.#sink(level, singleLine(message))
  }
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  limited: () => silentLogger
}

/** The log of a program, as the rest of the code writes to it. Throws a TypeError: plain JavaScript may hand in something else. */
export function programLogger(log: ProgramLog | undefined): Logger {
  if (log === undefined) return silentLogger
  for (const level of ['debug', 'info', 'warn', 'error'] as const)
    if (typeof (log as Partial<ProgramLog> | null)?.[level] !== 'function') throw new TypeError(`log lacks the function ${level}`)
  if ('limited' in log) return log as Logger
  const lines = new LineLog((level, message) => log[level](message), Date.now, 'debug')
  // Without the level of an OpenLog, which settings would set: what it shows is the program's own matter.
  return {
    debug: (message) => lines.debug(message),
    info: (message) => lines.info(message),
    warn: (message) => lines.warn(message),
    error: (message) => lines.error(message),
    limited: (key, intervalMs) => lines.limited(key, intervalMs)
  }
}

// Parts of a message come from clients: they must not forge lines or move the cursor of a terminal.
// oxlint-disable-next-line no-control-regex -- these are the characters to be shown as text
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

function singleLine(message: string): string {
  const cut = message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message
  return cut.replace(CONTROLS, (control) => (control === '\n' ? ' | ' : `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`))
}

function textSink(write: (line: string) => void, now: () => number): Sink {
  return (level, message) => write(`${new Date(now()).toISOString().replace('T', ' ').replace('Z', '')} ${LEVEL_TEXT[level]} ${message}\n`)
}

async function jsonSink(write: (line: string) => void, now: () => number): Promise<Sink> {
  const { pino } = await import('pino')
  const timestamp = (): string => `,"time":"${new Date(now()).toISOString()}"`
  const formatters = { level: (level: string) => ({ level }) }
  const logger = pino({ level: 'debug', base: null, timestamp, formatters }, { write })
  return (level, message) => logger[level](message)
}
