/** Keeps the subscriptions of client metrics what the metadata says. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../clock.js'
import type { BrokerConfig } from '../../config/broker-config.js'
import type { Logger } from '../../log.js'
import { ResourceType } from '../../metadata/config-image.js'
import type { MetadataSource } from '../../metadata/metadata-source.js'
import { ClientMetrics } from './client-metrics.js'
import { Subscriptions } from './subscriptions.js'

export function clientMetricsOf(config: BrokerConfig, metadata: MetadataSource, clock: Clock, log: Logger): ClientMetrics {
  const clientMetrics = new ClientMetrics({
    clock,
    maxBytes: () => config.get('telemetry.max.bytes'),
    newUuid: () => randomBytes(16).toString('base64url')
  })
  const apply = (): void => {
    const { configs } = metadata.image
    const resources = [...configs.names(ResourceType.clientMetrics)].map(
      (name) => [name, configs.of(ResourceType.clientMetrics, name)] as const
    )
    clientMetrics.subscribe(new Subscriptions(resources, (message) => log.warn(message)))
  }
  apply()
  metadata.subscribe(({ changedClientMetrics }) => {
    if (changedClientMetrics.length > 0) apply()
  })
  return clientMetrics
}
