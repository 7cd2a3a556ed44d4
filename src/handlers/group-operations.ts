/** What handlers of groups have in common. */
import type { BrokerServices } from '../broker/services.js'

/** The feature and the setting that the consumer protocol (KIP-848) depends on. */
export function hasConsumerProtocol({ metadata, config }: BrokerServices): boolean {
  return metadata.image.features.level('group.version') > 0 && config.get('group.coordinator.rebalance.protocols').includes('consumer')
}
