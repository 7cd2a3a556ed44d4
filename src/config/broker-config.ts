/**
 * The settings of one broker in layers: defaults, then what it was started with, then what was changed while it runs, for all brokers
 * and for this one. Typed access, the answer of DescribeConfigs, and a subscription to changes.
 */
import { ConfigError } from '../errors.js'
import { listenerSetting, listenerSettingName, type ListenerLimit, type ListenerSetting } from './listener-settings.js'
import type { Setting, SettingType } from './setting.js'
import { brokerSetting, brokerSettings, type BrokerSettingName, type BrokerValue } from './settings/index.js'
import { parseValue, type ParsedValue } from './values.js'

/** The numbers of DescribeConfigs. */
export const ConfigSource = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
  brokerLogger: 6,
  clientMetrics: 7,
  group: 8
} as const
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource]

/** The numbers of DescribeConfigs v3+. */
export const configTypeCodes: Readonly<Record<SettingType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9
}

/** `value` is null where it is unset or a password. */
export interface ConfigSynonym {
  readonly name: string
  readonly value: string | null
  readonly source: ConfigSource
}

export interface ConfigEntry extends ConfigSynonym {
  readonly readOnly: boolean
  readonly sensitive: boolean
  readonly type: number
  readonly about: string
  /** Where else the value could come from, the winner first. */
  readonly synonyms: readonly ConfigSynonym[]
}

type Layer = ReadonlyMap<string, ParsedValue>
type Texts = ReadonlyMap<string, string>

const NOTHING: Layer = new Map()
const UNSET: ParsedValue = { text: null, value: null }
const defaults = new Map<string, ParsedValue>()

function defaultOf(name: string, setting: Setting): ParsedValue {
  let parsed = defaults.get(name)
  if (!parsed) defaults.set(name, (parsed = parseValue(name, setting, setting.default)))
  return parsed
}

/** Throws ConfigError when the value is wrong, refused by this broker, or (`dynamic`) can not change while the broker runs. */
export function checkBrokerValue(name: string, text: string, dynamic?: 'broker' | 'cluster'): ParsedValue {
  const setting = brokerSetting(name)
  // As in Kafka: it may be a setting of a plug-in.
  if (!setting && dynamic) return checkUnknown(name, text, dynamic)
  if (!setting) throw new ConfigError(name, `Unknown setting ${name}`)
  if (dynamic && setting.change === 'read-only') {
    throw new ConfigError(name, `${name} can not change while the broker runs: set it in server.properties and start again`)
  }
  if (dynamic === 'cluster' && setting.change === 'per-broker') {
    throw new ConfigError(name, `${name} can only be changed for one broker at a time`)
  }
  return checkValue(name, setting, text)
}

function checkValue(name: string, setting: Setting, text: string): ParsedValue {
  const parsed = parseValue(name, setting, text)
  if (setting.refused !== undefined && parsed.text !== defaultOf(name, setting).text) {
    const allowed = setting.default === null ? 'leave it unset' : `only ${JSON.stringify(setting.default)} is allowed`
    const shown = setting.type === 'password' ? '[hidden]' : text
    throw new ConfigError(name, `${name}=${shown}: ${setting.refused}; ${allowed}`)
  }
  return parsed
}

function checkUnknown(name: string, text: string, dynamic: 'broker' | 'cluster'): ParsedValue {
  const own = listenerSetting(name)
  if (own && dynamic === 'cluster') throw new ConfigError(name, `${name} can only be changed for one broker at a time`)
  return own ? checkListenerValue(name, own, text) : { text, value: text }
}

/** A setting of one listener is held to the row of the broker's own. Throws ConfigError. */
export function checkListenerValue(name: string, { setting }: ListenerSetting, text: string): ParsedValue {
  return setting ? checkValue(name, setting, text) : { text, value: text }
}

export class BrokerConfig {
  readonly #static: Layer
  #cluster: Layer = NOTHING
  #broker: Layer = NOTHING
  readonly #resolved = new Map<string, ParsedValue>()
  readonly #listeners = new Set<(changed: ReadonlySet<string>) => void>()

  /** `given`: checked values of known settings, see `loadBrokerConfig`. */
  constructor(given: Layer) {
    this.#static = given
  }

  /** The value in force, typed by the row of the setting. */
  get<N extends BrokerSettingName>(name: N): BrokerValue<N> {
    return this.#resolve(name).value as BrokerValue<N>
  }

  /** The value in force as text, exact for 64-bit numbers. */
  text(name: BrokerSettingName): string | null {
    return this.#resolve(name).text
  }

  /** What is set for one listener; undefined: nothing, or no number. */
  ofListener(listener: string, limit: ListenerLimit): number | undefined {
    const { value } = this.#resolve(listenerSettingName(listener, limit))
    return typeof value === 'number' ? value : undefined
  }

  /** True where the value is not the default. */
  isSet(name: BrokerSettingName): boolean {
    return this.#broker.has(name) || this.#cluster.has(name) || this.#static.has(name)
  }

