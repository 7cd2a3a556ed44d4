/**
 * IncrementalAlterConfigs: sets, removes, appends to and subtracts from single settings of topics and brokers (KIP-339). A resource changes
 * as a whole or not at all.
 *
 * Version notes: v1 flexible.
 */
import { incrementalAlterConfigs } from '../protocol/messages/44-incremental-alter-configs.js'
import { handler } from './handler.js'

export const incrementalAlterConfigsHandler = handler({
  api: incrementalAlterConfigs,
  minVersion: 0,
  maxVersion: 1,
  async handle({ resources, validateOnly }, _context, { controller }) {
    return { responses: await controller.incrementalAlterConfigs(resources, validateOnly) }
  },
  failed: ({ resources }, errorCode) => ({
    responses: resources.map(({ resourceType, resourceName }) => ({ resourceType, resourceName, errorCode, errorMessage: null }))
  })
})
