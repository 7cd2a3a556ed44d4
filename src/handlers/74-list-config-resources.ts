/**
 * ListConfigResources: what has settings of its own (KIP-1000, KIP-1142).
 *
 * Version notes: v0 lists the subscriptions of client metrics only. v1 all kinds, or those that are asked for.
 */
import type { BrokerServices } from '../broker/services.js'
import { ResourceType } from '../metadata/config-image.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { listConfigResources } from '../protocol/messages/74-list-config-resources.js'
import { handler } from './handler.js'

const FIRST_VERSION_WITH_TYPES = 1
const { group, clientMetrics, brokerLogger, broker, topic } = ResourceType
const ALL: readonly number[] = [group, clientMetrics, brokerLogger, broker, topic]

export const listConfigResourcesHandler = handler({
  api: listConfigResources,
  minVersion: 0,
  maxVersion: 1,
  handle({ resourceTypes }, { apiVersion }, services) {
    const wanted = apiVersion < FIRST_VERSION_WITH_TYPES ? [clientMetrics] : resourceTypes.length === 0 ? ALL : resourceTypes
    if (wanted.some((type) => !ALL.includes(type))) return { errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] }
    const configResources = ALL.filter((type) => wanted.includes(type)).flatMap((resourceType) =>
      [...namesOf(resourceType, services)].map((resourceName) => ({ resourceName, resourceType }))
    )
    return { errorCode: ErrorCode.NONE, configResources }
  },
  failed: (_request, errorCode) => ({ errorCode, configResources: [] })
})

function namesOf(type: number, { metadata }: BrokerServices): Iterable<string> {
  const { image } = metadata
  if (type === topic) return [...image.topics()].map(({ name }) => name)
  if (type === broker || type === brokerLogger) return [...image.brokers()].filter(({ fenced }) => !fenced).map(({ id }) => String(id))
  return image.configs.names(type)
}