  /**
   * Replaces what was changed while the broker runs, as the metadata says it now. Values that are unknown or wrong (of another version, say)
   * are left out and returned; the listeners of `onChange` run before this returns.
   */
  setDynamic(cluster: Texts, broker: Texts): ConfigError[] {
    const problems: ConfigError[] = []
    const nextCluster = checkedLayer(cluster, 'cluster', problems)
    const nextBroker = checkedLayer(broker, 'broker', problems)
    const names = [this.#cluster, this.#broker, nextCluster, nextBroker].flatMap((layer) => [...layer.keys()])
    const before = new Map(names.map((name) => [name, this.#resolve(name).text]))
    this.#cluster = nextCluster
    this.#broker = nextBroker
    this.#resolved.clear()
    const changed = new Set([...before].filter(([name, text]) => this.#resolve(name).text !== text).map(([name]) => name))
    if (changed.size > 0) for (const listener of this.#listeners) listener(changed)
    return problems
  }

  /** As this one would be with other changes. Wrong values are left out. */
  withDynamic(cluster: Texts, broker: Texts): BrokerConfig {
    const other = new BrokerConfig(this.#static)
    other.setDynamic(cluster, broker)
    return other
  }

  /** `listener` gets the names whose value in force changed. Returns what ends the subscription. */
  onChange(listener: (changed: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What DescribeConfigs answers for one setting; undefined: unknown. */
  describe(name: string): ConfigEntry | undefined {
    const setting = brokerSetting(name)
    if (!setting) return this.#describeUnknown(name)
    // As in Kafka: of settings with the same meaning, those that win over the described one are not its synonyms.
    const all = this.synonyms(name)
    const first = all.findIndex((synonym) => synonym.name === name)
    const synonyms = first < 0 ? [] : all.slice(first)
    const sensitive = setting.type === 'password'
    return {
      name,
      value: sensitive ? null : this.#resolve(name).text,
      source: synonyms[0]?.source ?? ConfigSource.default,
      readOnly: setting.change === 'read-only',
      sensitive,
      type: configTypeCodes[setting.type],
      about: setting.about,
      synonyms
    }
  }

  #describeUnknown(name: string): ConfigEntry | undefined {
    const synonyms = this.synonyms(name)
    const source = synonyms[0]?.source
    if (source === undefined) return undefined
    const own = listenerSetting(name)
    // What it means is not known: it might be a secret.
    if (!own?.setting) return { name, value: null, source, readOnly: true, sensitive: true, type: 0, about: '', synonyms }
    const { base, setting } = own
    const sensitive = setting.type === 'password'
    return {
      name,
      value: sensitive ? null : this.#resolve(name).text,
      source,
      readOnly: true,
      sensitive,
      type: configTypeCodes[setting.type],
      about: setting.about,
      synonyms: [...synonyms, ...this.synonyms(base)]
    }
  }

  /** All settings that DescribeConfigs lists when no names are asked for: internal ones only when they are set. */
  describeAll(): ConfigEntry[] {
    const names = Object.keys(brokerSettings) as BrokerSettingName[]
    const set = [this.#broker, this.#cluster, this.#static].flatMap((layer) => [...layer.keys()])
    const unknown = [...new Set(set)].filter((name) => !brokerSetting(name))
    return [...names.filter((name) => brokerSetting(name)?.internal !== true || this.isSet(name)), ...unknown].map(
      (name) => this.describe(name) as ConfigEntry
    )
  }

  /** Every place that gives `name`, or a setting of the same meaning, a value; the winner first. */
  synonyms(name: string): ConfigSynonym[] {
    const names = brokerSetting(name)?.group ?? [name]
    const layers: readonly (readonly [Layer, ConfigSource])[] = [
      [this.#broker, ConfigSource.dynamicBroker],
      [this.#cluster, ConfigSource.dynamicDefaultBroker],
      [this.#static, ConfigSource.staticBroker]
    ]
    const found: ConfigSynonym[] = []
    for (const [layer, source] of layers) {
      for (const each of names) {
        const parsed = layer.get(each)
        if (parsed) found.push({ name: each, value: shown(each, parsed), source })
      }
    }
    for (const each of names) {
      const setting = brokerSetting(each)
      if (setting && setting.default !== null)
        found.push({ name: each, value: defaultOf(each, setting).text, source: ConfigSource.default })
    }
    return found
  }

  #resolve(name: string): ParsedValue {
    let parsed = this.#resolved.get(name)
    if (parsed) return parsed
    parsed = this.#broker.get(name) ?? this.#cluster.get(name) ?? this.#static.get(name)
    if (parsed === undefined) {
      const setting = brokerSetting(name)
      // One that nobody knows has no value before it is set, and none after.
      parsed = setting ? defaultOf(name, setting) : UNSET
    }
    this.#resolved.set(name, parsed)
    return parsed
  }
}

function shown(name: string, parsed: ParsedValue): string | null {
  const setting = brokerSetting(name) ?? listenerSetting(name)?.setting
  return setting === undefined || setting.type === 'password' ? null : parsed.text
}

function checkedLayer(texts: Texts, scope: 'broker' | 'cluster', problems: ConfigError[]): Layer {
  const layer = new Map<string, ParsedValue>()
  for (const [name, text] of texts) {
    try {
      layer.set(name, checkBrokerValue(name, text, scope))
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems.push(error)
    }
  }
  return layer
}
