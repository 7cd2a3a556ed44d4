/** The settings of one group: its own over those of the broker. */
import { ConfigError } from '../errors.js'
import { ConfigSource, configTypeCodes, type BrokerConfig, type ConfigEntry } from './broker-config.js'
import type { ValueOf } from './setting.js'
import type { BrokerSettingName } from './settings/index.js'
import { groupLevelSetting, groupLevelSettings, type GroupLevelSettingName, type GroupLevelSettings } from './settings/resources.js'
import { parseValue } from './values.js'

type Texts = ReadonlyMap<string, string>

const names = Object.keys(groupLevelSettings) as GroupLevelSettingName[]

/** Settings that must lie between two of the broker; one of the two may be missing. */
const BOUNDS: readonly (readonly [name: GroupLevelSettingName, least: BrokerSettingName | undefined, most: BrokerSettingName])[] = [
  ['consumer.heartbeat.interval.ms', 'group.consumer.min.heartbeat.interval.ms', 'group.consumer.max.heartbeat.interval.ms'],
  ['consumer.session.timeout.ms', 'group.consumer.min.session.timeout.ms', 'group.consumer.max.session.timeout.ms'],
  ['consumer.assignment.interval.ms', 'group.consumer.min.assignment.interval.ms', 'group.consumer.max.assignment.interval.ms'],
  ['share.heartbeat.interval.ms', 'group.share.min.heartbeat.interval.ms', 'group.share.max.heartbeat.interval.ms'],
  ['share.session.timeout.ms', 'group.share.min.session.timeout.ms', 'group.share.max.session.timeout.ms'],
  ['share.assignment.interval.ms', 'group.share.min.assignment.interval.ms', 'group.share.max.assignment.interval.ms'],
  ['share.record.lock.duration.ms', 'group.share.min.record.lock.duration.ms', 'group.share.max.record.lock.duration.ms'],
  ['share.delivery.count.limit', 'group.share.min.delivery.count.limit', 'group.share.max.delivery.count.limit'],
  ['share.partition.max.record.locks', 'group.share.min.partition.max.record.locks', 'group.share.max.partition.max.record.locks'],
  ['streams.heartbeat.interval.ms', 'group.streams.min.heartbeat.interval.ms', 'group.streams.max.heartbeat.interval.ms'],
  ['streams.session.timeout.ms', 'group.streams.min.session.timeout.ms', 'group.streams.max.session.timeout.ms'],
  ['streams.assignment.interval.ms', 'group.streams.min.assignment.interval.ms', 'group.streams.max.assignment.interval.ms'],
  ['streams.num.standby.replicas', undefined, 'group.streams.max.standby.replicas']
]
const OFFSET_RESET = /^(earliest|latest|by_duration:P(?=[\dT])(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+([.,]\d{1,9})?S)?)?)$/i

/**
 * The value in force for a group: its own, else that of the broker, or the default. `overrides`: what is set for the group. A stored value
 * that is wrong (of another version, say) does not count.
 */
export function groupLevelValue<N extends GroupLevelSettingName>(
  broker: BrokerConfig,
  overrides: Texts,
  name: N
): ValueOf<GroupLevelSettings[N]> {
  return inForce(broker, overrides, name).value as ValueOf<GroupLevelSettings[N]>
}

/** Checks what is to be set for a group. Throws ConfigError. Returns the canonical texts. */
export function checkGroupLevel(broker: BrokerConfig, overrides: Texts): Map<string, string> {
  const checked = new Map<string, string>()
  for (const [name, text] of overrides) {
    const setting = groupLevelSetting(name)
    if (!setting) throw new ConfigError(name, `Unknown group config name: ${name}`)
    const parsed = parseValue(name, setting, text)
    if (name === 'share.auto.offset.reset' && !OFFSET_RESET.test(text)) {
      throw new ConfigError(
        name,
        `Invalid value ${JSON.stringify(text)} for ${name}: it must be earliest, latest or by_duration:PnDTnHnMn.nS`
      )
    }
    checked.set(name, parsed.text ?? '')
  }
  for (const [name, least, most] of BOUNDS) {
    if (!checked.has(name)) continue
    const value = Number(checked.get(name))
    if (least !== undefined && value < Number(broker.get(least)))
      throw new ConfigError(name, `${name} must be greater than or equal to ${least}`)
    if (value > Number(broker.get(most))) throw new ConfigError(name, `${name} must be less than or equal to ${most}`)
  }
  for (const kind of ['consumer', 'share', 'streams'] as const) {
    const [session, heartbeat] = [`${kind}.session.timeout.ms`, `${kind}.heartbeat.interval.ms`] as const
    if (groupLevelValue(broker, checked, session) <= groupLevelValue(broker, checked, heartbeat)) {
      throw new ConfigError(session, `${session} must be greater than ${heartbeat}`)
    }
  }
  return checked
}

/** What DescribeConfigs answers for a group. */
export function describeGroupLevel(broker: BrokerConfig, overrides: Texts): ConfigEntry[] {
  return names.map((name) => {
    const setting = groupLevelSetting(name)!
    const own = overrides.get(name)
    const first = setting.synonyms?.[0]?.name
    const below = first === undefined ? [{ name, value: setting.default, source: ConfigSource.default }] : broker.synonyms(first)
    const synonyms = own === undefined ? below : [{ name, value: own, source: ConfigSource.group }, ...below]
    return {
      name,
      value: inForce(broker, overrides, name).text,
      source: synonyms[0]!.source,
      readOnly: false,
      sensitive: false,
      type: configTypeCodes[setting.type],
      about: setting.about,
      synonyms
    }
  })
}

function inForce(broker: BrokerConfig, overrides: Texts, name: GroupLevelSettingName) {
  const setting = groupLevelSetting(name)!
  const own = overrides.get(name)
  if (own !== undefined) {
    try {
      return parseValue(name, setting, own)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
    }
  }
  const from = setting.synonyms?.[0]?.name as BrokerSettingName | undefined
  return from === undefined ? parseValue(name, setting, setting.default) : { value: broker.get(from), text: broker.text(from) }
}
