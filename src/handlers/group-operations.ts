/** What handlers of groups have in common: authorized operations in descriptions, and whether the consumer protocol is to be had. */
import type { BrokerServices } from '../broker/services.js'

/** Without authorization everything is allowed: READ 3, DELETE 6, DESCRIBE 8, DESCRIBE_CONFIGS 10, ALTER_CONFIGS 11, a bit each. */
export const ALL_GROUP_OPERATIONS = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11)
export const OPERATIONS_NOT_ASKED = -2147483648

/** The feature and the setting that the consumer protocol (KIP-848) depends on. */
export function hasConsumerProtocol({ metadata, config }: BrokerServices): boolean {
  return metadata.image.features.level('group.version') > 0 && config.get('group.coordinator.rebalance.protocols').includes('consumer')
}
