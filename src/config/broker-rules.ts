/** Rules about several broker settings together, at the start and when one is changed while the broker runs. */
import path from 'node:path'
import { ConfigError } from '../errors.js'
import type { BrokerConfig } from './broker-config.js'
import { LISTENER_LIMITS } from './listener-settings.js'
import { checkListenerChange, planListeners } from './listeners.js'

/** Bytes for the keys of one thread of the log cleaner, at least. */
const DEDUPE_BYTES = 1024 * 1024
/** I/O threads that a broker can be changed to; one may be started with more. */
const MOST_IO_THREADS = 64

const THREADS = [
  'background.threads',
  'log.cleaner.threads',
  'num.io.threads',
  'num.network.threads',
  'num.recovery.threads.per.data.dir',
  'num.replica.fetchers',
  'remote.log.manager.copier.thread.pool.size',
  'remote.log.manager.expiration.thread.pool.size',
  'remote.log.manager.follower.thread.pool.size',
  'remote.log.reader.threads'
] as const

/** Throws ConfigError for values that contradict each other, or that their own row can't tell to be wrong. */
export function checkBounds(config: BrokerConfig): void {
  const min = config.get('group.min.session.timeout.ms')
  const max = config.get('group.max.session.timeout.ms')
  if (min > max) {
    throw new ConfigError(
      'group.min.session.timeout.ms',
      `group.min.session.timeout.ms=${min} must not be above group.max.session.timeout.ms=${max}`
    )
  }
  if ((config.get('log.dirs') ?? config.get('log.dir')).length === 0)
    throw new ConfigError('log.dirs', 'At least one log directory must be defined via log.dirs or log.dir.')
  for (const name of ['socket.send.buffer.bytes', 'socket.receive.buffer.bytes'] as const) {
    const bytes = config.get(name)
    if (bytes < -1 || bytes === 0) throw new ConfigError(name, `Invalid value "${bytes}" for ${name}: it must be -1 or at least 1`)
  }
  if (config.get('log.retention.ms') === 0 || config.get('log.retention.hours') === 0 || config.get('log.retention.minutes') === 0) {
    throw new ConfigError('log.retention.ms', 'log.retention.ms, log.retention.minutes and log.retention.hours must not be 0; -1: never')
  }
  if ((config.get('log.roll.ms') ?? 1) < 1) throw new ConfigError('log.roll.ms', 'log.roll.ms must be greater than or equal to 1')
  if ((config.get('log.roll.jitter.ms') ?? 0) < 0) {
    throw new ConfigError('log.roll.jitter.ms', 'log.roll.jitter.ms must be greater than or equal to 0')
  }
  checkConnections(config)
  checkCleaner(config)
}

function checkConnections(config: BrokerConfig): void {
  const overrides = addressLimits(config)
  if (config.get('max.connections.per.ip') === 0 && overrides.size === 0) {
    throw new ConfigError(
      'max.connections.per.ip',
      'max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.'
    )
  }
}

function checkCleaner(config: BrokerConfig): void {
  const threads = config.get('log.cleaner.threads')
  if (config.get('log.cleaner.dedupe.buffer.size') / Math.max(1, threads) <= DEDUPE_BYTES) {
    throw new ConfigError('log.cleaner.dedupe.buffer.size', 'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.')
  }
}

/** `max.connections.per.ip.overrides`: counts by address or host name. Throws ConfigError. */
export function addressLimits(config: BrokerConfig): Map<string, number> {
  const name = 'max.connections.per.ip.overrides'
  const limits = new Map<string, number>()
  for (const item of config.get(name).split(',')) {
    const pair = item.trim()
    if (pair === '') continue
    // An IPv6 address has colons of its own.
    const colon = pair.lastIndexOf(':')
    const count = pair.slice(colon + 1).trim()
    if (colon <= 0 || !/^[+-]?\d{1,10}$/.test(count)) {
      throw new ConfigError(name, `Invalid value ${JSON.stringify(pair)} in ${name}: it must be address:count`)
    }
    limits.set(
      pair
        .slice(0, colon)
        .trim()
        .replace(/^\[(.*)\]$/, '$1'),
      Number(count)
    )
  }
  return limits
}

/** What Apache Kafka checks of a change to the settings of a running broker. Throws ConfigError. */
export function checkChange(before: BrokerConfig, after: BrokerConfig): void {
  checkBounds(after)
  for (const name of THREADS) checkThreads(name, before.get(name), after.get(name))
  for (const name of ['max.connections', 'max.connection.creation.rate'] as const) {
    if (before.get(name) !== after.get(name) && after.get(name) <= 0) throw new ConfigError(name, `Invalid ${name} ${after.get(name)}`)
  }
  if (before.text('metric.reporters') !== after.text('metric.reporters')) checkReporters(after)
  if (before.text('cordoned.log.dirs') !== after.text('cordoned.log.dirs')) checkCordoned(after)
  checkListenerChange(before, after)
  for (const { name } of planListeners(after).listeners) checkListenerLimits(name, before, after)
}

function checkListenerLimits(listener: string, before: BrokerConfig, after: BrokerConfig): void {
  const threads = (config: BrokerConfig): number => config.ofListener(listener, 'num.network.threads') ?? config.get('num.network.threads')
  checkThreads('num.network.threads', threads(before), threads(after))
  for (const limit of LISTENER_LIMITS) {
    const value = after.ofListener(listener, limit)
    if (value !== undefined && value <= 0) throw new ConfigError(limit, `Invalid ${limit} ${value} of listener ${listener}`)
  }
}

function checkThreads(name: (typeof THREADS)[number], before: number, after: number): void {
  if (after === before) return
  const wrong = (why: string): ConfigError =>
    new ConfigError(name, `Dynamic thread count update validation failed for ${name}=${after}, value should ${why}`)
  if (after <= 0) throw wrong('be at least 1')
  if (after < Math.floor(before / 2)) throw wrong(`be at least half the current value ${before}`)
  if (after > before * 2) throw wrong(`not be greater than double the current value ${before}`)
  if (name === 'num.network.threads' && after > Math.max(before, MOST_IO_THREADS)) throw wrong(`not be above ${MOST_IO_THREADS}`)
}

// A class that can't be loaded is refused, and here no class of Java can.
function checkReporters(config: BrokerConfig): void {
  const unknown = config.get('metric.reporters').find((name) => name !== 'org.apache.kafka.common.metrics.JmxReporter')
  if (unknown !== undefined) throw new ConfigError('metric.reporters', `Class ${unknown} could not be found: plug-ins are written in Java`)
}

function checkCordoned(config: BrokerConfig): void {
  const dirs = new Set((config.get('log.dirs') ?? config.get('log.dir')).map((dir) => path.resolve(dir)))
  const missing = config.get('cordoned.log.dirs').filter((dir) => dir !== '*' && !dirs.has(path.resolve(dir)))
  if (missing.length === 0) return
  throw new ConfigError(
    'cordoned.log.dirs',
    `All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing entries : ${missing.join(', ')}`
  )
}
