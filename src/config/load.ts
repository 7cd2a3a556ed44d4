/** From the settings that a broker is started with to its configuration: what is refused, what is warned of, what is noted. */
import { ConfigError } from '../errors.js'
import { BrokerConfig, checkBrokerValue } from './broker-config.js'
import { planListeners, type ListenerPlan } from './listeners.js'
import { brokerSetting } from './settings/index.js'
import { sluiceSettings } from './settings/sluice.js'
import type { ParsedValue } from './values.js'

export interface LoadedConfig {
  readonly config: BrokerConfig
  readonly listeners: ListenerPlan
  /** Worth a warning: names that nothing here knows. */
  readonly warnings: readonly string[]
  /** Worth a line: settings that are known and have no effect. */
  readonly notes: readonly string[]
}

const LISTENER_PREFIX = /^listener\.name\.([^.]+)\.(.+)$/
const CLOSEST_DISTANCE = 3

/** Throws ConfigError for a wrong value, an unknown `sluice.` name, security that is not implemented, and a role that is not offered. */
export function loadBrokerConfig(given: ReadonlyMap<string, string> | Readonly<Record<string, string>>): LoadedConfig {
  const entries = given instanceof Map ? [...given] : Object.entries(given as Readonly<Record<string, string>>)
  const values = new Map<string, ParsedValue>()
  const unknown: string[] = []
  const ignored: string[] = []
  for (const [name, text] of entries) {
    const setting = brokerSetting(name)
    if (!setting) {
      checkUnknown(name, text)
      unknown.push(name)
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
  return { config, listeners, warnings, notes: [...notes, ...listeners.notes] }
}

function checkUnknown(name: string, text: string): void {
  if (name === 'zookeeper.connect') {
    throw new ConfigError(
      name,
      `zookeeper.connect=${text}: joining a cluster in ZooKeeper is not implemented yet; leave it unset, the controller runs in this process`
    )
  }
  if (name.startsWith('sluice.')) {
    const close = closest(name)
    throw new ConfigError(
      name,
      `Unknown setting ${name}${close === undefined ? '' : `; did you mean ${close}?`} docs/configuration.md lists them`
    )
  }
  const [, listener, base] = LISTENER_PREFIX.exec(name) ?? []
  const setting =
    base === undefined ? undefined : brokerSetting(base.replace(/^(plain|scram-sha-256|scram-sha-512|gssapi|oauthbearer)\./, ''))
  if (setting?.refused !== undefined) {
    throw new ConfigError(name, `${name}: ${setting.refused}; remove it (listener ${listener})`)
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

function checkBounds(config: BrokerConfig): void {
  const min = config.get('group.min.session.timeout.ms')
  const max = config.get('group.max.session.timeout.ms')
  if (min > max) {
    throw new ConfigError(
      'group.min.session.timeout.ms',
      `group.min.session.timeout.ms=${min} must not be above group.max.session.timeout.ms=${max}`
    )
  }
  for (const name of ['socket.send.buffer.bytes', 'socket.receive.buffer.bytes'] as const) {
    const bytes = config.get(name)
    if (bytes < -1 || bytes === 0) throw new ConfigError(name, `Invalid value "${bytes}" for ${name}: it must be -1 or at least 1`)
  }
  if (config.get('log.retention.ms') === 0 || config.get('log.retention.hours') === 0 || config.get('log.retention.minutes') === 0) {
    throw new ConfigError('log.retention.ms', 'log.retention.ms, log.retention.minutes and log.retention.hours must not be 0; -1: never')
  }
}

/** The known `sluice.` name that differs in the fewest letters. */
function closest(name: string): string | undefined {
  let best: string | undefined
  let bestDistance = CLOSEST_DISTANCE + 1
  for (const known of Object.keys(sluiceSettings)) {
    const distance = editDistance(name, known)
    if (distance < bestDistance) [best, bestDistance] = [known, distance]
  }
  return best
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] as number) + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, (previous[column] as number) + 1, (current[column - 1] as number) + 1))
    }
    previous = current
  }
  return previous[b.length] as number
}
