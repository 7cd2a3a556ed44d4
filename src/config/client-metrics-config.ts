/** The settings of a client metrics subscription (KIP-714): which clients push which metrics, and how often. */
import { ConfigError } from '../errors.js'
import { LinearRegex } from '../regex/matcher.js'
import { ConfigSource, configTypeCodes, type ConfigEntry } from './broker-config.js'
import { clientMetricsSetting, clientMetricsSettings } from './settings/resources.js'
import { parseValue } from './values.js'

type Texts = ReadonlyMap<string, string>

/** By what clients can be told apart. */
export const CLIENT_MATCHERS = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port'
] as const
export type ClientMatcher = (typeof CLIENT_MATCHERS)[number]

export type Matches = (name: string) => boolean

export interface ClientMetricsConfig {
  readonly intervalMs: number
  /** Beginnings of names; '*' for all. */
  readonly metrics: readonly string[]
  /** A client is meant when all of them match; none: every client. */
  readonly match: ReadonlyMap<ClientMatcher, Matches>
}

/** A value out of bounds; the protocol has another error for it than for one that can not be read. */
export class ClientMetricsBounds extends ConfigError {}

const LEAST_INTERVAL_MS = 100
const MOST_INTERVAL_MS = 3_600_000
/** A pattern comes from an administrator, and runs on names that clients choose. */
const LONGEST_PATTERN = 1000

/** Throws ConfigError, or ClientMetricsBounds. */
export function clientMetricsConfig(overrides: Texts): ClientMetricsConfig {
  for (const name of overrides.keys()) {
    if (!clientMetricsSetting(name)) throw new ClientMetricsBounds(name, `Unknown client metrics configuration: ${name}`)
  }
  const parsed = (name: keyof typeof clientMetricsSettings) =>
    parseValue(name, clientMetricsSetting(name)!, overrides.get(name) ?? clientMetricsSetting(name)!.default).value
  const intervalMs = parsed('interval.ms') as number
  if (intervalMs < LEAST_INTERVAL_MS || intervalMs > MOST_INTERVAL_MS) {
    throw new ClientMetricsBounds(
      'interval.ms',
      `Invalid value ${intervalMs} for interval.ms, interval must be between ${LEAST_INTERVAL_MS} and ${MOST_INTERVAL_MS} (1 hour)`
    )
  }
  return { intervalMs, metrics: parsed('metrics') as readonly string[], match: matchers(parsed('match') as readonly string[]) }
}

const NO_PATTERN = 'it must be one of the known names, =, and a pattern'

function matchers(patterns: readonly string[]): Map<ClientMatcher, Matches> {
  const match = new Map<ClientMatcher, Matches>()
  for (const each of patterns) {
    const at = each.indexOf('=')
    const name = each.slice(0, at).trim() as ClientMatcher
    const pattern = each.slice(at + 1).trim()
    const compiled = at > 0 && CLIENT_MATCHERS.includes(name) && pattern.length <= LONGEST_PATTERN ? compile(pattern) : NO_PATTERN
    if (typeof compiled === 'string') throw new ConfigError('match', `Illegal client matching pattern: ${each} (${compiled})`)
    match.set(name, compiled)
  }
  return match
}

/**
 * Matches a whole name; or what is wrong. Kafka's patterns are Java's: those of them that RE2 has no form for, with back references and looking around,
 * could keep this thread for ever on a name that a client chose, and are refused; so are those that mean something else there.
 */
function compile(pattern: string): Matches | string {
  const compiled = nestsClasses(pattern) ? 'a character class within another' : LinearRegex.compile(pattern)
  return typeof compiled === 'string' ? `${compiled}; patterns have the syntax of RE2` : (name) => compiled.matches(name)
}

/** `[a[bc]]` and `[a-z&&[^b]]` are one class in Java, and another or several parts elsewhere. */
function nestsClasses(pattern: string): boolean {
  let inClass = false
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at]
    if (char === '\\') at++
    else if (!inClass) inClass = char === '['
    else if (char === ']') inClass = false
    else if (char === '[' || pattern.startsWith('&&', at)) return true
  }
  return false
}

/** What DescribeConfigs answers for a subscription; one that does not exist has the defaults. */
export function describeClientMetrics(overrides: Texts): ConfigEntry[] {
  return Object.entries(clientMetricsSettings).map(([name, setting]) => {
    const own = overrides.get(name)
    const synonyms = own === undefined ? [] : [{ name, value: own, source: ConfigSource.clientMetrics }]
    return {
      name,
      value: own ?? setting.default,
      source: own === undefined ? ConfigSource.default : ConfigSource.clientMetrics,
      readOnly: false,
      sensitive: false,
      type: configTypeCodes[setting.type],
      about: setting.about,
      synonyms
    }
  })
}
