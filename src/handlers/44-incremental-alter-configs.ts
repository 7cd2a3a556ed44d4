/**
 * IncrementalAlterConfigs: sets, removes, appends to and subtracts from single settings of topics, groups, client metrics subscriptions and
 * brokers (KIP-339), and levels of this broker's loggers (KIP-412). A resource changes
 * as a whole or not at all.
 *
 * Version notes: v1 flexible.
 */
import { incrementalAlterConfigs } from '../protocol/messages/44-incremental-alter-configs.js'
import { ResourceType } from '../metadata/config-image.js'
import { repeated } from '../metadata/controller/step.js'
import { handler } from './handler.js'
import { setLevels } from './logger-levels.js'

export const incrementalAlterConfigsHandler = handler({
  api: incrementalAlterConfigs,
  minVersion: 0,
  maxVersion: 1,
  async handle({ resources, validateOnly }, _context, broker) {
    const levels = resources.filter(({ resourceType }) => resourceType === ResourceType.brokerLogger)
    const others = resources.filter(({ resourceType }) => resourceType !== ResourceType.brokerLogger)
    const altered = others.length === 0 ? [] : await broker.controller.incrementalAlterConfigs(others, validateOnly)
    const twice = repeated(levels, ({ resourceName }) => resourceName)
    const set = levels.map((resource) => setLevels(resource, broker, twice.has(resource.resourceName), validateOnly))
    return { responses: [...altered, ...set] }
  },
  failed: ({ resources }, errorCode) => ({
    responses: resources.map(({ resourceType, resourceName }) => ({ resourceType, resourceName, errorCode, errorMessage: null }))
  })
})
