/** From the settings that a broker is started with to its configuration: what is refused, what is warned of, what is noted. */
import { ConfigError } from '../errors.js'
import { BrokerConfig, checkBrokerValue, checkListenerValue } from './broker-config.js'
import { checkBounds } from './broker-rules.js'
import { closest } from './closest.js'
import { LISTENER_LIMITS, listenerSetting } from './listener-settings.js'
import { planListeners, type ListenerPlan } from './listeners.js'
import { brokerSetting, brokerSettings } from './settings/index.js'
import type { ParsedValue } from './values.js'

export interface LoadedConfig {
  readonly config: BrokerConfig
  readonly listeners: ListenerPlan
  /** Names that nothing here knows, with what may be meant. */
  readonly unknown: readonly string[]
  /** Worth a warning. */
  readonly warnings: readonly string[]
  /** Worth a line: settings that are known and have no effect. */
  readonly notes: readonly string[]
}

/**
 * Throws ConfigError for a wrong value, security that is not implemented, and a role that is not offered. A name that nothing here knows is left
 * out, as in Kafka: it may belong to a plug-in or to another version.
 */
export function loadBrokerConfig(given: ReadonlyMap<string, string> | Readonly<Record<string, string>>): LoadedConfig {
  const entries = given instanceof Map ? [...given] : Object.entries(given as Readonly<Record<string, string>>)
  const values = new Map<string, ParsedValue>()
  const unknown: string[] = []
  const ignored: string[] = []
  for (const [name, text] of entries) {
    const setting = brokerSetting(name)
    if (!setting) {
      const own = listenerSetting(name)
      if (own && (LISTENER_LIMITS as readonly string[]).includes(own.base)) values.set(name, checkListenerValue(name, own, text))
      else {
        checkUnknown(name, text)
        if (own?.setting) ignored.push(name)
        else unknown.push(withClosest(name))
      }
      continue
    }
    values.set(name, checkBrokerValue(name, text))
    if (setting.ignored) ignored.push(name)
  }
  joinNodeIds(values)
  const config = new BrokerConfig(values)
  checkRoles(config)
  checkBounds(config)
  const listeners = planListeners(config)
  const warnings = unknown.length > 0 ? [`Unknown settings are left out: ${unknown.join(', ')}`] : []
  const notes = ignored.length > 0 ? [`Settings without effect here: ${ignored.join(', ')}`] : []
  return { config, listeners, unknown, warnings, notes: [...notes, ...listeners.notes] }
}

/** The name, and the known one that is meant if it is a slip. */
export function withClosest(name: string): string {
  const close = closest(name, Object.keys(brokerSettings))
  return close === undefined ? name : `${name} (did you mean ${close}?)`
}

function checkUnknown(name: string, text: string): void {
  if (name === 'zookeeper.connect') {
    throw new ConfigError(
      name,
      `zookeeper.connect=${text}: joining a cluster in ZooKeeper is not implemented yet; leave it unset, the controller runs in this process`
    )
  }
  const own = listenerSetting(name)
  if (own?.setting?.refused !== undefined) {
    throw new ConfigError(name, `${name}: ${own.setting.refused}; remove it (listener ${own.listener})`)
  }
}

/** node.id and its older name broker.id are one setting. */
function joinNodeIds(values: Map<string, ParsedValue>): void {
  const node = values.get('node.id')
  const broker = values.get('broker.id')
  if (node && broker && node.value !== broker.value) {
    throw new ConfigError('broker.id', `broker.id=${broker.text} and node.id=${node.text} must be the same`)
  }
  if (node && !broker) values.set('broker.id', node)
  if (broker && !node) values.set('node.id', checkBrokerValue('node.id', broker.text ?? ''))
}

// Only one node so far: a file that describes more would start something else than its author expects.
function checkRoles(config: BrokerConfig): void {
  const roles = config.get('process.roles')
  if (!roles.includes('broker')) {
    throw new ConfigError(
      'process.roles',
      `process.roles=${roles.join(',')}: a node that is only a controller is not offered; use broker,controller`
    )
  }
  for (const name of ['controller.quorum.voters', 'controller.quorum.bootstrap.servers'] as const) {
    const members = config.get(name)
    if (members.length > 1) {
      throw new ConfigError(
        name,
        `${name}=${members.join(',')}: a quorum of several controllers is not implemented yet; at most one is allowed`
      )
    }
    if (members.length > 0 && !roles.includes('controller')) {
      throw new ConfigError(
        name,
        `${name}=${members.join(',')}: joining a controller elsewhere is not implemented yet; use process.roles=broker,controller`
      )
    }
  }
  const voter = config.get('controller.quorum.voters')[0]
  if (voter !== undefined && voter.split('@')[0] !== config.text('node.id')) {
    throw new ConfigError(
      'controller.quorum.voters',
      `controller.quorum.voters=${voter}: only this node is allowed, ${config.text('node.id')}@host:port`
    )
  }
}
