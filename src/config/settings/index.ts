/** The one table of settings, put together from its areas. */
import type { Setting, ValueOf } from '../setting.js'
import { consumerGroupSettings, groupSettings } from './group.js'
import { cleanerSettings, logSettings } from './log.js'
import { networkSettings } from './network.js'
import { nodeSettings, quorumSettings } from './node.js'
import { metricsSettings, quotaSettings } from './observe.js'
import { remoteSettings } from './remote.js'
import { followerSettings, replicationSettings } from './replication.js'
import { policySettings, securitySettings } from './security.js'
import { shareSettings, streamsSettings } from './share.js'
import { sluiceSettings } from './sluice.js'
import { topicSettings } from './topic.js'
import { producerSettings, transactionSettings } from './transaction.js'

export const brokerSettings = {
  ...networkSettings,
  ...nodeSettings,
  ...quorumSettings,
  ...logSettings,
  ...cleanerSettings,
  ...replicationSettings,
  ...followerSettings,
  ...groupSettings,
  ...consumerGroupSettings,
  ...producerSettings,
  ...transactionSettings,
  ...shareSettings,
  ...streamsSettings,
  ...quotaSettings,
  ...metricsSettings,
  ...securitySettings,
  ...policySettings,
  ...remoteSettings,
  ...sluiceSettings
}

export { topicSettings }

export type BrokerSettings = typeof brokerSettings
export type BrokerSettingName = keyof BrokerSettings
export type BrokerValue<N extends BrokerSettingName> = ValueOf<BrokerSettings[N]>

export type TopicSettings = typeof topicSettings
export type TopicSettingName = keyof TopicSettings

/** The areas in the order in which docs/configuration.md shows them. */
export const settingAreas: readonly { readonly title: string; readonly rows: Readonly<Record<string, Setting>> }[] = [
  { title: 'Of this broker alone', rows: sluiceSettings },
  { title: 'Topics', rows: topicSettings },
  { title: 'Network and requests', rows: networkSettings },
  { title: 'Node and metadata', rows: { ...nodeSettings, ...quorumSettings } },
  { title: 'Logs', rows: { ...logSettings, ...cleanerSettings } },
  { title: 'Replication', rows: { ...replicationSettings, ...followerSettings } },
  { title: 'Groups and offsets', rows: { ...groupSettings, ...consumerGroupSettings } },
  { title: 'Producers and transactions', rows: { ...producerSettings, ...transactionSettings } },
  { title: 'Security and plug-ins', rows: { ...securitySettings, ...policySettings } },
  { title: 'Quotas and metrics', rows: { ...quotaSettings, ...metricsSettings } },
  { title: 'Share and streams groups', rows: { ...shareSettings, ...streamsSettings } },
  { title: 'Tiered storage', rows: remoteSettings }
]

/** The row of a broker setting; undefined: no such setting. */
export function brokerSetting(name: string): Setting | undefined {
  return Object.hasOwn(brokerSettings, name) ? brokerSettings[name as BrokerSettingName] : undefined
}

/** The row of a topic setting; undefined: no such setting. */
export function topicSetting(name: string): Setting | undefined {
  return Object.hasOwn(topicSettings, name) ? topicSettings[name as TopicSettingName] : undefined
}
