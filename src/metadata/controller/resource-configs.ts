/** What may be set for groups and client metrics subscriptions. */
import type { BrokerConfig } from '../../config/broker-config.js'
import { ClientMetricsBounds, clientMetricsConfig } from '../../config/client-metrics-config.js'
import { checkGroupLevel } from '../../config/group-level-config.js'
import { clientMetricsSetting, groupLevelSetting } from '../../config/settings/resources.js'
import { ConfigError } from '../../errors.js'
import { ErrorCode } from '../../protocol/error-codes.js'
import { ResourceType } from '../config-image.js'
import type { ControllerError } from '../controller-client.js'
import { failed } from './placement.js'

type Wanted = ReadonlyMap<string, string | null>

/** The wanted values in canonical form, null to remove; `current`: what is set now. */
export function checkResource(
  config: BrokerConfig,
  resourceType: number,
  current: ReadonlyMap<string, string>,
  wanted: Wanted
): Map<string, string | null> | ControllerError {
  const known = resourceType === ResourceType.group ? groupLevelSetting : clientMetricsSetting
  const result = new Map<string, string>()
  // What another version left behind, and is not touched now, is no reason to refuse the rest.
  for (const [name, value] of current) if (!wanted.has(name) && known(name)) result.set(name, value)
  for (const [name, value] of wanted) if (value !== null) result.set(name, value)
  try {
    const texts = resourceType === ResourceType.group ? checkGroupLevel(config, result) : checkedClientMetrics(result)
    return new Map([...wanted].map(([name, value]) => [name, value === null ? null : texts.get(name)!]))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return failed(error instanceof ClientMetricsBounds ? ErrorCode.INVALID_REQUEST : ErrorCode.INVALID_CONFIG, error.message)
  }
}

function checkedClientMetrics(texts: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  clientMetricsConfig(texts)
  return texts
}
