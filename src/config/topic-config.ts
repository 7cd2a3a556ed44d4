/** The settings of one topic: its overrides over the settings of the broker. */
import { ConfigError } from '../errors.js'
import { ConfigSource, configTypeCodes, type BrokerConfig, type ConfigEntry, type ConfigSynonym } from './broker-config.js'
import type { ValueOf } from './setting.js'
import { topicSetting, topicSettings, type BrokerSettingName, type TopicSettingName, type TopicSettings } from './settings/index.js'
import { parseValue, type ParsedValue } from './values.js'

type Camel<S extends string> = S extends `${infer Head}.${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S

/** `segment.bytes` is `segmentBytes`, and so on. A plain frozen object: read it once, a change gives a new one. */
export type TopicConfig = { readonly [N in TopicSettingName as Camel<N>]: ValueOf<TopicSettings[N]> }

export type TopicOverrides = ReadonlyMap<string, string>

const names = Object.keys(topicSettings) as TopicSettingName[]
const camelNames = new Map(names.map((name) => [name, name.replace(/\.(\w)/g, (_, letter: string) => letter.toUpperCase())]))

/**
 * The settings in force of a topic. Overrides that are unknown or wrong (written by another version, say) do not count; `onProblem`
 * hears of them. `segmentBytes` is `internal.segment.bytes` where that is set.
 */
export function resolveTopicConfig(
  broker: BrokerConfig,
  overrides: TopicOverrides = new Map(),
  onProblem?: (problem: ConfigError) => void
): TopicConfig {
  const resolved: Record<string, unknown> = {}
  for (const name of names) {
    const value = inForce(broker, name, checkedOverride(name, overrides, onProblem)).value
    resolved[camelNames.get(name) as string] = value
  }
  if (onProblem) for (const name of overrides.keys()) if (!topicSetting(name)) onProblem(unknown(name))
  resolved['segmentBytes'] = resolved['internalSegmentBytes'] ?? resolved['segmentBytes']
  return Object.freeze(resolved) as TopicConfig
}

/**
 * Checks what CreateTopics or AlterConfigs wants to set. Throws ConfigError for an unknown name, a wrong value, or values that exclude
 * each other. Returns the canonical texts.
 */
export function checkTopicOverrides(broker: BrokerConfig, overrides: ReadonlyMap<string, string | null>): Map<string, string> {
  const checked = new Map<string, string>()
  for (const [name, text] of overrides) {
    const setting = topicSetting(name)
    if (!setting) throw unknown(name)
    if (text === null) throw new ConfigError(name, `Null value not supported for ${name}`)
    const parsed = parseValue(name, setting, text)
    if (setting.refused !== undefined && parsed.text !== setting.default) throw new ConfigError(name, `${name}=${text}: ${setting.refused}`)
    checked.set(name, parsed.text ?? '')
  }
  const config = resolveTopicConfig(broker, checked)
  if (config.maxCompactionLagMs < config.minCompactionLagMs) {
    throw new ConfigError(
      'max.compaction.lag.ms',
      `max.compaction.lag.ms (${config.maxCompactionLagMs}) must not be smaller than min.compaction.lag.ms (${config.minCompactionLagMs})`
    )
  }
  return checked
}

/** What DescribeConfigs answers for one setting of a topic; undefined: unknown. */
export function describeTopicSetting(broker: BrokerConfig, overrides: TopicOverrides, name: string): ConfigEntry | undefined {
  const setting = topicSetting(name)
  if (!setting) return undefined
  const override = checkedOverride(name as TopicSettingName, overrides)
  const fromBroker = brokerSynonyms(broker, setting.synonyms?.[0]?.name)
  const synonyms = override ? [{ name, value: override.text, source: ConfigSource.topic }, ...fromBroker] : fromBroker
  return {
    name,
    value: inForce(broker, name as TopicSettingName, override).text,
    source: synonyms[0]?.source ?? ConfigSource.default,
    readOnly: false,
    sensitive: false,
    type: configTypeCodes[setting.type],
    about: setting.about,
    synonyms
  }
}

/** All settings of a topic that DescribeConfigs lists when no names are asked for. */
export function describeTopicConfig(broker: BrokerConfig, overrides: TopicOverrides): ConfigEntry[] {
  return names
    .filter((name) => topicSetting(name)?.internal !== true || overrides.has(name))
    .map((name) => describeTopicSetting(broker, overrides, name) as ConfigEntry)
}

// As Kafka shows them: the default of a setting in another unit (log.retention.hours for retention.ms) is not named as a synonym.
function brokerSynonyms(broker: BrokerConfig, first: string | undefined): ConfigSynonym[] {
  if (first === undefined) return []
  return broker.synonyms(first).filter(({ name, source }) => name === first || source !== ConfigSource.default)
}

function checkedOverride(
  name: TopicSettingName,
  overrides: TopicOverrides,
  onProblem?: (problem: ConfigError) => void
): ParsedValue | undefined {
  const text = overrides.get(name)
  if (text === undefined) return undefined
  try {
    return parseValue(name, topicSettings[name], text)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    onProblem?.(error)
    return undefined
  }
}

function inForce(broker: BrokerConfig, name: TopicSettingName, override: ParsedValue | undefined): ParsedValue {
  if (override) return override
  const setting = topicSetting(name)
  for (const synonym of setting?.synonyms ?? []) {
    const from = synonym.name as BrokerSettingName
    const value = broker.get(from)
    if (value === null) continue
    if (synonym.factor === 1) return { value, text: broker.text(from) }
    // Below 0 means "never" in every unit.
    const product = typeof value === 'number' && value >= 0 ? Math.min(value * synonym.factor, Number.MAX_SAFE_INTEGER) : -1
    return { value: product, text: String(product) }
  }
  return parseValue(name, topicSettings[name], setting?.default ?? null)
}

function unknown(name: string): ConfigError {
  return new ConfigError(name, `Unknown topic setting ${name}`)
}
