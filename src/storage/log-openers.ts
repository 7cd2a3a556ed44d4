/** Opening what was found in all log directories: one opener for each. */
import type { Clock } from '../clock.js'
import type { BrokerConfig, TopicConfig } from '../config/index.js'
import type { Logger } from '../log.js'
import type { Runtime } from '../native/runtime.js'
import { Log } from './log.js'
import type { LogDir } from './log-dir.js'
import { LogOpener, type FoundLog, type LogOpenerOptions, type RecoveryProgress } from './log-opener.js'
import type { LogEnvironment } from './log-state.js'
import { pathIn } from './names.js'
import { surveyedTopicId, surveyLog } from './survey.js'

export interface LogOpenersOptions {
  readonly runtime: Runtime
  readonly clock: Clock
  readonly log: Logger
  readonly config: BrokerConfig
  readonly topicConfig: (topic: string) => TopicConfig
}

export class LogOpeners {
  readonly #options: LogOpenersOptions
  readonly #environment: (dir: LogDir) => LogEnvironment
  readonly #openers = new Map<LogDir, LogOpener>()

  constructor(options: LogOpenersOptions, environment: (dir: LogDir) => LogEnvironment) {
    this.#options = options
    this.#environment = environment
  }

  /** Opened once `start` was called. Rejects with a StorageError. */
  add(dir: LogDir, found: FoundLog): Promise<Log> {
    let opener = this.#openers.get(dir)
    if (opener === undefined) this.#openers.set(dir, (opener = this.#opener(dir)))
    return opener.add(found)
  }

  /** Once more, a log that could not be opened. Rejects with a StorageError. */
  async again(dir: LogDir, found: FoundLog): Promise<Log> {
    const survey = await surveyLog(this.#options.runtime, pathIn(dir.path, found.name))
    return this.#open(dir)(found, survey, undefined)
  }

  /** Returns at once. */
  start(): void {
    for (const opener of this.#openers.values()) opener.start()
  }

  /** The log in the folder `name` is next, if it waits for its recovery. */
  hurry(dir: LogDir, name: string): void {
    this.#openers.get(dir)?.hurry(name)
  }

  /** Undefined: no log of the directory waits for its recovery. */
  progress(dir: LogDir): RecoveryProgress | undefined {
    return this.#openers.get(dir)?.progress()
  }

  /** Recoveries that were not begun are not made any more. What needs none is opened all the same, which takes no time. */
  cancel(): void {
    for (const [dir, opener] of this.#openers) if (!dir.cleanShutdown) opener.cancel()
  }

  #opener(dir: LogDir): LogOpener {
    const { config, log, runtime, clock } = this.#options
    const threads = Math.max(1, config.get('num.recovery.threads.per.data.dir'))
    return new LogOpener({ dir, runtime, clock, log, threads, open: this.#open(dir) })
  }

  #open(dir: LogDir): LogOpenerOptions['open'] {
    const shared = this.#environment(dir)
    return async ({ name, topic, partition }, survey, recovered) => {
      const folder = pathIn(dir.path, name)
      const topicId = await surveyedTopicId(survey, folder)
      const recoveryPoint = dir.recoveryPoints.get(name)
      const options = { clean: dir.cleanShutdown, recoveryPoint, logStartOffset: dir.logStarts.get(name), survey }
      const environment = recovered === undefined ? shared : { ...shared, recovered }
      return Log.open({ topic, partition, topicId, folder }, this.#options.topicConfig(topic), options, environment)
    }
  }
}
