/** Configuration: one table of settings, and what is made of it. */
export { BrokerConfig, ConfigSource, checkBrokerValue, type ConfigEntry, type ConfigSynonym } from './broker-config.js'
export { formatHostPort, planListeners, type Listener, type ListenerPlan } from './listeners.js'
export { loadBrokerConfig, type LoadedConfig } from './load.js'
export { parseProperties } from './properties.js'
export { brokerSetting, topicSetting, type BrokerSettingName, type TopicSettingName } from './settings/index.js'
export {
  checkTopicOverrides,
  describeTopicConfig,
  describeTopicSetting,
  resolveTopicConfig,
  type TopicConfig,
  type TopicOverrides
} from './topic-config.js'
