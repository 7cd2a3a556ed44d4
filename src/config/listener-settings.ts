/** `listener.name.NAME.SETTING`: a setting for one listener, whose name stands there in small letters. */
import type { Setting } from './setting.js'
import { brokerSetting, type BrokerSettingName } from './settings/index.js'

/** The settings that take effect for single listeners. */
export const LISTENER_LIMITS = ['max.connections', 'max.connection.creation.rate'] as const satisfies readonly BrokerSettingName[]
export type ListenerLimit = (typeof LISTENER_LIMITS)[number] | 'num.network.threads'

export interface ListenerSetting {
  readonly listener: string
  /** The broker's setting of the same meaning. */
  readonly base: string
  /** Undefined: nobody knows it. */
  readonly setting: Setting | undefined
}

const PREFIXED = /^listener\.name\.([^.]*)\.(.*)$/
const MECHANISM = /^(?:plain|scram-sha-256|scram-sha-512|gssapi|oauthbearer)\./

/** Undefined: `name` is none of a single listener. */
export function listenerSetting(name: string): ListenerSetting | undefined {
  const [, listener, rest] = PREFIXED.exec(name) ?? []
  if (listener === undefined || rest === undefined) return undefined
  const base = rest.replace(MECHANISM, '')
  return { listener, base, setting: brokerSetting(base) }
}

export function listenerSettingName(listener: string, base: string): string {
  return `listener.name.${listener.toLowerCase()}.${base}`
}
