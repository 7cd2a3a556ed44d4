/**
 * Loggers of the parts of a broker, each with a level of its own or that of the root: what administrators see as BROKER_LOGGER (KIP-412). Levels
 * that are set here last until the broker stops.
 */
import { logSeverity, type Logger, type LogLevel, type OpenLog } from './log.js'

/** Kafka's names of levels, from the most to the least that is written. */
export const LEVEL_NAMES = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const
export type LevelName = (typeof LEVEL_NAMES)[number]

export const ROOT = 'root'
/** The parts that have a logger. */
export const LOGGER_NAMES = [
  'sluice.coordinator',
  'sluice.metadata',
  'sluice.network',
  'sluice.replication',
  'sluice.requests',
  'sluice.storage'
] as const
export type LoggerName = (typeof LOGGER_NAMES)[number]

type Threshold = LogLevel | 'silent'

// There is nothing below debug here, and nothing that would be fatal is logged as less than an error.
const THRESHOLDS: Readonly<Record<LevelName, Threshold>> = {
  TRACE: 'debug',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
  FATAL: 'silent'
}

export class Loggers {
  readonly #root: Logger
  readonly #levels = new Map<string, LevelName>()

  /** Of a logger that a program brought along the level is not known: it gets what the own levels let through. */
  constructor(root: Logger) {
    this.#root = root
  }

  named(name: LoggerName): Logger {
    const loud = isOpen(this.#root) ? this.#root.loud : this.#root
    return new NamedLog(loud, () => logSeverity[this.#threshold(name)])
  }

  /** Every logger with its level in force, by name. */
  levels(): Map<string, LevelName> {
    const root = this.#rootLevel()
    return new Map<string, LevelName>([...LOGGER_NAMES.map((name) => [name, this.#levels.get(name) ?? root] as const), [ROOT, root]])
  }

  has(name: string): boolean {
    return name === ROOT || (LOGGER_NAMES as readonly string[]).includes(name)
  }

  /** Of an existing logger; undefined: that of the root from now on. */
  set(name: string, level: LevelName | undefined): void {
    if (level === undefined) this.#levels.delete(name)
    else this.#levels.set(name, level)
    if (name === ROOT && level !== undefined && isOpen(this.#root)) this.#root.level = THRESHOLDS[level]
  }

  #threshold(name: string): Threshold {
    const own = this.#levels.get(name)
    if (own !== undefined) return THRESHOLDS[own]
    return isOpen(this.#root) ? this.#root.level : THRESHOLDS[this.#levels.get(ROOT) ?? 'TRACE']
  }

  // The root's level may have been changed by sluice.log.level since.
  #rootLevel(): LevelName {
    const set = this.#levels.get(ROOT)
    if (!isOpen(this.#root)) return set ?? 'INFO'
    const { level } = this.#root
    return set !== undefined && THRESHOLDS[set] === level ? set : LEVEL_NAMES.findLast((name) => THRESHOLDS[name] === level)!
  }
}

function isOpen(log: Logger): log is OpenLog {
  return 'loud' in log
}

class NamedLog implements Logger {
  readonly #log: Logger
  readonly #least: () => number

  constructor(log: Logger, least: () => number) {
    this.#log = log
    this.#least = least
  }

  debug(message: string): void {
    if (logSeverity.debug >= this.#least()) this.#log.debug(message)
  }

  info(message: string): void {
    if (logSeverity.info >= this.#least()) this.#log.info(message)
  }

  warn(message: string): void {
    if (logSeverity.warn >= this.#least()) this.#log.warn(message)
  }

  error(message: string): void {
    if (logSeverity.error >= this.#least()) this.#log.error(message)
  }

  limited(key: string, intervalMs: number): Logger {
    return new NamedLog(this.#log.limited(key, intervalMs), this.#least)
  }
}
